/** A trial whose lab was slow is run once more, and only that one is told. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '../../harness/lab/lab.ts';
import { opportunisticSender } from '../../harness/senders/opportunistic.ts';
import { vocabulary } from '../evidence.ts';
import { shippedScenarios } from '../mutants/try.ts';
import { resultsOf } from '../suite.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** The grade of each result and how often a trial began, in a lab that is slow so many times. */
async function runIn(slowTimes: number) {
  let measured = 0;
  const slowness = async () => ({
    eventLoopDelayMs: measured++ < slowTimes ? 9000 : 0,
    slowestAnswerMs: 0,
  });
  let begun = 0;
  const scenarios = (await shippedScenarios()).filter(({ id }) => /^tls\/sni/.test(id));
  expect(scenarios).toHaveLength(1);
  const results = await resultsOf({
    lab: { ...lab, slowness },
    vocabulary,
    senders: [{ ...opportunisticSender(), capabilities: ['mta-sts', 'queue'] }],
    scenarios,
    jobs: 2,
    onTrialStart: () => void begun++,
  });
  return { grades: results.map(({ verdict }) => verdict.grade), begun };
}

test('slow once: its second trial counts', async () => {
  const { grades, begun } = await runIn(1);
  expect({ told: grades.length, begun }).toEqual({ told: 1, begun: 2 });
  expect(grades[0]).not.toBe('inconclusive');
});

test('slow twice: inconclusive, and not tried for ever', async () => {
  expect(await runIn(99)).toEqual({ grades: ['inconclusive'], begun: 2 });
});

test('not slow: run once', async () => {
  expect((await runIn(0)).begun).toBe(1);
});
