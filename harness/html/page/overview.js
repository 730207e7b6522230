/** The first view: what was run, the filters, the causes and the matrix. */

import { counted, h } from './dom.js';
import { createMatrix } from './matrix.js';
import { prepare, rowsFor } from './rows.js';
import { linkTo } from './state.js';

/** The view, and `show`, which draws it for a state. */
export function createOverview(data) {
  const prepared = prepare(data);
  const matrix = createMatrix(data);
  const filters = createFilters(data, prepared);
  const left = h('p', { class: 'left', role: 'status' });
  const causes = h('ol', { class: 'causes' });
  const element = h(
    'main',
    { id: 'overview' },
    summaryOf(data),
    filters.element,
    h(
      'div',
      { class: 'sides' },
      h('section', { class: 'side-matrix', 'aria-label': 'Matrix' }, left, matrix.grid),
      h(
        'section',
        { class: 'side-causes', 'aria-labelledby': 'causes-title' },
        h('h2', { id: 'causes-title' }, 'What did not pass, by cause'),
        causes,
        listOf('What an attacker would have got', data.exposure),
        listOf('Listed as known, and no more', data.knownNoMore),
        listOf(
          'Senders that could not be run',
          data.skippedSenders.map(({ name, reason }) => `${name}: ${reason}`),
        ),
        listOf('Where the RFCs leave it open', data.facts),
      ),
    ),
  );
  return {
    element,
    show(state) {
      const found = rowsFor(prepared, data.senders, state);
      const shown = found.rows.reduce(
        (sum, { cells }) => sum + cells.reduce((all, { length }) => all + length, 0),
        0,
      );
      left.textContent = `${counted(shown, 'verdict')} of ${data.cells.length.toLocaleString('en')}, ${counted(found.rows.length, 'row')}`;
      matrix.show(found);
      filters.show(state);
      causes.replaceChildren(...causesFor(data, found, state));
    },
    /** To the cell of the matrix that had it last. */
    focus: matrix.focus,
  };
}

function summaryOf({
  holdfast,
  node,
  startedAt,
  elapsedMs,
  interrupted,
  counts,
  shown,
  cells,
  leftOut,
}) {
  // Kept evidence alone does not tell when and by what it was made.
  const facts = [
    holdfast !== '' && `holdfast ${holdfast}`,
    node !== '' && `Node ${node}`,
    !startedAt.startsWith('1970') && `${startedAt.slice(0, 16).replace('T', ' ')} UTC`,
    `${counted(cells.length, 'verdict')}${elapsedMs === 0 ? '' : ` in ${(elapsedMs / 1000).toFixed(1)} s`}`,
  ];
  const told = shown.filter(({ shown }) => counts[shown] > 0);
  return h(
    'header',
    { class: 'summary' },
    h('h1', {}, 'Holdfast report'),
    h('p', {}, facts.filter((fact) => fact).join(' · ')),
    h(
      'ul',
      { class: 'counts' },
      told.map(({ shown, symbol, word }) =>
        h('li', {}, h('span', { class: `verdict ${shown}` }, symbol), ` ${counts[shown]} ${word}`),
      ),
    ),
    h('p', {}, h('a', { href: '#view=coverage' }, 'Coverage of the requirements')),
    interrupted &&
      h('p', { class: 'notice' }, 'The run was interrupted: not every scenario was judged.'),
    leftOut > 0 &&
      h(
        'p',
        { class: 'notice' },
        `The evidence of ${counted(leftOut, 'verdict')} is not in this page, so that it stays small; what failed is kept first. Their findings are here, and evidence that was kept (--keep) has the rest.`,
      ),
  );
}

function listOf(title, lines) {
  if (lines.length === 0) return null;
  return [
    h('h2', {}, title),
    h(
      'ul',
      { class: 'lines' },
      lines.map((line) => h('li', {}, line)),
    ),
  ];
}

// ---- filters ----

