/**
 * A process that is stopped, or cannot go on: it ends by itself, with a defined code, and says what
 * it knows.
 */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { start } from './containers/process.ts';

const CLI = join(import.meta.dirname, '..', 'harness', 'cli.ts');
const folder = await mkdtemp(join(tmpdir(), 'holdfast-stopping-'));
afterAll(() => rm(folder, { recursive: true }));

it('a second Ctrl-C does not wait for what hangs', async () => {
  // Its silences last longer than this test may.
  const { child, saw, ended } = start('run', 'policy-host', '--sender', 'mx-connect', '--verbose');
  await saw(/^. policy-host\//m);
  child.kill('SIGINT');
  await saw(/interrupted, \d+ not judged$/m);
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ code: 130 });
});

it('a command with nothing to put away ends at the first signal', async () => {
  const input = join(folder, 'pipe');
  execFileSync('mkfifo', [input]);
  // Nobody ever writes to the pipe that it reads.
  const { child, ended } = start('compare', input, input);
  await once(child, 'spawn');
  child.kill('SIGTERM');
  await ended;
  expect([null, 130]).toContain(child.exitCode);
});

describe.runIf(existsSync('/dev/full'))('standard output that is full', () => {
  it.each([['list'], ['run tls/sni']])('%s', async (words) => {
    const child = spawn('/bin/sh', ['-c', `"$0" "$1" ${words} >/dev/full`, process.execPath, CLI], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let err = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      err += text;
    });
    const [code] = await once(child, 'close');
    expect({ code, err }).toEqual({
      code: 70,
      err: 'standard output cannot be written: ENOSPC: no space left on device, write\n',
    });
  });
});

const NOBODY = 65_534;

it.runIf(process.getuid?.() === 0)(
  'a user who is not root, in a checkout that is not theirs',
  async () => {
    const readOnly = join(folder, 'read-only');
    await mkdir(readOnly, { mode: 0o755 });
    await writeFile(join(folder, 'x'), '');
    execFileSync('chmod', ['755', folder]);
    const child = spawn(process.execPath, [CLI, 'run', 'tls/sni'], {
      cwd: readOnly,
      uid: NOBODY,
      gid: NOBODY,
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        said += text;
      });
    const [code] = await once(child, 'close');
    expect(said).toMatch(/1 verdict .* 1 pass$/m);
    expect(code).toBe(0);
  },
);
