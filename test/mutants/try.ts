/**
 * Trying senders of other faults and temperaments: the reference sender with these traits, over
 * shipped scenarios, all in one lab.
 */

import { fileURLToPath } from 'node:url';
import { createPace, inParallel } from '../../harness/concurrency/limit.ts';
import { startLab } from '../../harness/lab/lab.ts';
import type { TrialResult } from '../../harness/model/reporter.ts';
import type { Scenario } from '../../harness/model/scenario.ts';
import type { Verdict } from '../../harness/model/verdict.ts';
import { loadScenarios } from '../../harness/scenario/load.ts';
import { FAULTS, parseTraits, referenceSender } from '../../harness/senders/reference/index.ts';
import { loadVocabulary } from '../../harness/vocabulary.ts';
import { resultsOf } from '../suite.ts';

/** A sender, and the scenarios to try it with. */
export interface Course {
  /** `follows-redirects+keeps-to-cache`; empty: the reference as it is. */
  readonly traits: string;
  readonly scenarios: readonly Scenario[];
}

const SCENARIOS = fileURLToPath(new URL('../../scenarios', import.meta.url));
/** How many trials at once, of how many senders: more are no sooner over, and make a slow lab. */
const JOBS = 24;
const SENDERS = 16;

/**
 * A message that a fault loses is not waited for as long as a slow mail server would be, and a
 * queue is asked for sooner; but no sooner than a path that holds a reply back lets it go.
 */
const BOUNDS = { settleMs: 8000, quietMs: 3500 };
/** Some never fetch: no temperament that goes with faults puts a fetch off. */
const BOUNDS_OF_FAULTS = { ...BOUNDS, fetchMs: 3000, lookMs: 3000, noticeMs: 5000 };

let shipped: Promise<readonly Scenario[]> | undefined;

/** Read once: reading them takes longer than most files of tests. */
export function shippedScenarios(): Promise<readonly Scenario[]> {
  shipped ??= readShipped();
  return shipped;
}

async function readShipped(): Promise<readonly Scenario[]> {
  const { scenarios, problems } = await loadScenarios(
    [SCENARIOS],
    SCENARIOS,
    await loadVocabulary(),
  );
  if (problems.length > 0)
    throw new Error(
      `the shipped scenarios have ${problems.length} problems: run npm run holdfast -- lint scenarios`,
    );
  return scenarios;
}

/** The results of each course, in the order of the courses. */
export async function tryCourses(courses: readonly Course[]): Promise<TrialResult[][]> {
  await using lab = await startLab();
  const vocabulary = await loadVocabulary();
  const results: TrialResult[][] = courses.map(() => []);
  const pace = createPace(JOBS);
  await inParallel([...courses.entries()], SENDERS, async ([index, { traits, scenarios }]) => {
    const senders = [referenceSender({ traits: traits === '' ? [] : parseTraits(traits) })];
    const isFaulty = traits.split('+').some((trait) => trait in FAULTS);
    const bounds = isFaulty ? BOUNDS_OF_FAULTS : BOUNDS;
    results[index] = await resultsOf({
      ...{ lab, vocabulary, senders, scenarios },
      ...{ jobs: JOBS, pace, bounds },
    });
  });
  return results;
}

/** A verdict in a line, for the message of a test that fails. */
export function tell({ sender, scenario, grade, findings, remarks }: Verdict): string {
  const worst = findings.filter((finding) => finding.grade === grade);
  const words = worst.map(({ actual, requirement }) => `${actual} (${requirement})`);
  return `${sender} ${scenario} ${grade}: ${(words.length > 0 ? words : remarks).join(' · ')}`;
}
