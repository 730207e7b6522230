/** Commands of a contract that do not end by themselves. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { SenderError } from '../../harness/model/sender.ts';
import { createDeadline } from '../../harness/process/deadline.ts';
import { runShell, WITHIN_SECONDS } from '../../harness/process/shell.ts';

const folder = await mkdtemp(join(tmpdir(), 'holdfast-shell-'));
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  vi.useRealTimers();
});

describe.skipIf(platform() !== 'linux')('a command', () => {
  it('that never ends is ended, with all that it has forked', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const file = join(folder, 'pid');
    const command = `sleep 600 & echo $! >${file}; wait`;
    const failed = expect(runShell({ title: 'small-mta', command })).rejects.toEqual(
      new SenderError(`small-mta: ${command} took longer than ${WITHIN_SECONDS} s`),
    );
    let forked = 0;
    while (!forked) {
      await setImmediate();
      forked = Number(await readFile(file, 'utf8').catch(() => ''));
    }
    vi.advanceTimersByTime(WITHIN_SECONDS * 1000);
    await failed;
    const stat = await readFile(`/proc/${forked}/stat`, 'latin1').catch(() => ') Z');
    expect(stat).toMatch(/\) Z/);
  });
});

describe('a deadline', () => {
  it('ends a regular expression that backtracks for ever', () => {
    const endsInTime = createDeadline(50);
    expect(endsInTime(() => void /^(a+)+$/.test(`${'a'.repeat(60)}b`))).toBe(false);
    let seen = 0;
    expect(endsInTime(() => void seen++)).toBe(true);
    expect(seen).toBe(1);
  });

  it('lets what is thrown through', () => {
    expect(() =>
      createDeadline(50)(() => {
        throw new TypeError('odd');
      }),
    ).toThrow(new TypeError('odd'));
  });
});
