import { expect, test } from 'vitest';
import { inBatches } from '../../harness/concurrency/batch.ts';

/** Work that ends when the test says so, and what it was given. */
function workshop() {
  const batches: {
    readonly items: readonly string[];
    readonly end: PromiseWithResolvers<string>;
  }[] = [];
  const begun: (() => void)[] = [];
  const ask = inBatches((items: readonly string[]) => {
    const end = Promise.withResolvers<string>();
    batches.push({ items: [...items], end });
    for (const resolve of begun.splice(0)) resolve();
    return end.promise;
  });
  const batch = async (n: number) => {
    while (batches.length < n) await new Promise<void>((resolve) => begun.push(resolve));
    return batches[n - 1]!;
  };
  return { ask, batch, batches };
}

test('what is asked for while one batch is at work is the next', async () => {
  const { ask, batch, batches } = workshop();
  const asked = [ask(['a']), ask(['b', 'c'])];
  const first = await batch(1);
  asked.push(ask(['d']), ask([]), ask(['e']));
  expect(batches.map(({ items }) => items)).toEqual([['a', 'b', 'c']]);
  first.end.resolve('one');
  (await batch(2)).end.resolve('two');
  expect(await Promise.all(asked)).toEqual(['one', 'one', 'two', 'two', 'two']);
  expect(batches.map(({ items }) => items)).toEqual([
    ['a', 'b', 'c'],
    ['d', 'e'],
  ]);
});

test('a failure reaches those who are in the batch, and nobody else', async () => {
  const { ask, batch } = workshop();
  const settled = Promise.allSettled([ask(['a']), ask(['b'])]);
  const first = await batch(1);
  const next = ask(['c']);
  first.end.reject(new Error('no'));
  (await batch(2)).end.resolve('yes');
  expect(await settled).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
  expect(await next).toBe('yes');
  const last = ask(['d']);
  (await batch(3)).end.resolve('again');
  expect(await last).toBe('again');
});

test('work that throws at once is a failure like any other', async () => {
  let times = 0;
  const ask = inBatches(async () => {
    if (++times === 1) throw new Error('no');
    return times;
  });
  await expect(ask(['a'])).rejects.toThrow('no');
  expect(await ask(['b'])).toBe(2);
});

test('what is asked for right after a batch waits a moment for more', async () => {
  const { ask, batch, batches } = workshop();
  const first = ask(['a']);
  (await batch(1)).end.resolve('one');
  await first;
  const second = ask(['b']);
  await new Promise((resolve) => setImmediate(resolve));
  const third = ask(['c']);
  (await batch(2)).end.resolve('two');
  expect(await Promise.all([second, third])).toEqual(['two', 'two']);
  expect(batches.map(({ items }) => items)).toEqual([['a'], ['b', 'c']]);
});
