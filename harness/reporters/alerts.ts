/**
 * Alerts: what failed, warns or is known to fail, one by one, as tools that keep a list of alerts take
 * it (SARIF, GitLab's code quality). What is not decided is no alert. Not a reporter.
 *
 * An alert is the same one as long as its fingerprint is: the sender, the scenario, the step and what
 * was asked there. Words of the sender, its version, names of a run and line numbers are not in it.
 */

import { createHash } from 'node:crypto';
import { causeKey, causesOf, shownOf } from '../model/causes.ts';
import type { KnownFailure } from '../model/known.ts';
import type { RunSummary } from '../model/reporter.ts';
import type { Scenario } from '../model/scenario.ts';
import type { Finding, Verdict } from '../model/verdict.ts';

export interface Alert {
  readonly verdict: Verdict;
  readonly finding: Finding;
  readonly shown: 'fail' | 'warn' | 'known';
  /** Of a failure that is listed. */
  readonly known?: KnownFailure;
  /** Where the scenario stands, as `placeOf` gives it. */
  readonly place: string;
  /** 64 hexadecimal digits. */
  readonly fingerprint: string;
}

/** Cause after cause, the worst first (model/causes.ts); of several the same in one step, the first. */
export function alertsOf({ run, results }: RunSummary): Alert[] {
  const places = new Map(run.scenarios.map((scenario) => [scenario.id, placeOf(scenario)]));
  const order = new Map(
    causesOf(results).map((cause, index) => [
      causeKey(cause, cause.example.finding, cause.shown),
      index,
    ]),
  );
  const alerts = new Map<string, Alert & { readonly rank: number }>();
  for (const { verdict, known } of results)
    for (const finding of verdict.findings) {
      const shown = shownOf(finding, { verdict, known });
      if (shown !== 'fail' && shown !== 'warn' && shown !== 'known') continue;
      const rank = order.get(causeKey(verdict, finding, shown))!;
      const fingerprint = fingerprintOf(verdict, finding);
      const before = alerts.get(fingerprint);
      if (before && before.rank <= rank) continue;
      const place = places.get(verdict.scenario)!;
      alerts.set(fingerprint, {
        verdict,
        finding,
        shown,
        ...(shown === 'known' && { known }),
        place,
        fingerprint,
        rank,
      });
    }
  return [...alerts.values()].sort((a, b) => a.rank - b.rank);
}

function fingerprintOf({ sender, scenario }: Verdict, finding: Finding): string {
  const { step, expectation, requirement } = finding;
  return createHash('sha256')
    .update([sender, scenario, step, expectation, requirement].join('\0'))
    .digest('hex');
}

/** The scenario's file as a path of a repository: `scenarios/starttls/stripped.yaml`. */
export function placeOf({ file }: Pick<Scenario, 'file'>): string {
  return file.replaceAll('\\', '/').replace(/^(\.\/)+/, '');
}
