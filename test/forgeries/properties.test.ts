/** Properties of every passing trial: those of a run of the reference, and of senders beside it. */

import { expect, test } from 'vitest';
import { judge } from '../../harness/judge/judge.ts';
import { deepFreeze, expectations } from '../evidence.ts';
import { shippedScenarios, tryCourses } from '../mutants/try.ts';
import { breachesOfProperties } from './properties.ts';

test('a passing trial is a whole one, and nothing that harms can be added to it', async () => {
  const scenarios = await shippedScenarios();
  const results = (await tryCourses([{ traits: '', scenarios }])).flat();
  const passing = results
    .map(({ trial }) => deepFreeze(trial))
    .filter((trial) => judge(trial, expectations).grade === 'pass');
  expect(passing.length).toBe(scenarios.length);
  const breaches = passing.flatMap((trial, index) => {
    const other = passing[(index + 1) % passing.length]!;
    return breachesOfProperties(trial, other).map((one) => `${trial.scenario.id}: ${one}`);
  });
  expect(breaches).toEqual([]);
}, 240_000);
