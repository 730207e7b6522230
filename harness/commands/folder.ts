/**
 * Folders and files that a command will write: whether it can is found out before anything else is done,
 * and not after a whole run.
 */

import { randomBytes } from 'node:crypto';
import { access, constants, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UsageError } from '../model/usage.ts';
import { makeFolder } from '../process/make-folder.ts';
import { printable } from '../protocol/printable.ts';

/** A full disk may still take a few bytes. */
const TRIED_BYTES = 64 * 1024;

/**
 * Makes the folder, and tries to write in it. `option` is the one that it was given by. Throws
 * UsageError when that fails.
 */
export async function openFolder(dir: string, option: string): Promise<void> {
  const file = join(dir, `.holdfast-${randomBytes(4).toString('hex')}`);
  try {
    await makeFolder(dir);
    try {
      await writeFile(file, Buffer.alloc(TRIED_BYTES));
    } finally {
      await rm(file, { force: true });
    }
  } catch (error) {
    throw cannotWrite(dir, option, error);
  }
}

/** Throws UsageError when this file cannot be written, whether it is there or not. */
export async function checkFile(file: string, option: string): Promise<void> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  await access(isThere ? file : dirname(file), constants.W_OK).catch((error) => {
    throw cannotWrite(file, option, error);
  });
}

/** What the file system has against a folder or a file, as the wrong use of an option. */
export function cannotWrite(dir: string, option: string, error: unknown): UsageError {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  const isUnmade = code === 'ENOENT' && syscall === 'mkdir';
  const why = isUnmade
    ? 'no folder can be made there'
    : (code !== undefined && REASONS[code]) || printable(message);
  return new UsageError(`${option} ${printable(dir, 200)}: ${why}`);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder',
  EEXIST: 'is a file: give a folder',
  ENOTDIR: 'leads through a file: give a folder',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'is on a file system that cannot be written',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk is full for this user',
};
