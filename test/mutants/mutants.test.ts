/**
 * A sample of the oracle's self-test, as part of every test run: the reference passes everything,
 * each scenario is tried under one lawful temperament, and each fault is caught as it is pinned,
 * alone and under one temperament. `npm run mutants` is the whole of it.
 */

import { beforeAll, expect, test } from 'vitest';
import type { Scenario } from '../../harness/model/scenario.ts';
import { FAULTS, TEMPERAMENTS } from '../../harness/senders/reference/index.ts';
import { EXCUSED } from './excused.ts';
import { resultOf } from './farm.ts';
import { isAsPinned, readPins, traitsOf, unpinned } from './pins.ts';
import { shippedScenarios, tell, tryCourses } from './try.ts';

const pins = readPins();
const faults = Object.keys(FAULTS);
const temperaments = Object.keys(TEMPERAMENTS);
let scenarios: readonly Scenario[];
beforeAll(async () => {
  scenarios = await shippedScenarios();
});

test('the reference sender passes every scenario', async () => {
  const results = (await tryCourses([{ traits: '', scenarios }])).flat();
  expect(results.length).toBe(scenarios.length);
  const verdicts = results.map(({ verdict }) => verdict);
  expect(verdicts.filter(({ grade }) => grade !== 'pass').map(tell)).toEqual([]);
}, 240_000);

test('no lawful temperament is failed', async () => {
  const courses = temperaments.map((traits, nth) => ({
    traits,
    scenarios: scenarios.filter((_, index) => index % temperaments.length === nth),
  }));
  const verdicts = (await tryCourses(courses)).flat().map(({ verdict }) => verdict);
  expect(verdicts.length).toBe(scenarios.length);
  const wrong = verdicts.filter(({ grade }) => grade === 'fail' || grade === 'inconclusive');
  expect(wrong.map(tell)).toEqual([]);
}, 240_000);

test('every fault has its pins, and every scenario: else npm run mutants -- --write', () => {
  expect(unpinned(pins, scenarios)).toEqual([]);
  const named = Object.values(EXCUSED).flatMap((own) => own.flatMap(({ faults }) => faults));
  expect(named.filter((fault) => !faults.includes(fault))).toEqual([]);
  expect(Object.keys(EXCUSED).filter((one) => !temperaments.includes(one))).toEqual([]);
});

test('each fault is caught as it is pinned: else npm run mutants tells all', async () => {
  const chosen = faults.flatMap((fault, nth) => {
    const own = pins.filter((pin) => pin.fault === fault);
    const under = own.flatMap((pin) => pin.under);
    const other = under.filter((one) => one !== '')[nth % Math.max(1, under.length - 1)];
    return ['', ...(other ? [other] : [])].flatMap((temperament) => {
      const pin = own.find((one) => one.under.includes(temperament));
      // One that is found only after two minutes is left to the whole of it.
      return pin && fault !== 'no-fetch-time-out' ? [{ pin, temperament }] : [];
    });
  });
  const results = await tryCourses(
    chosen.map(({ pin, temperament }) => ({
      traits: traitsOf(pin.fault, temperament),
      scenarios: scenarios.filter(({ id }) => id === pin.scenario),
    })),
  );
  const wrong = chosen.flatMap(({ pin, temperament }, nth) => {
    const verdict = results[nth]![0]!.verdict;
    const result = resultOf(traitsOf(pin.fault, temperament), verdict);
    return isAsPinned(result, pin)
      ? []
      : [`${result.words}; pinned: ${pin.grade} (${pin.requirement})`];
  });
  expect(wrong).toEqual([]);
}, 240_000);

test('to keep to the cache does not hide that nothing is checked at the policy host', async () => {
  const careless = [
    'accepts-any-policy-host-certificate',
    'follows-redirects',
    'accepts-any-status',
    'ignores-content-type',
  ];
  const [sound, bad] = await tryCourses(
    [['keeps-to-cache'], [...careless, 'keeps-to-cache']].map((traits) => ({
      traits: traits.join('+'),
      scenarios: scenarios.filter(({ id }) => /^(cache|discovery|policy-)/.test(id)),
    })),
  );
  const failed = (results: typeof sound) =>
    results!
      .filter(({ verdict }) => verdict.grade === 'fail')
      .map(({ verdict }) => verdict.scenario);
  expect(failed(sound)).toEqual([]);
  expect(failed(bad).length).toBeGreaterThanOrEqual(15);
}, 240_000);
