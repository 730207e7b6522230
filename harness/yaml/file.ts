/**
 * File: the text of one file, or the reason that it cannot be had, as a problem. What scenario
 * files and a `sender.yaml` have in common before anybody knows which of them it is.
 */

import { isUtf8 } from 'node:buffer';
import { readFile, stat } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import type { Problem } from './problems.ts';
import type { Kind } from './source.ts';
import { MAX_FILE_BYTES, tooLarge } from './source.ts';

interface Read {
  readonly text?: string;
  readonly problems: readonly Problem[];
}

/** The text of the file at `path`, which problems call `name`. */
export async function readText(path: string, name: string, kind: Kind = 'scenario'): Promise<Read> {
  try {
    const found = await stat(path);
    // Whoever reads a named pipe waits for its writer.
    if (!found.isFile()) return { problems: [wholeFile(name, 'not a file')] };
    if (found.size > MAX_FILE_BYTES) return { problems: [tooLarge(name, kind)] };
    const bytes = await readFile(path);
    const text = bytes.toString('utf8');
    return isUtf8(bytes) ? { text, problems: [] } : { problems: [notUtf8(text, name)] };
  } catch (error) {
    return { problems: [unreadable(name, error)] };
  }
}

/** With `/` on every system; a path outside the folder stays as it is. */
export function nameFrom(folder: string, path: string): string {
  const name = relative(folder, path);
  return name === '' || name.split(sep)[0] === '..' ? path : name.split(sep).join('/');
}

export function wholeFile(file: string, message: string): Problem {
  return { file, line: 0, column: 0, message };
}

export function unreadable(file: string, error: unknown): Problem {
  if (!(error instanceof Error && 'code' in error)) throw error;
  return wholeFile(file, REASONS[String(error.code)] ?? `cannot be read: ${error.code}`);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ELOOP: 'a symbolic link that leads to itself',
};

/** Placed where decoding first put a replacement character. */
function notUtf8(text: string, file: string): Problem {
  const lines = text.slice(0, text.indexOf('\uFFFD')).split('\n');
  return { file, line: lines.length, column: lines.at(-1)!.length + 1, message: 'not UTF-8' };
}
