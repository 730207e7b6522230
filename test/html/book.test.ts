import { inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type CellEvidence, openBook } from '../../harness/html/book.ts';

const read = (block: string) => JSON.parse(inflateRawSync(Buffer.from(block, 'base64')).toString());

const evidence = (events: readonly string[]): CellEvidence => ({
  events,
  seqs: events.map((_, index) => index + 1),
  times: events.map((_, index) => index * 10.4),
  names: ['hf1'],
  attacked: [2, 5],
  exposed: [],
});
const detail = (events?: readonly string[]) => ({
  findings: [{ step: 0 }],
  remarks: ['slow'],
  evidence: events && evidence(events),
});

describe('the book', () => {
  it('has an event of two trials once', () => {
    const book = openBook();
    book.add('a', detail(['{"kind":"x"}', '{"kind":"y"}']), 0);
    book.add('b', detail(['{"kind":"y"}']), 0);
    const bound = book.bind();
    expect(bound.eventBlocks.map(read)).toEqual([[{ kind: 'x' }, { kind: 'y' }]]);
    const [a, b] = read(bound.detailBlocks[0]!);
    expect(a).toEqual([
      [[{ step: 0 }], ['slow']],
      [[0, 1], [0, 10], 0, ['hf1'], [2, 3], []],
    ]);
    expect(b[1][0]).toEqual([1]);
    expect(bound.placeOf('b')).toEqual({ place: 1, hasEvidence: true });
    expect(bound.placeOf('c')).toBe(undefined);
  });

  it('drops the evidence of what matters least where there is no room, and says of how many', () => {
    const book = openBook({ bytes: 600, eventBytes: 1e6, urgent: 4 });
    for (let index = 0; index < 20; index++)
      book.add(`pass ${index}`, detail([JSON.stringify({ n: index })]), 5);
    book.add('fail', detail(['{"n":"fail"}']), 0);
    for (let index = 20; index < 40; index++)
      book.add(`pass ${index}`, detail([JSON.stringify({ n: index })]), 5);
    const bound = book.bind();
    expect(bound.placeOf('fail')?.hasEvidence).toBe(true);
    const passes = Array.from({ length: 40 }, (_, index) => bound.placeOf(`pass ${index}`)!);
    const without = passes.filter(({ hasEvidence }) => !hasEvidence);
    expect(without.length).toBeGreaterThan(10);
    expect(bound.leftOut).toBe(without.length);
    expect(read(bound.detailBlocks[0]!)[without[0]!.place]).toEqual([
      [[{ step: 0 }], ['slow']],
      null,
    ]);
  });

  it('takes no more events than there is room for, those of failures longer than others', () => {
    const book = openBook({ bytes: 1e6, eventBytes: 2_000, urgent: 4 });
    const events = (from: number) =>
      Array.from({ length: 600 }, (_, index) => JSON.stringify({ n: Math.sin(from + index) }));
    book.add('first', detail(events(0)), 5);
    book.add('pass', detail(events(1_000)), 5);
    book.add('none', detail(), 6);
    const bound = book.bind();
    expect(bound.placeOf('first')?.hasEvidence).toBe(true);
    expect(bound.placeOf('pass')?.hasEvidence).toBe(false);
    expect(bound.leftOut).toBe(1);
  });
});
