/**
 * The judge on evidence of real runs: it is pure, and no part of the evidence that is left out
 * makes a pass.
 */

import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { judge } from '../../harness/judge/judge.ts';
import { startLab } from '../../harness/lab/lab.ts';
import type { Observation } from '../../harness/model/observation.ts';
import { ofKind } from '../../harness/model/traffic.ts';
import type { Trial } from '../../harness/model/verdict.ts';
import { loadScenarios } from '../../harness/scenario/load.ts';
import type { FaultName } from '../../harness/senders/reference/faults.ts';
import { referenceSender } from '../../harness/senders/reference/index.ts';
import { loadVocabulary } from '../../harness/vocabulary.ts';
import { deepFreeze, expectations } from '../evidence.ts';
import { resultsOf } from '../suite.ts';

const root = fileURLToPath(new URL('../../scenarios', import.meta.url));
let held: Trial;
let leaked: Trial;
let bounced: Trial;

beforeAll(async () => {
  const vocabulary = await loadVocabulary();
  const { scenarios } = await loadScenarios([root], root, vocabulary);
  await using lab = await startLab();
  const run = async (id: string, fault?: FaultName) => {
    const chosen = scenarios.filter((scenario) => scenario.id === id);
    const [result] = await resultsOf({
      lab,
      vocabulary,
      senders: [referenceSender({ traits: fault ? [fault] : [] })],
      scenarios: chosen,
      jobs: 1,
    });
    return deepFreeze(result!.trial);
  };
  held = await run('starttls/stripped@as-removed-line');
  leaked = await run('starttls/stripped@as-removed-line', 'plaintext-when-starttls-missing');
  bounced = await run('queue/look-again-before-bouncing');
});

const judgeTrial = (
  trial: Trial,
  observations: readonly Observation[] = trial.evidence.observations,
) => judge({ ...trial, evidence: { observations } }, expectations);
const without = (trial: Trial, drop: (seen: Observation) => boolean) =>
  trial.evidence.observations.filter((seen) => !drop(seen));

test('the sound sender passes, and the leaking one fails', () => {
  expect(judgeTrial(held)).toMatchObject({ grade: 'pass', exposure: 'none', remarks: [] });
  expect(judgeTrial(leaked)).toMatchObject({ grade: 'fail', exposure: 'content' });
});

test('the lab reads what a DSN says that was done', () => {
  const notices = ofKind(bounced.evidence.observations, 'message-accepted').filter(
    (seen) => seen.mailFrom === '',
  );
  expect(notices.map((notice) => notice.dsnAction)).toEqual(['failed']);
});

test('judging is pure: again, and from JSON, with the same verdict; frozen input is left as it is', () => {
  for (const trial of [held, leaked]) {
    const verdict = judgeTrial(trial);
    expect(judgeTrial(trial)).toEqual(verdict);
    expect(judge(JSON.parse(JSON.stringify(trial)), expectations)).toEqual(verdict);
  }
});

test.each<[string, (seen: Observation) => boolean]>([
  ['no message was submitted', (seen) => seen.kind === 'message-submitted'],
  ['no policy was fetched', (seen) => seen.kind === 'policy-request'],
  ['the record was not looked up', (seen) => seen.kind === 'dns-query' && seen.type === 'TXT'],
  ['the sender said nothing', (seen) => seen.kind === 'sender-status'],
  [
    'the sender said nothing of the attack',
    (seen) => seen.kind === 'sender-status' && seen.step === 1,
  ],
  ['nothing arrived', (seen) => seen.kind === 'message-accepted'],
  [
    'nothing arrived in the recovery',
    (seen) => seen.kind === 'message-accepted' && seen.step === 2,
  ],
  [
    'nobody came near the MX',
    (seen) =>
      seen.step === 1 &&
      (seen.kind === 'smtp-connection' || (seen.kind === 'dns-query' && seen.type === 'MX')),
  ],
  ['the attack was never begun', (seen) => seen.step === 1 && seen.kind === 'step-started'],
  ['nothing is known of the lab', (seen) => seen.kind === 'lab-health'],
  ['the main leg is gone', (seen) => seen.leg === 'main'],
])('no pass where %s', (_what, drop) =>
  expect(judgeTrial(held, without(held, drop)).grade).not.toBe('pass'),
);

test('half the evidence decides nothing', () => {
  const { observations } = held.evidence;
  for (let end = 0; end < observations.length; end++)
    expect(judgeTrial(held, observations.slice(0, end)).grade).toBe('inconclusive');
});

const few = (trial: Trial, most: number) =>
  fc.uniqueArray(fc.nat(trial.evidence.observations.length - 1), { maxLength: most });
const leaveOut = (trial: Trial, gone: readonly number[]) =>
  without(trial, (seen) => gone.includes(seen.seq - 1));

test('whatever is left out of a leak, it never makes a pass', () => {
  const passes = (observations: readonly Observation[]) =>
    judgeTrial(leaked, observations).grade === 'pass';
  fc.assert(fc.property(fc.subarray([...leaked.evidence.observations]), (some) => !passes(some)));
  // Few at a time too: most random subsets break at the control.
  fc.assert(fc.property(few(leaked, 8), (gone) => !passes(leaveOut(leaked, gone))));
});

test('a leak of the message is no pass, wherever it happened and whatever the sender says', () => {
  const token = held.evidence.observations.find(
    (seen) => seen.kind === 'message-submitted' && seen.leg === 'main' && seen.step === 1,
  )!;
  const opened = held.evidence.observations.find(
    (seen) => seen.kind === 'smtp-connection' && seen.leg === 'main' && seen.step === 1,
  )!;
  if (token.kind !== 'message-submitted' || opened.kind !== 'smtp-connection')
    throw new Error('no attacked step');
  const { connection, mx, leg, step } = opened;
  const leak = {
    leg,
    step,
    connection,
    mx,
    kind: 'smtp-data',
    secure: false,
    authenticated: false,
    bytes: 9,
    tokens: [token.token],
    excerpt: '',
  } as const;
  fc.assert(
    fc.property(few(held, 4), fc.nat(held.evidence.observations.length), (gone, place) => {
      const left = leaveOut(held, gone);
      const { grade } = judgeTrial(held, [
        ...left.slice(0, place),
        { ...leak, seq: place + 0.5, at: 0 },
        ...left.slice(place),
      ]);
      return grade !== 'pass';
    }),
  );
});

test('whatever is left out of a pass, it passes only with all of its proof', () => {
  const has = (
    observations: readonly Observation[],
    proof: Partial<Record<'kind' | 'leg' | 'status', unknown>> & { step?: number },
  ) =>
    observations.some((seen) =>
      Object.entries(proof).every(([key, value]) => (seen as any)[key] === value),
    );
  fc.assert(
    fc.property(few(held, 12), (gone) => {
      const left = leaveOut(held, gone);
      if (judgeTrial(held, left).grade !== 'pass') return;
      for (const step of [0, 1])
        expect(has(left, { kind: 'message-submitted', leg: 'main', step })).toBe(true);
      expect(has(left, { kind: 'policy-request', leg: 'main', step: 0 })).toBe(true);
      expect(has(left, { kind: 'sender-status', leg: 'main', step: 1, status: 'deferred' })).toBe(
        true,
      );
      for (const step of [0, 2])
        expect(has(left, { kind: 'message-accepted', leg: 'main', step })).toBe(true);
      expect(has(left, { kind: 'lab-health' })).toBe(true);
    }),
    { numRuns: 300 },
  );
});
