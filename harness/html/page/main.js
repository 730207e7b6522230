/** The page of a report: the matrix, or a cell of it, as the address says. */

import { drawCell } from './cell.js';
import { openData } from './data.js';
import { h } from './dom.js';
import { createOverview } from './overview.js';
import { currentState, linkTo } from './state.js';

const data = await openData();
const overview = createOverview(data);
const cells = new Map(
  data.cells.map((cell) => [
    `${data.senders[cell.sender].name} ${data.scenarios[cell.scenario].id}`,
    cell,
  ]),
);
/** The cell that is open. */
let opened = '';

document.getElementById('loading')?.remove();
document.body.prepend(overview.element);
addEventListener('hashchange', () => show());
addEventListener('keydown', ({ key }) => {
  if (key === 'Escape' && opened !== '') location.hash = linkTo({ cell: '' });
});
await show();

async function show() {
  const state = currentState();
  const before = document.getElementById('cell');
  if (state.cell === '') {
    before?.remove();
    overview.element.hidden = false;
    overview.show(state);
    document.title = 'Holdfast report';
    if (opened !== '') overview.focus();
    opened = '';
    return;
  }
  const cell = cells.get(state.cell);
  const view = cell
    ? await drawCell(data, cell, state)
    : h(
        'main',
        { id: 'cell' },
        h('h1', { tabIndex: -1 }, 'This report has no such cell'),
        h('a', { href: linkTo({ cell: '' }) }, '← Matrix'),
      );
  // Another cell may have been asked for meanwhile.
  if (currentState().cell !== state.cell) return;
  overview.element.hidden = true;
  if (before) before.replaceWith(view);
  else document.body.prepend(view);
  const isNew = opened !== state.cell;
  opened = state.cell;
  document.title = `${state.cell} · Holdfast report`;
  const target = targetOf(view, state);
  if (target) target.scrollIntoView({ block: 'center' });
  else if (isNew) scrollTo(0, 0);
  (target ?? view.querySelector('h1')).focus({ preventScroll: true });
}

/** What the address points at within the cell. */
function targetOf(view, { finding, seen }) {
  const selector =
    seen > 0
      ? `.diagram [data-seq="${seen}"] a, #seen-${seen} a`
      : finding > 0
        ? `#finding-${finding} a`
        : undefined;
  return selector && view.querySelector(selector);
}
