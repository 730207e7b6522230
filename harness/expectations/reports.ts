/**
 * TLSRPT reports as expectations read them: those of this step about the scenario's domain, and
 * what is wrong with those that cannot be read. No expectation itself.
 */

import type { StepView } from '../model/evidence.ts';
import { VICTIM } from '../model/plan.ts';
import { ofKind, type Seen } from '../model/traffic.ts';
import { parseTlsReport, type ReportedPolicy, type TlsReport } from '../protocol/tlsrpt-report.ts';

export interface ReadReports {
  readonly received: readonly Seen<'report-received'>[];
  readonly reports: readonly TlsReport[];
  /** Policies of the scenario's domain in these reports. */
  readonly policies: readonly ReportedPolicy[];
  /** Why a report cannot be read. */
  readonly problems: readonly string[];
  /** The sender was asked for its reports in this step. */
  readonly asked: readonly Seen<'reports-asked-for'>[];
}

export function readReports(view: StepView): ReadReports {
  const received = ofKind(view.now, 'report-received');
  const parsed = received.map(({ report, problem }) =>
    problem === undefined ? parseTlsReport(report) : problem,
  );
  const reports = parsed.flatMap((one) => (typeof one !== 'string' && one.ok ? [one.value] : []));
  const domain = view.qualified(VICTIM).toLowerCase();
  return {
    received,
    reports,
    policies: reports
      .flatMap(({ policies }) => policies)
      .filter(({ policy }) => policy['policy-domain']?.toLowerCase() === domain),
    problems: parsed.flatMap((one) =>
      typeof one === 'string' ? [one] : one.ok ? [] : [one.violation.message],
    ),
    asked: ofKind(view.now, 'reports-asked-for'),
  };
}
