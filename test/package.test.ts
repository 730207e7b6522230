/**
 * The package: what `npm run build` makes is what users get. Packing and installing it is checked
 * by hand before a release.
 */

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

describe('the compiled package, away from the checkout', () => {
  let folder: string;
  const holdfast = async (...args: string[]) =>
    (await run(process.execPath, [join(folder, manifest.bin.holdfast), ...args], { cwd: tmpdir() }))
      .stdout;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-package-'));
    await run(process.execPath, [
      join(root, 'node_modules/typescript/bin/tsc'),
      '-p',
      join(root, 'tsconfig.build.json'),
      '--outDir',
      join(folder, 'dist'),
    ]);
    // As the script build does: what runs in a browser is not compiled.
    await cp(join(root, 'harness/html/page'), join(folder, 'dist/harness/html/page'), {
      recursive: true,
    });
    const beside = ['package.json', ...manifest.files.filter((name: string) => name !== 'dist')];
    await Promise.all(
      beside.map((name) => cp(join(root, name), join(folder, name), { recursive: true })),
    );
    // Nothing but what users have: the dependencies.
    const packages = Object.keys(manifest.dependencies);
    await cp(join(root, 'node_modules'), join(folder, 'node_modules'), {
      recursive: true,
      filter: (path) => path === join(root, 'node_modules'),
    });
    await Promise.all(
      packages.map((name) =>
        symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'junction'),
      ),
    );
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('lists the shipped scenarios', async () => {
    expect(JSON.parse(await holdfast('list', '--json'))).toContainEqual(
      expect.objectContaining({
        id: 'starttls/stripped',
        file: 'scenarios/starttls/stripped.yaml',
      }),
    );
  });

  it('says what mx-connect needs', async () => {
    expect(await holdfast('senders')).toMatch(/mx-connect .*not available[\s\S]*npm install/);
  });

  it('runs a scenario', async () => {
    expect(await holdfast('run', 'tls/sni', '--verbose')).toMatch(/^✓ tls\/sni · reference/m);
  });

  it('makes a page of a run', async () => {
    expect(await holdfast('run', 'tls/sni', '--reporter', 'html')).toContain('id="d0"');
  });

  it('has the mail servers to be run in containers, and what the image of the lab is made from', async () => {
    const servers = await readdir(join(root, 'docker', 'senders'));
    expect((await readdir(join(folder, 'docker', 'senders'))).sort()).toEqual(servers.sort());
    expect(await readdir(join(folder, 'docker', 'lab'))).toEqual(['Dockerfile']);
    await expect(holdfast('run', '--sender', 'postfx')).rejects.toMatchObject({
      code: 64,
      stderr: expect.stringContaining('did you mean postfix?'),
    });
  });

  it('can serve a lab with what it depends on', async () => {
    await expect(holdfast('serve', '--port', '0')).rejects.toMatchObject({
      code: 64,
      stderr: expect.stringContaining('HOLDFAST_SECRET'),
    });
  });

  it('has the library with its types, and nothing but harness and certs', async () => {
    expect(await readdir(join(folder, 'dist'))).toEqual(['certs', 'harness']);
    const { default: js, types } = manifest.exports['.'];
    expect(await readFile(join(folder, types), 'utf8')).toContain('runSuite');
    expect(Object.keys(await import(join(folder, js)))).toEqual(
      expect.arrayContaining(['startLab', 'runSuite', 'judge', 'loadScenarios', 'referenceSender']),
    );
  });
});
