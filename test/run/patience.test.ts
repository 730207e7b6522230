/** What a sender may take its time for, and gives no sign of meanwhile. */

import { expect, test } from 'vitest';
import { createRecorder, type Recorder } from '../../harness/lab/recorder.ts';
import type { Event, Observation } from '../../harness/model/observation.ts';
import type { ArrangedLeg, Running } from '../../harness/run/running.ts';
import { givenUp, policyFetched } from '../../harness/run/waiting.ts';
import { evidence } from '../evidence.ts';

const SOON_MS = 20;
const LATE_MS = 150;
const BOUNDS = { settleMs: 60_000, quietMs: SOON_MS, fetchMs: SOON_MS };
const where = { leg: 'main', index: 0, world: { idle: async () => {} } } as unknown as ArrangedLeg;

const see = (recorder: Recorder, { leg, seq: _, at: _at, step: _step, ...event }: Observation) =>
  recorder.record(leg, event as Event);

/** A trial that has come so far; what is still to come comes late. */
function underWay(past: readonly Observation[], rest: readonly Observation[], bounds: object) {
  const recorder = createRecorder();
  for (const seen of past) see(recorder, seen);
  setTimeout(() => {
    for (const seen of rest) see(recorder, seen);
  }, LATE_MS);
  const legs = new Map([['xw1', where]]);
  const more = { base: 'xw1', legs, hasDsn: true, fetchesPolicies: true };
  const running = { recorder, bounds: { ...BOUNDS, ...bounds }, ...more } as unknown as Running;
  const has = (kind: Event['kind']) => recorder.observations.some((seen) => seen.kind === kind);
  return { running, has };
}
const after = (made: { observations: readonly Observation[] }, kind: Event['kind']) => {
  const last = made.observations.findLastIndex((seen) => seen.kind === kind);
  return [made.observations.slice(0, last + 1), made.observations.slice(last + 1)] as const;
};

test.each([
  [60_000, true],
  [SOON_MS, false],
])('a first look for a policy is waited for, %d ms long', async (lookMs, isSeen) => {
  const made = evidence().step(0).submit().leaks().status('delivered').txt().fetch();
  const { running, has } = underWay(...after(made, 'sender-status'), { lookMs });
  await policyFetched(running, where);
  expect(has('policy-request')).toBe(isSeen);
});

test('who has looked for one is not waited for so long', async () => {
  const made = evidence().step(0).submit().txt().leaks().status('delivered').fetch();
  const { running, has } = underWay(...after(made, 'sender-status'), { lookMs: 60_000 });
  await policyFetched(running, where);
  expect(has('policy-request')).toBe(false);
});

test('a notice is waited for, once the message was given up', async () => {
  const made = evidence().step(0).submit().turnsAway().status('bounced').dsn('failed');
  const { running, has } = underWay(...after(made, 'sender-status'), { noticeMs: 60_000 });
  await givenUp(running);
  expect(has('message-accepted')).toBe(true);
});

test('the queue is run for a notice that does not come', async () => {
  const made = evidence().step(0).submit().turnsAway().status('bounced').dsn('failed');
  const [past, notice] = after(made, 'sender-status');
  const { running, has } = underWay(past, [], { noticeMs: SOON_MS });
  const flushed: string[] = [];
  const sender = {
    async flush(domains: readonly string[]) {
      flushed.push(...domains);
      for (const seen of notice) see(running.recorder, seen);
    },
  };
  await givenUp({ ...running, sender, hasQueue: true } as unknown as Running);
  expect(flushed).toEqual(['sender.xw1.test']);
  expect(has('message-accepted')).toBe(true);
});
