/** A small share of `npm run fuzz`, the same in every run. */

import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';
import { dice, mutate } from './mutate.ts';

test('the lab goes on, whatever is sent to it', async () => {
  const lines: string[] = [];
  const { problems } = await fuzz({
    seed: 8461,
    packets: 1000,
    connections: 200,
    tell: (line) => lines.push(line),
  });
  expect(problems).toEqual([]);
  expect(lines).toHaveLength(4);
});

test('a seed says all that is sent', () => {
  const sample = (seed: number, index: number) =>
    mutate(Buffer.from('MAIL FROM:<a@sender.test>\r\n'), dice(seed, index)).toString('latin1');
  const many = Array.from({ length: 100 }, (_, index) => sample(1, index));
  expect(many).toEqual(Array.from({ length: 100 }, (_, index) => sample(1, index)));
  expect(new Set(many).size).toBeGreaterThan(80);
  expect(sample(2, 0)).not.toBe(sample(1, 0));
});
