/** From the bytes of a file to its text: what it is, and gzip undone, within bounds (RFC 8460 §5.2). */

import { gunzipSync } from 'node:zlib';
import { counted, printable } from '../protocol/printable.ts';
import type { Findings } from './finding.ts';
import { Refusal } from './refusal.ts';

const MIB = 1024 * 1024;
/** Of a file, as it lies there. */
export const LARGEST_FILE_BYTES = 10 * MIB;
/** Of what gzip makes of it. */
export const LARGEST_TEXT_BYTES = 16 * MIB;
/** What is small may grow by more than this: a report repeats itself. */
export const MOST_GROWTH = 200;
const HARMLESS_BYTES = MIB;

/** Throws Refusal for a file that is larger than LARGEST_FILE_BYTES. */
export function checkSize(bytes: Buffer): void {
  if (bytes.length > LARGEST_FILE_BYTES)
    throw new Refusal(`larger than ${LARGEST_FILE_BYTES / MIB} MiB`);
}

/** What it begins like; `what` names it. Throws Refusal for what is none of these. */
export function kindOf(bytes: Buffer, what: string): 'json' | 'gzip' | 'mail' {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'gzip';
  const head = bytes.subarray(0, HEAD_BYTES).toString('latin1');
  if (/^PK[\x03\x05]/.test(head))
    throw new Refusal(`${what} is a ZIP archive; a report is packed with gzip`, 'RFC 8460 §5.2');
  if (/^(?:\xfe\xff|\xff\xfe|[\t\n\r {[]?\0)/.test(head))
    throw new Refusal(`${what} is not UTF-8, but UTF-16 or UTF-32`, 'RFC 7493 §2.1');
  const start = head.replace(/^(?:\xef\xbb\xbf)?[ \t\r\n]*/, '');
  if (/^[{[]/.test(start)) return 'json';
  if (/^(?:From \S|[\x21-\x39\x3b-\x7e]+[ \t]*:)/.test(start)) return 'mail';
  if (bytes.length === 0) throw new Refusal(`${what} is empty`);
  throw new Refusal(`${what} is neither JSON, nor gzip, nor a mail`);
}

const HEAD_BYTES = 4096;

/** Throws Refusal for what is no gzip, and for a bomb. */
export function gunzip(bytes: Buffer): Buffer {
  const most = Math.min(LARGEST_TEXT_BYTES, Math.max(HARMLESS_BYTES, MOST_GROWTH * bytes.length));
  try {
    return gunzipSync(bytes, { maxOutputLength: most });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw new Refusal(
        `a gzip bomb: ${counted(bytes.length, 'byte')} that unpack to more than ${counted(most, 'byte')}`,
      );
    throw new Refusal(`broken gzip: ${printable(message)}`, 'RFC 1952');
  }
}

/** The text of a report. Throws Refusal for what is no UTF-8 (RFC 7493 §2.1). */
export function decode(bytes: Buffer, findings: Findings): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refusal('not UTF-8', 'RFC 7493 §2.1');
  }
  if (!text.startsWith('\ufeff')) return text;
  addMark('', findings);
  return text.slice(1);
}

/** A byte order mark before the report; `path` is for the finding. */
export function addMark(path: string, findings: Findings): void {
  findings.add('must', path, 'RFC 8259 §8.1', 'no byte order mark', 'one, before the report');
}
