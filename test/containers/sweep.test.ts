/**
 * A run that is ended from outside: by itself it leaves nothing; what a killed one leaves,
 * `holdfast clean` removes.
 */

import { expect, it } from 'vitest';
import { describeWithEngine, leftBy, NOTHING } from './engine.ts';
import { holdfast, start } from './process.ts';

/** Of a run whose results come in. */
async function inMidRun() {
  const run = start(['run', 'starttls', '--sender', 'postfix']);
  await run.saw(/^. starttls\/\S+ · postfix/m);
  const pid = run.child.pid!;
  const left = await leftBy(pid);
  // The lab and the sender, in one network.
  expect([left.containers.length, left.networks.length]).toEqual([2, 1]);
  return { ...run, pid };
}

describeWithEngine('a run', () => {
  it('that is killed: holdfast clean removes what it has left', async () => {
    const { child, ended, pid } = await inMidRun();
    child.kill('SIGKILL');
    await ended;
    const { code, err } = await holdfast('clean');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(await leftBy(pid)).toEqual(NOTHING);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'that is stopped by %s removes all of it',
    async (signal) => {
      const { child, ended, pid } = await inMidRun();
      child.kill(signal);
      const { code, out } = await ended;
      expect(out).toMatch(/interrupted, \d+ not judged$/m);
      expect(code).toBe(130);
      expect(await leftBy(pid)).toEqual(NOTHING);
    },
  );

  it('that is running is left alone by holdfast clean', async () => {
    const { child, ended, pid } = await inMidRun();
    const { out } = await holdfast('clean');
    expect(out).toContain('left alone: ');
    expect((await leftBy(pid)).containers).toHaveLength(2);
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
  });
});
