/** The record layer, as far as it is in clear (RFC 8446 §5.1). */

import { recordLength } from './client-hello.ts';

const HANDSHAKE = 22;
const HEADER_BYTES = 5;

/** The same handshake messages, in records that hold so many bytes at most. */
export function cutRecords(records: Buffer, bytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < records.length; ) {
    const end = at + recordLength(records.subarray(at))!;
    const header = records.subarray(at, at + 3);
    for (let from = at + HEADER_BYTES; from < end; from += bytes) {
      const content = records.subarray(from, Math.min(from + bytes, end));
      parts.push(header, Buffer.from([content.length >> 8, content.length & 0xff]), content);
    }
    at = end;
  }
  return Buffer.concat(parts);
}

/** Cuts what a server sends, chunk by chunk, until something else than a handshake comes. */
export function recordCutter(bytes: number): (chunk: Buffer) => Buffer {
  let held: Buffer = Buffer.alloc(0);
  let isOver = false;
  return (chunk) => {
    held = Buffer.concat([held, chunk]);
    const done: Buffer[] = [];
    while (!isOver) {
      const length = recordLength(held);
      if (length === undefined || held.length < length) break;
      isOver = held[0] !== HANDSHAKE;
      if (isOver) break;
      done.push(cutRecords(held.subarray(0, length), bytes));
      held = held.subarray(length);
    }
    if (!isOver) return Buffer.concat(done);
    const rest = held;
    held = Buffer.alloc(0);
    return Buffer.concat([...done, rest]);
  };
}
