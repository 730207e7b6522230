/**
 * A folder and those it lies in, level by level: Node's own recursive mkdir tries for ever where a
 * file system answers that a folder which is there is not (/proc), and tells a read-only one as
 * missing.
 */

import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** `mode` is that of the folders made. Throws what the file system throws. */
export async function makeFolder(path: string, mode?: number): Promise<void> {
  const missing: string[] = [];
  let dir = resolve(path);
  let found = await look(dir);
  while (found === undefined) {
    missing.unshift(dir);
    dir = dirname(dir);
    found = await look(dir);
  }
  // A file of that name is refused by mkdir.
  if (missing.length === 0 && !found.isDirectory()) await mkdir(dir);
  for (const folder of missing) await mkdir(folder, { mode }).catch(unlessThere);
}

function look(path: string) {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** Somebody else may have made it meanwhile. */
function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
