/** Forgeries: real trials, something of their evidence changed, and the verdict they must get. */

import { beforeAll, describe, expect, test } from 'vitest';
import { judge } from '../../harness/judge/judge.ts';
import type { Trial } from '../../harness/model/verdict.ts';
import { deepFreeze, expectations } from '../evidence.ts';
import { shippedScenarios, tryCourses } from '../mutants/try.ts';
import { type Forgery, forge, readForgeries } from './forge.ts';

const forgeries = readForgeries();
const bases = new Map<string, Trial>();
const keyOf = ({ base, sender }: Pick<Forgery, 'base' | 'sender'>) => `${base} by ${sender}`;

beforeAll(async () => {
  const scenarios = await shippedScenarios();
  const bySender = [...Map.groupBy(forgeries, ({ sender }) => sender)];
  const results = await tryCourses(
    bySender.map(([traits, own]) => ({
      traits,
      scenarios: scenarios.filter(({ id }) => own.some(({ base }) => base === id)),
    })),
  );
  for (const [index, [sender]] of bySender.entries())
    for (const { trial } of results[index]!)
      bases.set(keyOf({ base: trial.scenario.id, sender }), deepFreeze(trial));
}, 120_000);

test('there are sixty at least', () => expect(forgeries.length).toBeGreaterThanOrEqual(60));

describe('a forgery', () => {
  test.each(forgeries.map((one) => [one.name, one] as const))('%s', (_name, forgery) => {
    const trial = bases.get(keyOf(forgery));
    expect(trial, `${forgery.base} is no shipped scenario`).toBeDefined();
    const verdict = judge(forge(trial!, forgery.change), expectations);
    const told = verdict.findings.map((one) => `${one.grade} ${one.expectation}: ${one.actual}`);
    expect(verdict.grade, told.join('\n')).toBe(forgery.verdict);
    const { expectation, requirement, actual } = forgery.finding ?? {};
    const fitting = verdict.findings.filter(
      (one) =>
        one.grade === verdict.grade &&
        (expectation ?? one.expectation) === one.expectation &&
        (requirement ?? one.requirement) === one.requirement &&
        one.actual.includes(actual ?? ''),
    );
    const cited = verdict.findings.map((one) => `${one.grade} ${one.requirement}: ${one.actual}`);
    if (forgery.finding) expect(fitting.length, cited.join('\n')).toBeGreaterThan(0);
    if (forgery.remark)
      expect(verdict.remarks).toContainEqual(expect.stringContaining(forgery.remark));
  });
});