function createFilters(data, prepared) {
  const unique = (values) => [...new Set(values)];
  const search = h('input', {
    type: 'search',
    id: 'q',
    placeholder: 'scenario, title, RFC text, what was seen',
    input: () => go({ q: search.value }),
  });
  const variants = h('input', {
    type: 'checkbox',
    id: 'variants',
    change: () => go({ variants: variants.checked }),
  });
  const choice = (name, label, values, wordOf = (value) => value) => {
    const select = h(
      'select',
      {
        id: `filter-${name}`,
        change: () => go({ [name]: select.value === '' ? [] : [select.value] }),
      },
      h('option', { value: '' }, 'all'),
      values.map((value) => h('option', { value }, wordOf(value))),
    );
    return {
      name,
      select,
      label: h('span', {}, h('label', { htmlFor: select.id }, label), ' ', select),
    };
  };
  const words = Object.fromEntries(
    data.shown.map(({ shown, symbol, word }) => [shown, `${symbol} ${word}`]),
  );
  const choices = [
    choice(
      'sender',
      'Sender',
      data.senders.map(({ name }) => name),
    ),
    choice(
      'verdict',
      'Verdict',
      data.shown.map(({ shown }) => shown),
      (value) => words[value],
    ),
    choice('rfc', 'RFC', unique(prepared.flatMap(({ rfcs }) => rfcs)).sort()),
    choice('level', 'Level', unique(prepared.flatMap(({ levels }) => levels)).sort()),
    choice('folder', 'Folder', unique(prepared.map(({ folder }) => folder))),
  ];
  const element = h(
    'form',
    {
      class: 'filters',
      role: 'search',
      'aria-label': 'Filters',
      submit: (event) => event.preventDefault(),
    },
    h('label', { class: 'text' }, 'Text ', search),
    choices.map(({ label }) => label),
    h('label', {}, variants, ' each variant'),
    h('a', { href: '#', class: 'button' }, 'Clear'),
  );
  return {
    element,
    show(state) {
      if (search.value !== state.q) search.value = state.q;
      variants.checked = state.variants;
      for (const { name, select } of choices) select.value = state[name][0] ?? '';
    },
  };
}

/** A filter makes no step in the history of its own. */
function go(change) {
  history.replaceState(null, '', linkTo({ ...change, cell: '' }));
  dispatchEvent(new HashChangeEvent('hashchange'));
}

// ---- causes ----

/** The causes that have a scenario among what the filters leave. */
function causesFor(data, { columns, rows }, state) {
  const words = Object.fromEntries(data.shown.map((one) => [one.shown, one]));
  const seen = new Set(rows.flatMap(({ scenarios }) => scenarios));
  const own = data.causes.filter(
    ({ sender, scenarios, shown }) =>
      columns.includes(sender) &&
      (state.verdict.length === 0 || state.verdict.includes(shown)) &&
      scenarios.some((scenario) => seen.has(scenario)),
  );
  if (own.length === 0) return [h('li', { class: 'none' }, 'None.')];
  const itemOf = (cause) => causeItem(data, cause, words);
  const rest = own.slice(CAUSES_AT_FIRST);
  const more = h(
    'li',
    {},
    h(
      'button',
      { type: 'button', click: () => more.replaceWith(...rest.map(itemOf)) },
      `${counted(rest.length, 'more cause')}`,
    ),
  );
  return [...own.slice(0, CAUSES_AT_FIRST).map(itemOf), ...(rest.length > 0 ? [more] : [])];
}

const CAUSES_AT_FIRST = 20;

function causeItem(data, { shown, sender, requirement, actual, scenarios }, words) {
  const { name } = data.senders[sender];
  const { symbol, word } = words[shown];
  const id = (scenario) => data.scenarios[scenario].id;
  const list = h('ul', {});
  // There can be a thousand: they are made when somebody looks.
  const fill = () => {
    if (list.childElementCount > 0) return;
    list.append(
      ...scenarios.map((scenario) =>
        h('li', {}, h('a', { href: linkTo({ cell: `${name} ${id(scenario)}` }) }, id(scenario))),
      ),
    );
  };
  return h(
    'li',
    {},
    h(
      'p',
      {},
      h('span', { class: `verdict ${shown}`, role: 'img', 'aria-label': word }, symbol),
      ' ',
      h('b', {}, name),
      ` · ${data.requirements[requirement]?.level ?? ''} · `,
      data.requirements[requirement]?.text ?? requirement,
    ),
    h('p', { class: 'actual' }, actual),
    h('details', { toggle: fill }, h('summary', {}, counted(scenarios.length, 'scenario')), list),
  );
}
