/**
 * Reports that were taken, and told again all the same (RFC 8460 §5.4), and what else may look like
 * that. No expectation itself.
 */

import type { StepView } from '../model/evidence.ts';
import type { Observation } from '../model/observation.ts';
import { ofKind, type Seen } from '../model/traffic.ts';
import type { ReadPolicy } from '../tlsrpt/report.ts';
import { wantedPlaces } from './report-places.ts';
import { rangeOf, tally } from './report-rows.ts';
import { distinct, ownPolicies, readReport } from './reports.ts';

/** Taken with another 2xx than 200, and sent again in the same step, to no other place. */
export function sentAgainAtOnce(view: StepView): readonly Seen<'report-received'>[] | undefined {
  const places = wantedPlaces(view);
  if (places === undefined) return undefined;
  const posted = ofKind(view.history, 'report-received').filter(
    ({ report, status }) => report !== undefined && status !== undefined,
  );
  const alike = Map.groupBy(posted, ({ step, report }) => JSON.stringify([step, report]));
  const again = [...alike.values()].filter((reports) => reports.length > places.length);
  // One that sends all of them again does it for no answer.
  if (again.some((reports) => reports.every(({ status }) => status === 200))) return undefined;
  return again.find((reports) => reports.every(({ status = 0 }) => status > 200 && status < 300));
}

/**
 * Why a failure of before may be told by a sender that sends nothing again which was taken; undefined:
 * it is. `span`: the history, without what was not used.
 */
export function whyPerhapsLawful(view: StepView, span: readonly Observation[]): string | undefined {
  const days = takenSteps(view);
  const isMore = (countOf: CountOf, isGood: boolean) =>
    sum(days.map(({ policies }) => tally(policies, countOf))) > rangeOf(view, span, isGood)[1];
  // Else it was told late, and once.
  if (!isMore(failedIn, false) && !isMore(succeededIn, true))
    return 'which may not have been told before';
  return beginsAnew(days) ? undefined : 'as by a sender that tells the day so far each time';
}

/** What the reports of one step tell. */
interface Told {
  readonly policies: readonly ReadPolicy[];
  readonly day: string;
  /** Nobody can have taken them for refused. */
  readonly isDone: boolean;
}

function takenSteps(view: StepView): Told[] {
  const taken = ofKind(view.history, 'report-received').filter(
    ({ status = 200 }) => status >= 200 && status < 300,
  );
  return [...Map.groupBy(taken, ({ step }) => step).values()].map((received) => {
    const reports = distinct(received.map(readReport));
    return {
      policies: ownPolicies(view, reports),
      day: reports.map(({ from }) => from).join(),
      isDone: received.every(({ status, mail }) => status === 200 || mail !== undefined),
    };
  });
}

/** One that tells the day so far never tells less of it than it has told. */
function beginsAnew(steps: readonly Told[]): boolean {
  const isLess = (one: Told, than: Told) =>
    [failedIn, succeededIn].some((of) => tally(one.policies, of) < tally(than.policies, of));
  return steps.some(
    (early, nth) =>
      early.isDone &&
      steps.slice(nth + 1).some((late) => late.day === early.day && isLess(late, early)),
  );
}

type CountOf = (policy: ReadPolicy) => number;
const failedIn: CountOf = ({ failed = 0 }) => failed;
const succeededIn: CountOf = ({ succeeded = 0 }) => succeeded;
const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);
