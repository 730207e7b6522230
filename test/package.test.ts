/**
 * The package: what `npm run build` makes is what users get. Packing and installing it is checked
 * by hand before a release.
 */

import { execFile } from 'node:child_process';
import {
  appendFile,
  cp,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadScenarios } from '../harness/scenario/load.ts';
import { loadVocabulary } from '../harness/vocabulary.ts';

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
    await holdfast('compile');
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

  it('tells the coverage', async () => {
    expect(await holdfast('coverage', '--rfc', '8461')).toMatch(/^✓ MUST /m);
  });

  it('lists with nothing loaded that reads YAML', async () => {
    const reading = ['yaml', 'zod'].map((name) => join(folder, 'node_modules', name));
    for (const path of reading) await rename(path, `${path}-away`);
    expect(await holdfast('list')).toMatch(/^starttls\/stripped /m);
    for (const words of ['--requirements', '--attacks', '--expectations'])
      expect(await holdfast('list', words)).toContain('\n\n');
    expect(await holdfast('lint', join(folder, 'scenarios'))).toContain('no problems');
    for (const path of reading) await rename(`${path}-away`, path);
  });

  it('has the suite as it was built, and reads a file that was changed since', async () => {
    const module = await import(join(folder, 'dist/harness/scenario/compiled.js'));
    const compiled = () =>
      module.readCompiledSuite({ folder, scenarios: join(folder, 'scenarios') });
    const { scenarios } = await loadScenarios(['scenarios'], root, await loadVocabulary());
    expect(compiled().scenarios()).toStrictEqual(scenarios);

    const own = join(folder, 'scenarios/starttls/stripped.yaml');
    const whole = await readFile(own, 'utf8');
    await writeFile(own, whole.replace(/^title: .*/m, 'title: Another title'));
    expect(compiled()).toBeUndefined();
    expect(await holdfast('list')).toContain('Another title');
    await writeFile(own, `${whole}\nnonsense: true`);
    await expect(holdfast('lint', join(folder, 'scenarios'))).rejects.toMatchObject({
      code: 64,
      stdout: expect.stringContaining('nonsense'),
    });
    await writeFile(own, whole);
    expect(compiled()).toBeDefined();

    const added = join(folder, 'scenarios/starttls/added.yaml');
    await writeFile(added, whole);
    expect(compiled()).toBeUndefined();
    await rm(added);

    const code = join(folder, 'dist/harness/attacks/strip-starttls.js');
    await appendFile(code, '// another version\n');
    expect(compiled()).toBeUndefined();
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
