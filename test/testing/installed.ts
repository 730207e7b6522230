/**
 * Holdfast as somebody's dependency: compiled, in the node_modules of an empty folder, with nothing
 * beside it but what it depends on.
 */

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

export const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

export interface Installed extends AsyncDisposable {
  readonly folder: string;
}

/** Installs it, and these packages beside it. */
export async function install(packages: readonly string[]): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-installed-'));
  const home = join(folder, 'node_modules/holdfast');
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  await run(process.execPath, [
    join(root, 'node_modules/typescript/bin/tsc'),
    ...['-p', join(root, 'tsconfig.build.json'), '--outDir', join(home, 'dist')],
  ]);
  const files = ['package.json', ...manifest.files.filter((name: string) => name !== 'dist')];
  for (const name of files)
    await cp(join(root, name), join(home, name), {
      recursive: true,
      filter: (path) => !path.includes('haraka/node_modules'),
    });
  for (const name of [...Object.keys(manifest.dependencies), ...packages]) {
    const target = join(folder, 'node_modules', name);
    await mkdir(dirname(target), { recursive: true });
    await symlink(join(root, 'node_modules', name), target, 'junction');
  }
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}
