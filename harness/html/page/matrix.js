/**
 * The matrix: a grid of which only the rows in sight are in the page, so that a thousand rows cost
 * what thirty do. Arrow keys, Home, End, Page Up and Page Down move; Enter opens.
 */

import { h, place } from './dom.js';
import { tally } from './rows.js';
import { cellLinks, currentState } from './state.js';

const ROW_PX = 28;
const MARGIN_ROWS = 4;

/** The grid, and `show`, which is told what is left by the filters. */
export function createMatrix(data) {
  const body = h('div', { class: 'rows', role: 'presentation' });
  const head = h('div', { class: 'row head', role: 'row', 'aria-rowindex': '1' });
  const grid = h(
    'div',
    {
      class: 'matrix',
      role: 'grid',
      'aria-label': 'Scenarios and senders',
      scroll: () => draw(),
      keydown: (event) => move(event),
      focusin: (event) => follow(event.target),
    },
    head,
    body,
  );
  /** Numbers of senders, and rows as rowsFor gives them. */
  let [columns, rows] = /** @type {[number[], any[]]} */ ([[], []]);
  let at = { row: 0, column: 0 };
  let isWhole = false;
  let linkOf = cellLinks(currentState());

  let drawn = { first: 0, last: 0 };
  /** Rows that are there already stay, so that nothing is changed under a pointer that is pressed. */
  const draw = (isNew = false) => {
    const top = isWhole ? 0 : Math.floor(grid.scrollTop / ROW_PX);
    const bottom = isWhole
      ? rows.length
      : Math.min(rows.length, top + Math.ceil(grid.clientHeight / ROW_PX));
    if (!isNew && top >= drawn.first && bottom <= drawn.last) return;
    const first = Math.max(0, top - MARGIN_ROWS);
    const last = Math.min(rows.length, bottom + MARGIN_ROWS);
    drawn = { first, last };
    const hadFocus = body.contains(document.activeElement);
    place(body, { height: `${rows.length * ROW_PX}px` });
    body.replaceChildren(...rows.slice(first, last).map((row, index) => rowOf(row, first + index)));
    if (hadFocus) cellAt(at)?.focus({ preventScroll: true });
  };
  const rowOf = (row, index) =>
    place(
      h(
        'div',
        { class: 'row', role: 'row', 'aria-rowindex': String(index + 2) },
        h('div', { class: 'name', role: 'rowheader', title: titleOf(row) }, nameOf(row)),
        row.cells.map((cells, column) => cellOf(row, cells, index, column)),
      ),
      { '--top': `${index * ROW_PX}px` },
    );
  const nameOf = ({ file, scenarios }) =>
    scenarios.length === 1 ? data.scenarios[scenarios[0]].id : `${file} (${scenarios.length})`;
  const titleOf = ({ scenarios }) => data.scenarios[scenarios[0]].title;
  const cellOf = (row, cells, index, column) => {
    const told = tally(cells);
    const isHere = at.row === index && at.column === column;
    const { name } = data.senders[columns[column] ?? 0];
    if (!told) return h('div', { role: 'gridcell', class: 'cell' });
    const id = data.scenarios[told.example.scenario].id;
    return h(
      'div',
      { role: 'gridcell', class: 'cell' },
      h(
        'a',
        {
          class: `verdict ${told.shown}`,
          href: linkOf(`${name} ${id}`),
          tabIndex: isHere ? 0 : -1,
          at: { row: index, column },
          'aria-label': `${nameOf(row)}, ${name}: ${told.words}`,
          title: cells.length === 1 ? told.example.told || told.words : told.words,
        },
        told.text,
      ),
    );
  };
  const cellAt = ({ row, column }) =>
    body.children[row - drawn.first]?.children[column + 1]?.querySelector('a');

  const follow = (target) => {
    if (!target.at) return;
    const before = cellAt(at);
    if (before) before.tabIndex = -1;
    at = target.at;
    target.tabIndex = 0;
  };
  /** To the next cell that there is in the direction of the key. */
  const move = (event) => {
    const page = Math.max(1, Math.floor(grid.clientHeight / ROW_PX) - 2);
    const ways = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      PageUp: [-page, 0],
      PageDown: [page, 0],
      Home: [0, -columns.length],
      End: [0, columns.length],
    };
    const way = ways[event.key];
    if (!way || event.altKey || event.metaKey || rows.length === 0) return;
    event.preventDefault();
    const isFar = event.ctrlKey && (event.key === 'Home' || event.key === 'End');
    const target = isFar
      ? { row: event.key === 'Home' ? 0 : rows.length - 1, column: at.column }
      : {
          row: clamp(at.row + way[0], rows.length),
          column: clamp(at.column + way[1], columns.length),
        };
    const [down, right] = isFar
      ? [event.key === 'Home' ? 1 : -1, 0]
      : way.map((by) => -Math.sign(by));
    // Where there is no verdict nothing can be focused: on, in the same direction, and else back.
    const found = nearest(target, -down, -right) ?? nearest(target, down, right) ?? at;
    scrollTo(found.row);
    draw();
    cellAt(found)?.focus({ preventScroll: true });
  };
  const nearest = ({ row, column }, down, right) => {
    for (let [r, c] = [row, column]; rows[r]?.cells[c]; r += down, c += right) {
      if (rows[r].cells[c].length > 0) return { row: r, column: c };
      if (down === 0 && right === 0) return undefined;
    }
    return undefined;
  };
  const scrollTo = (row) => {
    const top = row * ROW_PX;
    const seen = grid.clientHeight - ROW_PX * 2;
    if (top < grid.scrollTop) grid.scrollTop = top;
    else if (top > grid.scrollTop + seen) grid.scrollTop = top - seen;
  };

  new ResizeObserver(() => draw()).observe(grid);
  addEventListener('beforeprint', () => {
    isWhole = true;
    draw();
  });
  addEventListener('afterprint', () => {
    isWhole = false;
    draw(true);
  });
  return {
    grid,
    show(left) {
      ({ columns, rows } = left);
      linkOf = cellLinks(currentState());
      if (!(rows[at.row]?.cells[at.column]?.length > 0))
        at = firstOf(rows) ?? { row: 0, column: 0 };
      grid.setAttribute('aria-rowcount', String(rows.length + 1));
      place(grid, {
        '--columns': String(columns.length),
        '--name': widthOf(rows.map(nameOf), 24, 56),
        '--column': widthOf(
          columns.map((column) => data.senders[column].name),
          8,
          18,
        ),
      });
      head.replaceChildren(
        h('div', { class: 'name', role: 'columnheader' }, 'scenario'),
        ...columns.map((column) => {
          const { name, version } = data.senders[column];
          return h(
            'div',
            { role: 'columnheader', class: 'cell', title: `${name} ${version}` },
            name,
          );
        }),
      );
      if (grid.scrollTop > rows.length * ROW_PX) grid.scrollTop = 0;
      draw(true);
    },
    focus: () => cellAt(at)?.focus(),
  };
}

function firstOf(rows) {
  for (const [row, { cells }] of rows.entries()) {
    const column = cells.findIndex((cell) => cell.length > 0);
    if (column >= 0) return { row, column };
  }
  return undefined;
}

/** Of the longest, in characters, and the room around it. */
function widthOf(texts, least, most) {
  const longest = Math.max(least, ...texts.map(({ length }) => length));
  return `calc(${Math.min(longest, most)}ch + 1rem)`;
}

const clamp = (value, size) => Math.min(Math.max(value, 0), size - 1);
