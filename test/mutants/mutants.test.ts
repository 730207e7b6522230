/**
 * The oracle's self-test, as part of every test run: the reference passes everything, and each
 * catch kept in mutants.json still catches. `npm run mutants -- --write` makes that file from the
 * whole table.
 */

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Scenario } from '../harness/model/scenario.ts';
import type { Verdict } from '../harness/model/verdict.ts';
import { FAULTS, type FaultName } from '../harness/senders/reference/faults.ts';
import { type Catch, isCaught, KEPT, shippedScenarios, tryReference } from './mutants.ts';

const kept: readonly Catch[] = JSON.parse(readFileSync(KEPT, 'utf8'));
let scenarios: readonly Scenario[];
beforeAll(async () => {
  scenarios = await shippedScenarios();
});

test('the reference sender passes every scenario', async () => {
  const verdicts = await tryReference(scenarios);
  expect(verdicts.length).toBe(scenarios.length);
  expect(verdicts.filter((verdict) => verdict.grade !== 'pass').map(tell)).toEqual([]);
});

test('every scenario is kept with a fault that it catches, and every fault with a scenario', () => {
  expect(
    scenarios
      .map((scenario) => scenario.id)
      .filter((id) => !kept.some((one) => one.scenario === id)),
  ).toEqual([]);
  expect(Object.keys(FAULTS).filter((fault) => !kept.some((one) => one.fault === fault))).toEqual(
    [],
  );
});

describe('each fault is caught', () => {
  test.each(Object.keys(FAULTS))('%s', async (fault) => {
    const ids = kept.filter((one) => one.fault === fault).map((one) => one.scenario);
    const verdicts = await tryReference(
      scenarios.filter((scenario) => ids.includes(scenario.id)),
      fault as FaultName,
    );
    expect(verdicts.length).toBe(ids.length);
    expect(verdicts.filter((verdict) => !isCaught(verdict.grade)).map(tell)).toEqual([]);
  });
});

const tell = ({ scenario, grade, findings }: Verdict) =>
  `${scenario} ${grade}: ${findings.map((one) => `${one.grade} ${one.actual}`).join(' · ')}`;
