/**
 * Folders: one and all below it, as scenarios and senders are looked for in them. Links to folders are
 * followed. One that leads to where the search has been, or to what holds its top, adds nothing: no
 * loop is endless.
 */

import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

export interface Folder {
  readonly path: string;
  /** Names of what is in it and is no folder. */
  readonly files: readonly string[];
}

/** Without workflows of CI and what was installed. Throws what reading a folder throws. */
export async function foldersBelow(top: string): Promise<Folder[]> {
  const start = await realpath(top);
  const seen = new Set<string>();
  const found: Folder[] = [];
  const folders = [top];
  // They wait until all else is found, so that a folder goes by its own name where it has one here.
  const links: string[] = [];
  for (;;) {
    const path = folders.shift() ?? links.shift();
    if (path === undefined) return found;
    const real = await realpath(path);
    if (seen.has(real) || isAbove(real, start)) continue;
    seen.add(real);
    const files: string[] = [];
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (isPassedOver(entry.name)) continue;
      const at = join(path, entry.name);
      if (entry.isDirectory()) folders.push(at);
      else if (await isLinkToFolder(entry, at)) links.push(at);
      else files.push(entry.name);
    }
    found.push({ path, files });
  }
}

function isAbove(folder: string, other: string): boolean {
  return folder !== other && other.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

function isPassedOver(name: string): boolean {
  return name.startsWith('.') || name === 'node_modules';
}

/** A link that leads nowhere is told by whoever reads it as a file. */
async function isLinkToFolder(entry: Dirent, path: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return false;
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true;
}
