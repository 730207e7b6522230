/**
 * Undecided: verdicts that are inconclusive, where no finding says why: the lab was too slow, for
 * example. They have no cause (model/causes.ts), and are told with their remark. Not a reporter.
 */

import { causesOf, seenAs } from '../model/causes.ts';
import type { Result } from '../model/reporter.ts';

export interface Undecided {
  readonly sender: string;
  /** Of the first of them. */
  readonly remark: string;
  readonly scenarios: readonly string[];
}

/** Those of one sender with the same remark together, but for its numbers. */
export function undecidedOf(results: readonly Result[]): Undecided[] {
  const own = results.filter(
    (result) => result.verdict.grade === 'inconclusive' && causesOf([result]).length === 0,
  );
  const alike = Map.groupBy(
    own,
    ({ verdict }) => `${verdict.sender}\0${seenAs(verdict.remarks[0] ?? '')}`,
  );
  return [...alike.values()].map((same) => ({
    sender: same[0]!.verdict.sender,
    remark: same[0]!.verdict.remarks[0] ?? 'nothing is decided',
    scenarios: same.map(({ verdict }) => verdict.scenario),
  }));
}
