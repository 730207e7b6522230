/** Which rows and columns of the matrix are left by the filters. Pure. */

/** Worst first: a cell of several variants is shown as the first of these that any is shown as. */
const WORST = ['fail', 'inconclusive', 'known', 'warn', 'not-met', 'pass', 'unsupported'];

/** What the filters ask of each scenario, worked out once. */
export function prepare({ scenarios, requirements, cells, senders }) {
  const bySender = senders.map(() => new Array(scenarios.length));
  for (const cell of cells) bySender[cell.sender][cell.scenario] = cell;
  return scenarios.map((scenario, index) => {
    const asked = scenario.requirements.map((id) => requirements[id]).filter((one) => one);
    return {
      index,
      file: scenario.id.split('@', 1)[0],
      folder: scenario.id.split('/', 1)[0],
      rfcs: asked.map(({ rfc }) => rfc),
      levels: asked.map(({ level }) => level.replace(' NOT', '')),
      text: [scenario.id, scenario.title, ...asked.map(({ text }) => text)]
        .join('\n')
        .toLowerCase(),
      cells: bySender.map((own) => own[index]),
    };
  });
}

/**
 * Rows as the text reporter has them: a row for each file, or for each variant. A row is there if
 * any of its cells is; in a cell count those verdicts that the filters leave.
 */
export function rowsFor(prepared, senders, state) {
  const columns = senders.flatMap(({ name }, index) =>
    state.sender.length === 0 || state.sender.includes(name) ? [index] : [],
  );
  const q = state.q.trim().toLowerCase();
  const left = prepared.flatMap((scenario) => {
    if (!fits(scenario, state)) return [];
    const isNamed = q === '' || scenario.text.includes(q);
    const cells = columns.map((column) => {
      const cell = scenario.cells[column];
      if (!cell || !(state.verdict.length === 0 || state.verdict.includes(cell.shown.shown)))
        return undefined;
      return isNamed || cell.told.toLowerCase().includes(q) ? cell : undefined;
    });
    return cells.some((cell) => cell) ? [{ scenario, cells }] : [];
  });
  return { columns, rows: state.variants ? left.map(rowOfOne) : fold(left) };
}

function fits({ rfcs, levels, folder }, state) {
  return (
    (state.rfc.length === 0 || state.rfc.some((rfc) => rfcs.includes(rfc))) &&
    (state.level.length === 0 || state.level.some((level) => levels.includes(level))) &&
    (state.folder.length === 0 || state.folder.includes(folder))
  );
}

const rowOfOne = ({ scenario, cells }) => ({
  file: scenario.file,
  scenarios: [scenario.index],
  cells: cells.map((cell) => (cell ? [cell] : [])),
});

function fold(left) {
  const rows = new Map();
  for (const { scenario, cells } of left) {
    const row = rows.get(scenario.file);
    if (!row) {
      rows.set(scenario.file, rowOfOne({ scenario, cells }));
      continue;
    }
    row.scenarios.push(scenario.index);
    for (const [column, cell] of cells.entries()) if (cell) row.cells[column].push(cell);
  }
  return [...rows.values()];
}

/**
 * `✗ 2/5`: two of five failed, and nothing is worse. What is unsupported is not counted beside what
 * was judged.
 */
export function tally(cells) {
  const judged = cells.filter(({ shown }) => shown.shown !== 'unsupported');
  const all = judged.length > 0 ? judged : cells;
  if (all.length === 0) return undefined;
  const name = WORST.find((one) => all.some(({ shown }) => shown.shown === one));
  const worst = all.filter(({ shown }) => shown.shown === name);
  const { symbol, word } = worst[0].shown;
  const share = worst.length === all.length ? `${all.length}` : `${worst.length}/${all.length}`;
  return {
    shown: name,
    example: worst[0],
    text: all.length === 1 && cells.length === 1 ? symbol : `${symbol} ${share}`,
    words: all.length === 1 ? word : `${word} ${share.replace('/', ' of ')}`,
  };
}
