import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../harness/model/usage.ts';
import { readDurations } from '../../harness/results/durations.ts';
import { type Durations, longestFirst, parseShard, partOf } from '../../harness/results/shard.ts';
import { findPackage } from '../../harness/shipped.ts';
import { shippedScenarios } from '../mutants/try.ts';
import { scenario } from '../reporters/fixtures.ts';

const shipped = await shippedScenarios();
const durations = await readDurations(findPackage().durations);
const parts = (of: number, known: Durations = durations, scenarios = shipped) =>
  Array.from({ length: of }, (_, index) => partOf(scenarios, { index: index + 1, of }, known));
const lasts = (part: readonly { readonly id: string }[]) =>
  part.reduce((sum, { id }) => sum + durations[id]!, 0);

it('what takes longest comes first, what nobody knows last', () => {
  const scenarios = ['x/new', 'x/b', 'x/c', 'x/a'].map((id) => scenario(id));
  const ordered = longestFirst(scenarios, { 'x/a': 9, 'x/b': 2, 'x/c': 30 });
  expect(ordered.map(({ id }) => id)).toEqual(['x/c', 'x/a', 'x/b', 'x/new']);
});

describe('the shards of a suite', () => {
  it('are all of it, each scenario once', () => {
    const scenarios = Array.from({ length: 12 }, (_, index) => scenario(`x/${index}`));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.dictionary(
          fc.constantFrom(...scenarios.map(({ id }) => id)),
          fc.double({ min: 0, max: 1e6, noNaN: true }),
        ),
        (of, known) => {
          const all = parts(of, known, scenarios)
            .flat()
            .map(({ id }) => id);
          return all.length === 12 && new Set(all).size === 12;
        },
      ),
    );
  });

  it('take about as long', () => {
    const loads = parts(5).map(lasts);
    const mean = loads.reduce((sum, load) => sum + load) / 5;
    expect(Math.max(...loads) / mean).toBeLessThan(1.05);
  });

  it('are the same whatever order the scenarios are in', () => {
    const ids = (part: readonly { readonly id: string }[]) => part.map(({ id }) => id).sort();
    expect(parts(4, durations, shipped.toReversed()).map(ids)).toEqual(parts(4).map(ids));
  });

  it('that have nothing to do are refused', () => {
    expect(() => parts(2, {}, [scenario('a')])).toThrow(UsageError);
  });
});

it('durations are of scenarios that there are', () => {
  const ids = new Set(shipped.map(({ id }) => id));
  expect(Object.keys(durations).filter((id) => !ids.has(id))).toEqual([]);
  expect(Object.keys(durations).length).toBeGreaterThan(400);
});

it.each([
  ['2/5', { index: 2, of: 5 }],
  ['5/5', { index: 5, of: 5 }],
  ['6/5', undefined],
  ['0/5', undefined],
  ['1', undefined],
  ['1/5 ', undefined],
  ['1/99999', undefined],
])('%s', (text, shard) => {
  expect(parseShard(text)).toEqual(shard);
});
