/**
 * Lines from a socket, one at a time, with the rest of the bytes still at hand: RFC 5321 §2.3.8
 * wants CRLF; a bare LF also ends a line here, since the sender may send anything. It may speak TLS
 * where SMTP goes on in clear: a record of it is taken whole, and what it says behind that is a line.
 */

import type { Duplex } from 'node:stream';

export interface LineReader {
  /** The next line without its end, or TLS record, as latin1; undefined when the peer has ended. */
  line(): Promise<string | undefined>;
  /**
   * Message content up to and including CRLF.CRLF, handed to `sink` as it comes; while a sink's
   * promise is open, no more is read.
   */
  content(limit: number, sink: (text: string) => Promise<void> | void): Promise<Content>;
  /** Resolves when there are bytes that nobody has read, when the peer has ended, or after `ms`. */
  more(ms: number): Promise<void>;
  /** There are bytes that nobody has read yet. */
  readonly hasMore: boolean;
  /** The peer has ended. */
  readonly hasEnded: boolean;
  /** Stops reading and gives back what was not read. */
  detach(): Buffer;
}

export interface Content {
  /** The first `limit` characters. */
  readonly text: string;
  readonly bytes: number;
  /** False: the peer ended before the end of data. */
  readonly whole: boolean;
}

/** RFC 5321 §4.5.3.1.4 allows 512 octets; more is taken, but not without end. */
const LONGEST_LINE = 16_384;
/** RFC 8446 §5.1, §5.2. */
const HEADER = 5;
const LONGEST_RECORD = HEADER + 16_384 + 256;
const END_OF_DATA = '\r\n.\r\n';

/** Of the TLS record that this begins with, its header counted in (RFC 8446 §5.1); 0: with none. */
function recordLength(text: string): number {
  if (!/^[\x14-\x17]\x03[\x00-\x04]/.test(text)) return 0;
  const length = HEADER + text.charCodeAt(3) * 256 + text.charCodeAt(4);
  // As long as the header is not whole the length is not known, and more than there is.
  return Number.isNaN(length) ? HEADER : length <= LONGEST_RECORD ? length : 0;
}

export function readLines(stream: Duplex): LineReader {
  let buffer = '';
  let ended = stream.destroyed || stream.readableEnded;
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
        const record = recordLength(buffer);
        if (record > 0 && record <= buffer.length) {
          const whole = buffer.slice(0, record);
          buffer = buffer.slice(record);
          return whole;
        }
        // What never became a whole record is read as lines: there may be commands in it.
        if (record > 0 && !ended) {
          await more();
          continue;
        }
        const end = buffer.indexOf('\n');
        if (end >= 0 && end <= LONGEST_LINE) {
          const line = buffer.slice(0, end).replace(/\r$/, '');
          buffer = buffer.slice(end + 1);
          return line;
        }
        if (buffer.length > LONGEST_LINE) {
          const line = buffer.slice(0, LONGEST_LINE);
          buffer = buffer.slice(LONGEST_LINE);
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
        return sink(text);
      };
      for (;;) {
        const whole = seen + buffer;
        const end = whole.indexOf(END_OF_DATA);
        if (end >= 0) {
          const taken = end + END_OF_DATA.length - seen.length;
          const last = buffer.slice(0, taken);
          buffer = buffer.slice(taken);
          await take(last);
          return { text: kept.slice(0, limit), bytes, whole: true };
        }
        const part = buffer;
        seen = whole.slice(-(END_OF_DATA.length - 1));
        buffer = '';
        if (part !== '') await take(part);
        if (buffer !== '') continue;
        if (ended) return { text: kept.slice(0, limit), bytes, whole: false };
        await more();
      }
    },
    async more(ms) {
      if (buffer.length > 0 || ended) return;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms);
      });
      await Promise.race([more(), late]);
      clearTimeout(timer);
      wake = undefined;
    },
    get hasMore() {
      return buffer.length > 0;
    },
    get hasEnded() {
      return ended;
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
