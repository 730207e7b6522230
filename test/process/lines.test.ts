/** Lines of a stream, and the last of them. */

import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { keepLast, lastWords, onLines } from '../../harness/process/lines.ts';

async function linesOf(...parts: string[]): Promise<string[]> {
  const lines: string[] = [];
  await onLines(Readable.from(parts.map((part) => Buffer.from(part))), (line) => lines.push(line));
  return lines;
}

it('a line comes in parts, and the last one needs no end', async () =>
  expect(await linesOf('on', 'e\r\ntwo\n\nth', 'ree')).toEqual(['one', 'two', '', 'three']));

it('a record with a long text in it is whole, and no line is without a bound', async () => {
  const record = JSON.stringify({ text: 'x'.repeat(200_000), event: 'delivered' });
  expect(await linesOf(record.slice(0, 70_000), `${record.slice(70_000)}\n`)).toEqual([record]);
  const endless = await linesOf(...Array(20).fill('x'.repeat(64 * 1024)), '\nnext\n');
  expect(endless.map(({ length }) => length)).toEqual([256 * 1024, 4]);
});

it('the last lines are kept, each by its beginning', () => {
  const kept: string[] = [];
  for (let n = 0; n < 30; n++) keepLast(kept, `${n} ${'x'.repeat(100_000)}`);
  expect(kept.map((line) => line.split(' ')[0])).toEqual(
    Array.from({ length: 20 }, (_, n) => `${n + 10}`),
  );
  expect(Math.max(...kept.map(({ length }) => length))).toBe(8192);
  expect(lastWords(['one', '', 'two'])).toBe('; its last words:\n  one\n  two');
});
