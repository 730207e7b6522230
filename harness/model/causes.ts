/**
 * Causes: findings that say the same of one sender, told once. Names, addresses, tokens, numbers and
 * the sender's own words are taken out of what was seen, and what is left is compared.
 */

import type { Result, Shown } from './reporter.ts';
import type { Finding, Verdict } from './verdict.ts';

export interface Cause {
  readonly sender: string;
  readonly shown: Shown;
  readonly requirement: string;
  /** What was seen, in words in which only this cause is told. */
  readonly seen: string;
  readonly example: { readonly scenario: string; readonly finding: Finding };
  /** Ids, each once, in the order of the results. */
  readonly scenarios: readonly string[];
}

/** Worst first. */
const TOLD: readonly Shown[] = ['fail', 'inconclusive', 'warn', 'known'];

/** The worst first, and of one grade what has most scenarios. */
export function causesOf(results: readonly Pick<Result, 'verdict' | 'known'>[]): Cause[] {
  const found = new Map<string, Cause & { scenarios: string[] }>();
  for (const { verdict, known } of results)
    for (const finding of verdict.findings) {
      const shown = shownOf(finding, { verdict, known });
      // What a failure left undecided is no cause of its own.
      const isBeside = shown === 'inconclusive' && verdict.grade !== 'inconclusive';
      if (!TOLD.includes(shown) || isBeside || followsOn(verdict, finding)) continue;
      const key = causeKey(verdict, finding, shown);
      const cause = found.get(key);
      if (!cause) found.set(key, startCause(verdict, finding, shown));
      else if (cause.scenarios.at(-1) !== verdict.scenario) cause.scenarios.push(verdict.scenario);
    }
  return [...found.values()].sort(
    (a, b) =>
      TOLD.indexOf(a.shown) - TOLD.indexOf(b.shown) || b.scenarios.length - a.scenarios.length,
  );
}

/** Steps that were not run, as another went wrong: that one is the cause. */
function followsOn({ findings }: Verdict, { actual }: Finding): boolean {
  return (
    actual === NOT_RUN && findings.some((one) => one.grade !== 'pass' && one.actual !== NOT_RUN)
  );
}

const NOT_RUN = 'an earlier step went wrong';

/**
 * Of a verdict that is known, the findings that fail are. One that is inconclusive decides nothing,
 * whatever its findings say: the lab was too slow for them.
 */
export function shownOf(
  { grade }: Pick<Finding, 'grade'>,
  { verdict, known }: Pick<Result, 'verdict' | 'known'>,
): Shown {
  if (verdict.grade === 'inconclusive' && (grade === 'fail' || grade === 'warn'))
    return 'inconclusive';
  return grade === 'fail' && known ? 'known' : grade;
}

/** The same for findings of one cause. */
export function causeKey(
  { sender }: Pick<Verdict, 'sender'>,
  { requirement, actual }: Pick<Finding, 'requirement' | 'actual'>,
  shown: Shown,
): string {
  return [sender, shown, requirement, seenAs(actual)].join('\0');
}

function startCause(verdict: Verdict, finding: Finding, shown: Shown) {
  return {
    sender: verdict.sender,
    shown,
    requirement: finding.requirement,
    seen: seenAs(finding.actual),
    example: { scenario: verdict.scenario, finding },
    scenarios: [verdict.scenario],
  };
}

/** What was seen, without what differs from run to run and from name to name. */
export function seenAs(actual: string): string {
  return (
    actual
      .replace(/\b(deferred|bounced|delivered|crashed): .*/s, '$1')
      .replace(/\bhf[0-9a-f]{12}\b/g, 'TOKEN')
      // Begins where a name can: a sender's words may be long, and are gone through once.
      .replace(/(?<![\w*.-])(?:[\w*-]+\.)+test\b/gi, 'NAME')
      .replace(/\b\d+(\.\d+)*\b/g, 'N')
  );
}
