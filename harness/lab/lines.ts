/**
 * Lines from a socket, one at a time, with the rest of the bytes still at hand: RFC 5321 §2.3.8 wants CRLF; a bare LF also ends a line
 * here, since the sender may send anything.
 */

import type { Duplex } from 'node:stream';

export interface LineReader {
  /** The next line without its end, as latin1; undefined when the peer has ended. */
  line(): Promise<string | undefined>;
  /**
   * Message content up to and including CRLF.CRLF, handed to `sink` as it comes. Resolves to its size and its first `limit` characters,
   * or to undefined when the peer ended before.
   */
  content(limit: number, sink: (text: string) => void): Promise<{ readonly text: string; readonly bytes: number } | undefined>;
  /** There are bytes that nobody has read yet. */
  readonly hasMore: boolean;
  /** Stops reading and gives back what was not read. */
  detach(): Buffer;
}

/** RFC 5321 §4.5.3.1.4 allows 512 octets; more is taken, but not without end. */
const LONGEST_LINE = 16_384;
const END_OF_DATA = '\r\n.\r\n';

export function readLines(stream: Duplex): LineReader {
  let buffer = '';
  let ended = false;
  let wake: (() => void) | undefined;

  const onData = (chunk: Buffer) => {
    buffer += chunk.toString('latin1');
    if (buffer.length > 64 * LONGEST_LINE) stream.pause();
    wake?.();
  };
  const onEnd = () => {
    ended = true;
    wake?.();
  };
  stream.on('data', onData);
  for (const event of ['end', 'close', 'error']) stream.on(event, onEnd);

  const more = () =>
    new Promise<void>((resolve) => {
      wake = () => {
        wake = undefined;
        resolve();
      };
      stream.resume();
    });

  return {
    async line() {
      for (;;) {
        const end = buffer.indexOf('\n');
        if (end >= 0 || buffer.length > LONGEST_LINE) {
          const cut = end >= 0 ? end : LONGEST_LINE;
          const line = buffer.slice(0, cut).replace(/\r$/, '');
          buffer = buffer.slice(end >= 0 ? cut + 1 : cut);
          return line;
        }
        if (ended) return undefined;
        await more();
      }
    },
    async content(limit, sink) {
      // An empty message is a lone ".": the CRLF before it is that of the DATA command.
      let seen = '\r\n';
      let bytes = 0;
      let kept = '';
      const take = (text: string) => {
        bytes += text.length;
        if (kept.length < limit) kept += text;
        sink(text);
      };
      for (;;) {
        const whole = seen + buffer;
        const end = whole.indexOf(END_OF_DATA);
        if (end >= 0) {
          const taken = end + END_OF_DATA.length - seen.length;
          take(buffer.slice(0, taken));
          buffer = buffer.slice(taken);
          return { text: kept.slice(0, limit), bytes };
        }
        take(buffer);
        seen = whole.slice(-(END_OF_DATA.length - 1));
        buffer = '';
        if (ended) return undefined;
        await more();
      }
    },
    get hasMore() {
      return buffer.length > 0;
    },
    detach() {
      stream.removeListener('data', onData);
      for (const event of ['end', 'close', 'error']) stream.removeListener(event, onEnd);
      stream.pause();
      const rest = Buffer.from(buffer, 'latin1');
      buffer = '';
      return rest;
    },
  };
}
