/** A trial whose lab was slow is run again, and only the last is told. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '../../harness/lab/lab.ts';
import type { Sender } from '../../harness/model/sender.ts';
import { openTrials } from '../../harness/run/trials.ts';
import { referenceSender } from '../../harness/senders/reference/index.ts';
import { vocabulary } from '../evidence.ts';
import { shippedScenarios } from '../mutants/try.ts';
import { resultsOf } from '../suite.ts';

const SCENARIO = 'starttls/stripped@as-removed-line';
let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** The verdict on each scenario and how often a trial began, in a lab that is slow so many times. */
async function runIn(slowTimes: number, starting: Sender['start'] = referenceSender().start) {
  let measured = 0;
  const slowness = async () => ({
    eventLoopDelayMs: measured++ < slowTimes ? 9000 : 0,
    slowestAnswerMs: 0,
  });
  let begun = 0;
  const results = await resultsOf({
    lab: { ...lab, slowness },
    vocabulary,
    senders: [{ ...referenceSender(), start: starting }],
    scenarios: (await shippedScenarios()).filter(({ id }) => id === SCENARIO),
    jobs: 2,
    bounds: { settleMs: 2000, quietMs: 1000 },
    onTrialStart: () => void begun++,
  });
  return { grades: results.map(({ verdict }) => verdict.grade), begun };
}

/** With the fault the first so many times that it is started. */
function leakingFor(times: number): Sender['start'] {
  let started = 0;
  const leaky = referenceSender({ traits: ['plaintext-when-starttls-missing'] });
  return (...given) => (started++ < times ? leaky : referenceSender()).start(...given);
}

test('slow once: its second trial counts', async () => {
  expect(await runIn(1)).toEqual({ grades: ['pass'], begun: 2 });
});

test('slow once, and leaking both times: it fails', async () => {
  expect(await runIn(1, leakingFor(2))).toEqual({ grades: ['fail'], begun: 2 });
});

test('slow once, and leaking only then: neither failed nor passed', async () => {
  expect(await runIn(1, leakingFor(1))).toEqual({ grades: ['inconclusive'], begun: 2 });
});

test('slow once and leaking, then calm and failing otherwise: it fails', async () => {
  let started = 0;
  const leaky = referenceSender({ traits: ['plaintext-when-starttls-missing'] });
  const losing = referenceSender({ traits: ['loses-mail'] });
  const start: Sender['start'] = (...given) => (started++ < 1 ? leaky : losing).start(...given);
  expect(await runIn(1, start)).toEqual({ grades: ['fail'], begun: 2 });
});

test('slow three times: its fourth trial counts', async () => {
  expect(await runIn(3)).toEqual({ grades: ['pass'], begun: 4 });
});

test('slow every time: inconclusive, and not tried for ever', async () => {
  expect(await runIn(99)).toEqual({ grades: ['inconclusive'], begun: 4 });
});

test('not slow: run once', async () => {
  expect(await runIn(0)).toEqual({ grades: ['pass'], begun: 1 });
});

test('on demand: run again as well, where the event loop was held up', async () => {
  let started = 0;
  const start: Sender['start'] = (...given) => {
    const freeAt = performance.now() + (started++ === 0 ? 900 : 0);
    while (performance.now() < freeAt);
    return referenceSender().start(...given);
  };
  await using trials = await openTrials({ ...referenceSender(), start }, { vocabulary, tell() {} });
  const scenario = (await shippedScenarios()).find(({ id }) => id === SCENARIO)!;
  expect((await trials.run(scenario)).verdict.grade).toBe('pass');
  expect(started).toBe(2);
});
