/**
 * A sample of the oracle's self-test, as part of every test run (the reference sender without fault
 * or temperament is reference.test.ts's): each scenario of the profile smoke is tried under one
 * lawful temperament, and each fault is caught as it is pinned, every other one under a temperament.
 * `npm run mutants` is the whole of it.
 */

import { beforeAll, expect, test } from 'vitest';
import { readSmoke } from '../../harness/commands/profile.ts';
import type { Scenario } from '../../harness/model/scenario.ts';
import { FAULTS, TEMPERAMENTS } from '../../harness/senders/reference/index.ts';
import { EXCUSED } from './excused.ts';
import { resultOf } from './farm.ts';
import { isAsPinned, readPins, traitsOf, unpinned } from './pins.ts';
import { shippedScenarios, tell, tryCourses } from './try.ts';

/** A machine that is busy with other things takes many times as long. */
const PATIENT_MS = 900_000;

const pins = readPins();
const faults = Object.keys(FAULTS);
const temperaments = Object.keys(TEMPERAMENTS);
let scenarios: readonly Scenario[];
beforeAll(async () => {
  scenarios = await shippedScenarios();
});

test(
  'no lawful temperament is failed',
  async () => {
    const smoke = readSmoke();
    const courses = temperaments.map((traits, nth) => ({
      traits,
      scenarios: scenarios.filter(({ id }) => smoke.indexOf(id) % temperaments.length === nth),
    }));
    const verdicts = (await tryCourses(courses)).flat().map(({ verdict }) => verdict);
    expect(verdicts.length).toBe(smoke.length);
    const wrong = verdicts.filter(({ grade }) => grade === 'fail' || grade === 'inconclusive');
    expect(wrong.map(tell)).toEqual([]);
  },
  PATIENT_MS,
);

test('every fault has its pins, and every scenario: else npm run mutants -- --write', () => {
  expect(unpinned(pins, scenarios)).toEqual([]);
  const named = Object.values(EXCUSED).flatMap((own) => own.flatMap(({ faults }) => faults));
  expect(named.filter((fault) => !faults.includes(fault))).toEqual([]);
  expect(Object.keys(EXCUSED).filter((one) => !temperaments.includes(one))).toEqual([]);
});

test(
  'each fault is caught as it is pinned: else npm run mutants tells all',
  async () => {
    const chosen = faults.flatMap((fault, nth) => {
      const own = pins.filter((pin) => pin.fault === fault);
      const under = own.flatMap((pin) => pin.under);
      const tempered = under.filter((one) => one !== '');
      const isAlone = under.includes('') && (nth % 2 === 0 || tempered.length === 0);
      const temperament = isAlone ? '' : tempered[nth % tempered.length]!;
      const pin = own.find((one) => one.under.includes(temperament));
      // One that is found only after two minutes is left to the whole of it.
      return pin && fault !== 'no-fetch-time-out' ? [{ pin, temperament }] : [];
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
    expect(chosen.length).toBe(faults.length - 1);
  },
  PATIENT_MS,
);

test(
  'to keep to the cache does not hide that nothing is checked at the policy host',
  async () => {
    const careless = [
      'accepts-any-policy-host-certificate',
      'follows-redirects',
      'accepts-any-status',
      'ignores-content-type',
    ];
    const [sound, bad] = await tryCourses(
      [['keeps-to-cache'], [...careless, 'keeps-to-cache']].map((traits) => ({
        traits: traits.join('+'),
        scenarios: scenarios.filter(({ id }) => /^policy-host\/.*-at-first-contact/.test(id)),
      })),
    );
    const failed = (results: typeof sound) =>
      results!
        .filter(({ verdict }) => verdict.grade === 'fail')
        .map(({ verdict }) => verdict.scenario);
    expect(failed(sound)).toEqual([]);
    expect(failed(bad).length).toBeGreaterThanOrEqual(30);
  },
  PATIENT_MS,
);
