/**
 * Lines of a stream that may be hostile: none is longer than a bound, whatever is sent. And the
 * last of them, quoted.
 */

import type { Readable } from 'node:stream';
import { printable } from '../protocol/printable.ts';

/** A record in JSON may have a long text in it, and is worth nothing without its end. */
const LONGEST_CHARS = 256 * 1024;
/** What is kept of a line, and what a pattern is tried on: some take the square of its length. */
const BEGINNING_CHARS = 8192;

/** Calls back for every line. Resolves when the stream is over; what is left then is a line too. */
export function onLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split(/\r?\n/);
    // Of a line without an end only the beginning is kept.
    rest = lines.pop()!.slice(0, LONGEST_CHARS);
    for (const line of lines) onLine(line.slice(0, LONGEST_CHARS));
  });
  return new Promise((resolve) => {
    const end = () => {
      if (rest !== '') onLine(rest);
      rest = '';
      resolve();
    };
    stream.once('end', end).once('error', end).once('close', end);
  });
}

/** The beginning of a line. A slice of a long one would keep all of it in memory: this is a copy. */
export function beginningOf(line: string): string {
  if (line.length <= BEGINNING_CHARS) return line;
  return Buffer.from(line.slice(0, BEGINNING_CHARS), 'utf16le').toString('utf16le');
}

/** Keeps the last `most` of many lines, each by its beginning. */
export function keepLast(kept: string[], line: string, most = QUOTED_LINES): void {
  kept.push(beginningOf(line));
  if (kept.length > most) kept.shift();
}

const QUOTED_LINES = 20;

/** What something said before it ended, as the end of an error message. */
export function lastWords(lines: readonly string[]): string {
  const said = lines.filter((line) => line.trim() !== '').slice(-QUOTED_LINES);
  return said.length === 0
    ? ', having said nothing'
    : `; its last words:\n${said.map((line) => `  ${printable(line, 200)}`).join('\n')}`;
}
