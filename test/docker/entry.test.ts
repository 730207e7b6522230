/** What a container runs, run by the shell of this machine. */

import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Entry, endOf, entryOf, needsRoot, startProblem } from '../../harness/docker/entry.ts';

const LAB = '192.0.2.53';
const UP = { Entrypoint: ['echo'], Cmd: ['up'] };
/** To root, no file is read-only. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

it.each<[string, Entry, string[]]>([
  ['what the image does', {}, ['echo', 'up']],
  ['a command in place of all of it', { command: ['sh', '-c', ':'] }, ['sh', '-c', ':']],
  ['other arguments for its entry point', { arguments: ['down'] }, ['echo', 'down']],
])('runs %s', (_, entry, words) => expect(entryOf(UP, entry).command).toEqual(words));

it('runs an entry point that is one word, or none', () => {
  expect(entryOf({ Entrypoint: '/start', Cmd: null }, {}).command).toEqual(['/start']);
  expect(entryOf({ Entrypoint: null, Cmd: ['up'] }, {}).command).toEqual(['up']);
});

it('a log in a file is not waited for where nothing can read it', async () => {
  const { entrypoint, command } = entryOf(UP, { logFile: '/var/log/mail.log' });
  const [program, ...words] = [...entrypoint, ...command];
  const ended = new Promise((resolve) => {
    execFile(program!, words, { env: { PATH: '/nowhere' } }, (error, stdout) =>
      resolve([error?.code, stdout]),
    );
  });
  expect(await ended).toEqual([
    78,
    'the log is read from /var/log/mail.log (log.from.file) by tail, which this image has not: install it (coreutils, busybox).\n',
  ]);
});

it.each(['', 'root', '0', '0:0', 'root:mail'])('root writes the name server: "%s"', (User) =>
  expect(needsRoot({ User })).toBe(false),
);
it.each(['mail', '1000', '1000:0', 'rooty'])('another user does not: "%s"', (User) =>
  expect(needsRoot({ User })).toBe(true),
);

it('an image without a shell is told so, and all else in the engine’s words', () => {
  const said =
    'OCI runtime create failed: runc create failed: unable to start container process: exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown';
  expect(startProblem(said)).toMatch(/^its image has no \/bin\/sh, .* install a shell in it/);
  expect(startProblem('no such network')).toBe('no such network');
});

it('a server that has gone into the background is told to stay', () => {
  expect(endOf(0)).toMatch(/^exited with code 0 \(.*stay in the foreground\)$/);
  expect(endOf(3)).toBe('exited with code 3');
});

describe.skipIf(platform() === 'win32')('the name server', () => {
  let folder: string;
  let resolvConf: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-entry-'));
    await chmod(folder, 0o755);
    resolvConf = join(folder, 'resolv.conf');
  });
  afterAll(() => rm(folder, { recursive: true }));

  const start = async (
    before: string,
    mode: number,
    entry: Entry = { dns: LAB },
    looks = 1,
  ): Promise<{ code: unknown; said: string }> => {
    await rm(resolvConf, { force: true });
    await writeFile(resolvConf, before);
    await chmod(resolvConf, mode);
    const { entrypoint, command } = entryOf(UP, entry, { resolvConf, looks });
    const [program, ...words] = [...entrypoint, ...command];
    const user = mode === 0o444 ? NOBODY : {};
    return new Promise((resolve) => {
      execFile(program!, words, { cwd: '/', ...user }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, said: stdout + stderr }),
      );
    });
  };

  it('of the lab takes the place of the engine’s', async () => {
    expect(await start('nameserver 127.0.0.11\n', 0o644)).toEqual({ code: 0, said: 'up\n' });
    expect(await readFile(resolvConf, 'utf8')).toBe(`nameserver ${LAB}\noptions trust-ad\n`);
  });

  it('is left alone where there is no lab', async () => {
    expect(await start('nameserver 127.0.0.11\n', 0o644, {})).toEqual({ code: 0, said: 'up\n' });
    expect(await readFile(resolvConf, 'utf8')).toBe('nameserver 127.0.0.11\n');
  });

  it('that is the lab’s already need not be written', async () => {
    const before = `# by the engine\nsearch test\nnameserver ${LAB}\noptions trust-ad`;
    expect(await start(before, 0o444)).toEqual({ code: 0, said: 'up\n' });
  });

  it('that somebody else writes is waited for', async () => {
    const started = start('nameserver 127.0.0.11\n', 0o444, { dns: LAB }, 50);
    await vi.waitFor(() => readFile(resolvConf));
    await writeFile(`${resolvConf}.new`, `nameserver ${LAB}\n`, { mode: 0o644 });
    await rename(`${resolvConf}.new`, resolvConf);
    expect(await started).toEqual({ code: 0, said: 'up\n' });
  });

  it.each([
    ['another', 'nameserver 127.0.0.11\n'],
    ['the lab’s and another', `nameserver ${LAB}\nnameserver 127.0.0.11\n`],
    ['none', ''],
  ])(
    'that cannot be written, and is %s: nothing is started, and why is said',
    async (_, before) => {
      const { code, said } = await start(before, 0o444);
      expect(code).toBe(78);
      expect(said).toContain(`the lab's name server cannot be written to ${resolvConf}`);
      expect(said).toContain('USER root at the end of its Dockerfile');
      expect(said).not.toContain('up');
    },
  );
});
