/**
 * What goes out byte by byte: where a segment ends, what is said again and again, and how fast.
 */

import type { Duplex } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import type { Pace, RawBytes } from '../model/plan.ts';

/** What is said without end ends here all the same: a bound on what one sender can be sent. */
const ENDLESS_BYTES = 16 * 1024 * 1024;
const BLOCK_BYTES = 64 * 1024;
/** Segments that come sooner are read as one. */
const SEGMENT_GAP_MS = 10;

/** Nothing follows it: it is said for ever. */
export const isEndless = (bytes: RawBytes): boolean =>
  partsOf(bytes).some((part) => typeof part !== 'string' && part.times === undefined);

/** The first of the bytes, a character each, and so many of them. */
export function beginningOf(bytes: RawBytes, length: number): string {
  const begin = partsOf(bytes).map((part) =>
    typeof part === 'string'
      ? part
      : part.repeat.repeat(Math.min(part.times ?? length, Math.ceil(length / part.repeat.length))),
  );
  return begin.join('').slice(0, length);
}

/** The bytes, and more in the last segment. */
export function withMore(bytes: RawBytes, more: string): RawBytes {
  if (more === '') return bytes;
  if (typeof bytes === 'string') return bytes + more;
  const last = bytes.at(-1);
  return typeof last === 'string' ? [...bytes.slice(0, -1), last + more] : [...bytes, more];
}

/**
 * Each part in a write of its own, `gap` between two of them. Resolves when all is out, or the stream
 * is gone.
 */
export async function sendBytes(
  stream: Duplex,
  bytes: RawBytes,
  pace?: Pace,
  gap: () => Promise<void> = () => waitOn(stream, SEGMENT_GAP_MS),
): Promise<void> {
  for (const [index, part] of partsOf(bytes).entries()) {
    if (index > 0 && !pace) await gap();
    for (const block of blocksOf(part))
      for (const piece of cut(block, pace)) {
        if (!stream.writable) return;
        await write(stream, piece);
        if (pace) await waitOn(stream, pace.everyMs);
      }
  }
}

function partsOf(bytes: RawBytes) {
  return typeof bytes === 'string' ? [bytes] : bytes;
}

function* blocksOf(part: ReturnType<typeof partsOf>[number]): Generator<Buffer> {
  if (typeof part === 'string') return yield Buffer.from(part, 'latin1');
  const once = Buffer.from(part.repeat, 'latin1');
  const whole = once.length * (part.times ?? Math.ceil(ENDLESS_BYTES / once.length));
  const block = Buffer.alloc(once.length * Math.ceil(BLOCK_BYTES / once.length), once);
  for (let sent = 0; sent < whole; sent += block.length)
    yield block.subarray(0, Math.min(block.length, whole - sent));
}

function cut(block: Buffer, pace: Pace | undefined): Buffer[] {
  if (!pace) return [block];
  const count = Math.ceil(block.length / pace.bytes);
  return Array.from({ length: count }, (_, at) =>
    block.subarray(at * pace.bytes, (at + 1) * pace.bytes),
  );
}

/**
 * Resolves when there is room for more, so that nothing piles up for one who does not read; or when
 * the stream is gone.
 */
export async function write(stream: Duplex, bytes: Buffer | string): Promise<void> {
  const chunk = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
  if (stream.writable && !stream.write(chunk)) await oneOf(stream, 'drain', 'close');
}

function oneOf(stream: Duplex, ...events: string[]): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of events) stream.removeListener(event, done);
      resolve();
    };
    for (const event of events) stream.on(event, done);
  });
}

/** Resolves after `ms`, or when the stream is gone. */
export async function waitOn(stream: Duplex, ms: number): Promise<void> {
  const gone = new AbortController();
  const abort = () => gone.abort();
  stream.once('close', abort);
  await wait(stream.destroyed ? 0 : ms, undefined, { signal: gone.signal }).catch(() => {});
  stream.removeListener('close', abort);
}
