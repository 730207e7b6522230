/**
 * A process that is stopped, or cannot go on: it ends by itself, with a defined code, and says what
 * it knows.
 */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { missingAddresses } from '../harness/senders/external.ts';
import { start } from './containers/process.ts';

const CLI = join(import.meta.dirname, '..', 'harness', 'cli.ts');
const folder = await mkdtemp(join(tmpdir(), 'holdfast-stopping-'));
afterAll(() => rm(folder, { recursive: true }));

const MTA = join(import.meta.dirname, 'senders', 'fixtures', 'external-mta.mjs');
const place = { dns: '127.94.0.1', addresses: '127.94.128.0/24' };
const missing =
  platform() === 'linux' ? await missingAddresses(place) : 'only Linux has all of 127.0.0.0/8';

/** A sender of a few lines, whose commands are these; its path. */
async function senderWith(name: string, commands: string): Promise<string> {
  const dir = join(folder, name);
  const at = (file: string) => join(dir, file);
  await mkdir(dir);
  await writeFile(
    at('sender.yaml'),
    `name: ${name}
summary: The fixture.
version: '1'
external: { dns: ${place.dns}, addresses: ${place.addresses} }
trust: ${at('ca.pem')}
ready: { log: started }
submit: { host: 127.94.0.2, port: 20587 }
log:
  from: { command: 'exec "${process.execPath}" ${MTA} 127.94.0.2 20587 ${place.dns} ${at('ca.pem')} ${at('queue')}' }
  sent: '^sent to=<(?<recipient>[^>]+)>'
  deferred: '^deferred to=<(?<recipient>[^>]+)>'
  bounced: '^bounced to=<(?<recipient>[^>]+)>'
capabilities: [queue]
commands: ${commands}
`,
  );
  return dir;
}

/** On a busy machine it takes what it takes. */
const PATIENT = { timeout: 60_000 };

/** Resolves with the process that has written its number there. */
const pidIn = (file: string) =>
  vi.waitUntil(async () => Number(await readFile(file, 'utf8').catch(() => '')), PATIENT);
/** Not one that has ended and that nobody has asked for yet. */
const isAlive = async (pid: number) =>
  /^\d+ \(.*\) [^Z]/s.test(await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => ''));
const SCENARIO = `title: x
why: y
requirements: [5321-4.5.4.1-queue]
needs: [queue]
steps:
  - { send: a, under: [block-mx], expect: [deferred] }
  - recover
`;

describe.skipIf(missing !== undefined)(`commands that never end${missing ?? ''}`, () => {
  it('flush: the first Ctrl-C ends the run, and the command with what it has forked', async () => {
    const [pid, scenario] = [join(folder, 'flush.pid'), join(folder, 'queue.yaml')];
    await writeFile(scenario, SCENARIO);
    const sender = await senderWith(
      'flushes',
      `{ flush: 'sleep 600 & echo $! >${pid}; wait', queue: 'true' }`,
    );
    const { child, ended } = start(['run', scenario, '--sender', sender]);
    const forked = await pidIn(pid);
    child.kill('SIGINT');
    const { code, out } = await ended;
    expect(out).toMatch(/^0 verdicts .* interrupted, 1 not judged$/m);
    expect(code).toBe(130);
    await vi.waitUntil(async () => !(await isAlive(forked)), PATIENT);
  });

  it('stop: what is known is told before it, and a second Ctrl-C waits for it no more', async () => {
    const pid = join(folder, 'stop.pid');
    const sender = await senderWith(
      'stops',
      `{ flush: 'true', stop: 'echo $$ >${pid}; exec sleep 600' }`,
    );
    const { child, saw, ended } = start(['run', 'starttls', '--sender', sender, '--verbose']);
    await saw(/^. starttls\//m);
    child.kill('SIGINT');
    await saw(/interrupted, \d+ not judged$/m);
    const stopping = await pidIn(pid);
    // As soon as the second one counts.
    const again = setInterval(() => child.kill('SIGINT'), 100);
    const { code } = await ended;
    clearInterval(again);
    expect(code).toBe(130);
    await vi.waitUntil(async () => !(await isAlive(stopping)), PATIENT);
  });
});

it('a command with nothing to put away ends at the first signal', async () => {
  const input = join(folder, 'pipe');
  execFileSync('mkfifo', [input]);
  // Nobody ever writes to the pipe that it reads.
  const { child, ended } = start(['compare', input, input]);
  await once(child, 'spawn');
  child.kill('SIGTERM');
  await ended;
  expect([null, 130]).toContain(child.exitCode);
});

it('a command that is done ends, whatever else is open', async () => {
  const open = 'data:text/javascript,setInterval(() => {}, 2 ** 30)';
  const child = spawn(process.execPath, ['--import', open, CLI, 'senders']);
  child.stdout.resume();
  expect(await once(child, 'close')).toEqual([0, null]);
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
