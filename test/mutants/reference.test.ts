/**
 * The reference sender over the whole suite, in one run: it passes every scenario, and its passing
 * trials have the properties that every passing trial must have.
 */

import { beforeAll, expect, test } from 'vitest';
import type { TrialResult } from '../../harness/model/reporter.ts';
import type { Scenario } from '../../harness/model/scenario.ts';
import { deepFreeze } from '../evidence.ts';
import { breachesOfProperties } from '../forgeries/properties.ts';
import { isForReference } from './pins.ts';
import { shippedScenarios, tell, tryCourses } from './try.ts';

/** A machine that is busy with other things takes many times as long. */
const PATIENT_MS = 900_000;

let scenarios: readonly Scenario[];
let results: readonly TrialResult[];
beforeAll(async () => {
  scenarios = await shippedScenarios();
  results = (await tryCourses([{ traits: '', scenarios }])).flat();
}, PATIENT_MS);

const isPass = ({ verdict }: TrialResult) => verdict.grade === 'pass';

test('the reference sender passes every scenario that it can be tried with', () => {
  expect(results.length).toBe(scenarios.length);
  const tried = results.filter(({ trial }) => isForReference(trial.scenario));
  const others = scenarios.filter((scenario) => !isForReference(scenario));
  expect(others.map(({ id }) => id)).toEqual(['dnssec/ad-claimed']);
  const notPassed = tried.filter((result) => !isPass(result));
  expect(notPassed.map(({ verdict }) => tell(verdict))).toEqual([]);
});

test(
  'a passing trial is a whole one, and nothing that harms can be added to it',
  () => {
    const passing = results.filter(isPass).map(({ trial }) => deepFreeze(trial));
    expect(passing).not.toEqual([]);
    const breaches = passing.flatMap((trial, index) => {
      const other = passing[(index + 1) % passing.length]!;
      return breachesOfProperties(trial, other).map((one) => `${trial.scenario.id}: ${one}`);
    });
    expect(breaches).toEqual([]);
  },
  PATIENT_MS,
);
