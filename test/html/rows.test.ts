import { describe, expect, it } from 'vitest';
import { prepare, rowsFor, tally } from '../../harness/html/page/rows.js';
import { cellLinks, readState, writeState } from '../../harness/html/page/state.js';

const shown = (name: string, symbol: string) => ({ shown: name, word: name, symbol });
const PASS = shown('pass', '✓');
const FAIL = shown('fail', '✗');
const UNSUPPORTED = shown('unsupported', '–');

const data = {
  senders: [{ name: 'postfix' }, { name: 'exim' }],
  scenarios: [
    { id: 'a/x@1', title: 'Stripped', requirements: ['8461'] },
    { id: 'a/x@2', title: 'Stripped', requirements: ['8461'] },
    { id: 'b/y', title: 'Wildcards', requirements: ['9525'] },
  ],
  requirements: {
    8461: { rfc: 'RFC 8461', level: 'MUST NOT', text: 'RFC 8461 §5: no delivery' },
    9525: { rfc: 'RFC 9525', level: 'SHOULD', text: 'RFC 9525 §6.3: passed over' },
  },
  cells: [
    { sender: 0, scenario: 0, shown: FAIL, told: 'content in clear' },
    { sender: 0, scenario: 1, shown: PASS, told: '' },
    { sender: 0, scenario: 2, shown: PASS, told: '' },
    { sender: 1, scenario: 0, shown: UNSUPPORTED, told: '' },
    { sender: 1, scenario: 2, shown: PASS, told: '' },
  ],
};

describe('the rows of the matrix', () => {
  const prepared = prepare(data);
  const left = (hash: string) => {
    const { columns, rows } = rowsFor(prepared, data.senders, readState(hash));
    return {
      columns,
      rows: rows.map(({ file, cells }) => [file, ...cells.map((own) => tally(own)?.text ?? '')]),
    };
  };
  const are = (hash: string, rows: string[][], columns = [0, 1]) =>
    it(`for ${hash || 'nothing asked'}`, () => expect(left(hash)).toEqual({ columns, rows }));

  are('', [
    ['a/x', '✗ 1/2', '–'],
    ['b/y', '✓', '✓'],
  ]);
  are('#variants=', [
    ['a/x', '✗', '–'],
    ['a/x', '✓', ''],
    ['b/y', '✓', '✓'],
  ]);
  are('#verdict=fail', [['a/x', '✗', '']]);
  are('#verdict=pass', [
    ['a/x', '✓', ''],
    ['b/y', '✓', '✓'],
  ]);
  are(
    '#sender=exim',
    [
      ['a/x', '–'],
      ['b/y', '✓'],
    ],
    [1],
  );
  are('#rfc=RFC+9525', [['b/y', '✓', '✓']]);
  are('#level=MUST', [['a/x', '✗ 1/2', '–']]);
  are('#folder=b', [['b/y', '✓', '✓']]);
  are('#q=WILD', [['b/y', '✓', '✓']]);
  are('#q=in+clear', [['a/x', '✗', '']]);
  are('#folder=b&verdict=fail', []);
});

describe('the address', () => {
  it('gives back what was written to it', () => {
    const state = {
      ...readState(''),
      q: 'a&b=c#d',
      verdict: ['fail', 'warn'],
      variants: true,
      cell: 'my sender a/b@c&d',
      finding: 2,
      seen: 17,
    };
    expect(readState(writeState(state))).toEqual(state);
  });

  it('has the cell beside the filters', () => {
    const link = cellLinks(readState('#q=a&verdict=fail'))('my sender a/b@c&d');
    expect(readState(link)).toMatchObject({ q: 'a', verdict: ['fail'], cell: 'my sender a/b@c&d' });
    expect(readState(cellLinks(readState(''))('x y'))).toMatchObject({ q: '', cell: 'x y' });
  });

  it('is empty where nothing is asked', () => expect(writeState(readState(''))).toBe('#'));
});
