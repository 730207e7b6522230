/**
 * What is looked at, as it stands behind the # of the address: so every view, cell and finding has a
 * link. Pure, but for the two functions that touch the address.
 */

const LISTS = ['sender', 'verdict', 'rfc', 'level', 'folder'];

/** `#verdict=fail&q=wildcard` */
export function readState(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  return {
    ...Object.fromEntries(LISTS.map((name) => [name, given.get(name)?.split(',') ?? []])),
    q: given.get('q') ?? '',
    variants: given.has('variants'),
    /** `coverage`, or empty: the matrix. A cell is shown before either. */
    view: given.get('view') ?? '',
    uncovered: given.has('uncovered'),
    /** `SENDER SCENARIO` */
    cell: given.get('cell') ?? '',
    /** From 1. */
    finding: Number(given.get('finding') ?? 0),
    seen: Number(given.get('seen') ?? 0),
  };
}

/** The way back; what is not set is left out. */
export function writeState(state) {
  const given = new URLSearchParams();
  for (const name of LISTS) if (state[name].length > 0) given.set(name, state[name].join(','));
  if (state.q !== '') given.set('q', state.q);
  if (state.variants) given.set('variants', '');
  if (state.view !== '') given.set('view', state.view);
  if (state.view !== '' && state.uncovered) given.set('uncovered', '');
  if (state.cell !== '') given.set('cell', state.cell);
  if (state.cell !== '' && state.finding > 0) given.set('finding', String(state.finding));
  if (state.cell !== '' && state.seen > 0) given.set('seen', String(state.seen));
  return `#${given}`;
}

/** Links to cells, by `SENDER SCENARIO`: for a thousand of them the rest is written once. */
export function cellLinks(state) {
  const rest = writeState({ ...state, cell: '' });
  const opening = rest === '#' ? '#cell=' : `${rest}&cell=`;
  return (cell) => opening + encodeURIComponent(cell);
}

/** What the address says now. */
export const currentState = () => readState(location.hash);

/** A link to what is looked at now, but for a change. */
export const linkTo = (change) => writeState({ ...currentState(), ...change });
