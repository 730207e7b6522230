/**
 * What the suite asks of a sender, requirement by requirement: how each is known to be asked, how the
 * senders of this run did in it, and why the others are not.
 */

import { table } from './cell.js';
import { counted, h } from './dom.js';
import { tally } from './rows.js';
import { linkTo } from './state.js';

/** The view; the filters `rfc` and `level` of the address, and `uncovered`, choose the rows. */
export function drawCoverage(data, state) {
  const { rows, sums } = data.coverage;
  const left = rows.filter((row) => isWanted(row, state));
  const cells = data.senders.map(() => []);
  for (const cell of data.cells) cells[cell.sender][cell.scenario] = cell;
  return h(
    'main',
    { id: 'coverage', class: 'opened' },
    h('p', {}, h('a', { href: linkTo({ view: '' }), class: 'button back' }, '← Matrix'), ' (Esc)'),
    h('h1', { tabIndex: -1 }, 'Coverage of the requirements'),
    h(
      'p',
      {},
      'A scenario covers a requirement where a fault of the reference sender shows that it finds it broken. Beside each: how the senders of this run did in these scenarios.',
    ),
    table(['covered', 'MUST, MUST NOT', 'SHOULD, SHOULD NOT'], sums, 'sums'),
    choicesOf(rows, state),
    h(
      'p',
      { class: 'left', role: 'status' },
      `${counted(left.length, 'requirement')} of ${rows.length}`,
    ),
    table(
      ['requirement', 'known by', ...data.senders.map(({ name }) => name)],
      left.map((row) => cellsOf(row, data, cells)),
      'requirements',
    ),
  );
}

const weightOf = (level) => level.replace(' NOT', '');

const isWanted = ({ rfc, level, proofs }, state) =>
  (state.rfc.length === 0 || state.rfc.includes(rfc)) &&
  (state.level.length === 0 || state.level.includes(weightOf(level))) &&
  !(state.uncovered && proofs > 0);

function choicesOf(rows, state) {
  const link = (text, change, isChosen) =>
    h('li', {}, h('a', { href: linkTo(change), 'aria-current': isChosen && 'true' }, text));
  const choice = (name, values) =>
    h(
      'ul',
      { class: 'choices' },
      link('all', { [name]: [] }, state[name].length === 0),
      values.map((value) => link(value, { [name]: [value] }, state[name].includes(value))),
    );
  return h(
    'nav',
    { 'aria-label': 'Filters' },
    choice('rfc', [...new Set(rows.map(({ rfc }) => rfc))]),
    choice('level', ['MUST', 'SHOULD', 'MAY']),
    h(
      'ul',
      { class: 'choices' },
      link('covered or not', { uncovered: false }, !state.uncovered),
      link('not covered', { uncovered: true }, state.uncovered),
    ),
  );
}

/** The cells of its row. */
function cellsOf({ id, level, text, proofs, scenarios, faults, reason }, data, cells) {
  const proof = h(
    'details',
    {},
    h('summary', {}, `${counted(proofs, 'scenario')}, ${counted(faults.length, 'fault')}`),
    h(
      'ul',
      { class: 'lines' },
      scenarios.map((scenario) => h('li', {}, data.scenarios[scenario].id)),
      faults.map((fault) => h('li', {}, `reference:${fault}`)),
    ),
  );
  return [
    [h('b', {}, level), ` ${text} `, h('code', {}, id)],
    proofs > 0 ? proof : `not covered: ${reason ?? 'nobody has written why'}`,
    ...data.senders.map(({ name }, sender) => {
      const found = tally(scenarios.flatMap((scenario) => cells[sender][scenario] ?? []));
      if (!found) return '';
      const { example, shown, words } = found;
      const cell = `${name} ${data.scenarios[example.scenario].id}`;
      return h(
        'a',
        { href: linkTo({ cell }), class: `verdict ${shown}`, 'aria-label': `${name}: ${words}` },
        found.text,
      );
    }),
  ];
}
