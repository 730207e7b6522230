/** The page of a report: the matrix, a cell of it, or the coverage, as the address says. */

import { drawCell } from './cell.js';
import { drawCoverage } from './coverage.js';
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
/** What is open: `cell`, `view`, or empty for the matrix. */
let opened = '';

document.getElementById('loading')?.remove();
document.body.prepend(overview.element);
addEventListener('hashchange', () => show());
addEventListener('keydown', ({ key }) => {
  if (key !== 'Escape' || opened === '') return;
  location.hash = linkTo(currentState().cell === '' ? { view: '' } : { cell: '' });
});
await show();

async function show() {
  const state = currentState();
  const name = state.cell || state.view;
  const before = document.querySelector('main.opened');
  if (name === '') {
    before?.remove();
    overview.element.hidden = false;
    overview.show(state);
    document.title = 'Holdfast report';
    if (opened !== '') overview.focus();
    opened = '';
    return;
  }
  const view = state.cell === '' ? drawCoverage(data, state) : await drawOf(state);
  // Something else may have been asked for meanwhile.
  const now = currentState();
  if ((now.cell || now.view) !== name) return;
  overview.element.hidden = true;
  if (before) before.replaceWith(view);
  else document.body.prepend(view);
  const isNew = opened !== name;
  opened = name;
  document.title = `${name} · Holdfast report`;
  const target = targetOf(view, state);
  if (target) target.scrollIntoView({ block: 'center' });
  else if (isNew) scrollTo(0, 0);
  (target ?? view.querySelector('h1')).focus({ preventScroll: true });
}

async function drawOf(state) {
  const cell = cells.get(state.cell);
  if (cell) return await drawCell(data, cell, state);
  return h(
    'main',
    { id: 'cell', class: 'opened' },
    h('h1', { tabIndex: -1 }, 'This report has no such cell'),
    h('a', { href: linkTo({ cell: '' }) }, '← Matrix'),
  );
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
