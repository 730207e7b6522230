import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPki, type Pki } from '../../certs/index.ts';
import { type MessageStatus, SenderError, type StartedSender } from '../../harness/model/sender.ts';
import { nodeSender } from '../../harness/senders/node/node-sender.ts';
import { readFromChild } from '../../harness/senders/node/protocol.ts';
import { type SmallLab, startSmallLab } from './small-lab.ts';

const misbehaving = nodeSender({
  name: 'misbehaving',
  version: '1',
  summary: '',
  capabilities: [],
  program: new URL('./fixtures/misbehaving.mjs', import.meta.url),
  unavailable: async () => undefined,
});

describe('a program that misbehaves', () => {
  let pki: Pki;
  let lab: SmallLab;
  let sender: StartedSender;
  let statuses: MessageStatus[];

  beforeEach(async () => {
    pki ??= await createPki();
    lab = await startSmallLab({}, pki);
    statuses = [];
    sender = await start();
  });
  afterEach(async () => {
    vi.useRealTimers();
    await sender[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
    vi.unstubAllEnvs();
  });

  const start = () => misbehaving.start(lab.access, (status) => statuses.push(status));
  const tellTo = (act: string) =>
    sender.submit({
      token: `hf-${act}`,
      from: 'a@sender.test',
      to: `${act}@victim.test`,
      data: '',
    });
  const report = async () => {
    await tellTo('report');
    return JSON.parse(statuses.pop()!.detail) as { pid: number; trust: string; secret?: string };
  };
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  const dies = async (act: string, lastWords: string) => {
    const other = tellTo('hang');
    const [error, otherError] = await Promise.all(
      [tellTo(act), other].map((asked) => asked.catch((reason) => reason)),
    );
    expect(error).toBeInstanceOf(SenderError);
    expect(error.message).toBe(`misbehaving ${lastWords}`);
    expect(otherError).toBe(error);
    await expect(sender.flush(['victim.test'])).rejects.toBe(error);
  };

  it('that exits fails what is pending and all that follows, with its last words', () =>
    dies('crash', 'exited with code 3; its last words:\n  first words\n  last words'));
  it('that is killed says by what', () =>
    dies('die', 'was killed by SIGKILL, having said nothing'));
  it('that hangs up is ended', () => dies('hangUp', 'was killed by SIGTERM, having said nothing'));
  it('that refuses a request fails that request alone', async () => {
    await expect(tellTo('refuse')).rejects.toThrow('misbehaving: no such mailbox');
    await report();
  });
  it('that talks nonsense is heard only where it makes sense, and made printable', async () => {
    await tellTo('rude');
    expect(statuses).toEqual([
      { token: 'hf-rude', status: 'deferred', detail: '\\x1b[31mred\\x07' },
    ]);
  });
  it('is gone after dispose, and its trust file with it', async () => {
    const { pid, trust } = await report();
    expect([isAlive(pid), existsSync(trust)]).toEqual([true, true]);
    await sender[Symbol.asyncDispose]();
    expect([isAlive(pid), existsSync(trust)]).toEqual([false, false]);
  });
  it('that clings to life is killed', async () => {
    const { pid } = await report();
    await tellTo('cling');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const ended = sender[Symbol.asyncDispose]();
    vi.advanceTimersByTime(10_000);
    await ended;
    expect(isAlive(pid)).toBe(false);
  });
  it('that has much to save at its end is waited for', async () => {
    await tellTo('save');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const ended = sender[Symbol.asyncDispose]();
    while (statuses.length === 0) await new Promise(setImmediate);
    vi.advanceTimersByTime(9_000);
    await expect(tellTo('saved')).rejects.toThrow('misbehaving exited with code 0');
    await ended;
  });
  it('is another process after restart', async () => {
    const before = await report();
    const pending = tellTo('hang').catch((error) => error);
    await sender.restart!();
    expect(await pending).toBeInstanceOf(SenderError);
    const after = await report();
    expect(after.pid).not.toBe(before.pid);
    expect(isAlive(before.pid)).toBe(false);
  });
  it('learns nothing from our environment', async () => {
    vi.stubEnv('HOLDFAST_TEST_SECRET', 'secret');
    await sender.restart!();
    expect((await report()).secret).toBeUndefined();
  });
  it('that never gets ready cannot be started', async () => {
    vi.stubEnv('TZ', 'Etc/Nowhere');
    const error = await start().catch((reason) => reason);
    expect(error).toBeInstanceOf(SenderError);
    expect(error.message).toMatch(
      /^misbehaving exited with code 1; its last words:\n[\s\S]*never ready/,
    );
  });
});

describe('readFromChild', () => {
  const ignores = (value: unknown) =>
    expect(readFromChild(value), JSON.stringify(value)).toBeUndefined();
  const accepts = (value: object) => expect(readFromChild({ ...value, more: 1 })).toEqual(value);

  it('takes the four kinds, without what else they carry', () => {
    accepts({ kind: 'ready' });
    accepts({ kind: 'done', id: 1 });
    accepts({ kind: 'failed', id: 1, detail: 'why' });
    accepts({ kind: 'status', token: 'hf1', status: 'bounced', detail: '550 no' });
  });
  it('ignores everything else', () => {
    for (const value of [null, undefined, 'ready', 1, [], {}, { kind: 'lab' }, { kind: ['ready'] }])
      ignores(value);
    ignores({ kind: 'done', id: '1' });
    ignores({ kind: 'failed', id: 1, detail: { toString: 'x' } });
    ignores({ kind: 'status', token: 'hf1', status: 'pending', detail: '' });
    ignores({ kind: 'status', token: 'hf1', status: 'bounced' });
  });
  it('cuts long texts', () => {
    const message = readFromChild({ kind: 'failed', id: 1, detail: 'x'.repeat(100_000) });
    expect(message).toMatchObject({ detail: expect.stringMatching(/^x{1999}…$/) });
  });
});
