/** Fewer at once where that was too many, and more again where it is calm. */

import { expect, test } from 'vitest';
import { createPace } from '../../harness/concurrency/limit.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Sixty items, in so many shares, of a place that bears `bears` of them at once; how many there
 * were, turn by turn.
 */
async function workedOn(bears: (done: number) => number, shares = 1) {
  let inside = 0;
  const done: number[] = [];
  const together: number[] = [];
  const items = Array.from({ length: 60 }, (_, item) => item);
  const pace = createPace(16);
  const share = (nth: number) =>
    pace.each(
      items.filter((item) => item % shares === nth),
      16 / shares,
      async (item) => {
        together.push(++inside);
        await turn();
        const went = inside > bears(done.length) ? 'crowded' : 'done';
        await turn();
        inside--;
        if (went === 'done') done.push(item);
        return went;
      },
    );
  await Promise.all(Array.from({ length: shares }, (_, nth) => share(nth)));
  expect(done.toSorted((a, b) => a - b)).toEqual(items);
  return together;
}

test('a place that bears all: as many at once as were asked for, each once', async () => {
  const together = await workedOn(() => 16);
  expect(together).toHaveLength(60);
  expect(Math.max(...together)).toBe(16);
});

test('a place that bears three: so many go on, and all is done', async () => {
  const together = await workedOn(() => 3);
  expect(Math.max(...together.slice(30))).toBeLessThanOrEqual(4);
});

test('a place that several share: so many of them all go on, and all is done', async () => {
  const together = await workedOn(() => 3, 4);
  expect(Math.max(...together)).toBe(16);
  expect(Math.max(...together.slice(30))).toBeLessThanOrEqual(4);
});

test('a place that was crowded for a while: more go on again', async () => {
  const together = await workedOn((done) => (done < 5 ? 2 : 16));
  expect(together.at(-10)).toBeGreaterThan(4);
});

test('what one threw is thrown when the others have ended, and nothing begins after it', async () => {
  const ended: number[] = [];
  const work = createPace(2).each([1, 2, 3, 4], 2, async (item) => {
    if (item === 1) throw new Error('the first');
    await turn();
    ended.push(item);
    return 'done';
  });
  await expect(work).rejects.toThrow('the first');
  expect(ended).toEqual([2]);
});

test.each([0, -1, Number.NaN])('%s at once is refused: nothing would ever begin', (most) => {
  expect(() => createPace(most)).toThrow(RangeError);
});
