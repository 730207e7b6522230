/**
 * RFC 8460 §4: a report for the domain says what went wrong, under the right policy, as often as it
 * did.
 */

import { z } from 'zod';
import { isSenderMx, ofKind, type StepView, seqs, sessionsOf } from '../model/evidence.ts';
import { VICTIM } from '../model/plan.ts';
import type { Expectation } from '../model/verdict.ts';
import { isPermittedMx } from '../protocol/mx-match.ts';
import {
  POLICY_TYPES,
  parseTlsReport,
  RESULT_TYPES,
  type ReportedPolicy,
} from '../protocol/tlsrpt-report.ts';

const options = z.strictObject({
  type: z
    .enum([...RESULT_TYPES, 'success'])
    .describe('the result type of RFC 8460 §4.3, or success for sessions without failure'),
  policyType: z.enum(POLICY_TYPES).optional().describe('the policy the sessions were held to'),
  counted: z
    .boolean()
    .default(false)
    .describe('the count must equal the sessions that the path counted'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'a TLSRPT report has this result type',
  options,
  shorthand: 'type',
  requirement: '8460-4.2.2-failure-count',
  wantsReports: true,
  describe: ({ type, policyType, counted }) =>
    `reported as ${type}${policyType ? ` under ${policyType}` : ''}${counted ? ', counted right' : ''}`,
  judge(view, { type, policyType, counted }) {
    if (!view.trial.sender.capabilities.includes('tlsrpt'))
      return { status: 'unsupported', actual: 'the sender declares no TLSRPT', because: [] };
    const received = ofKind(view.history, 'report-received');
    const because = seqs(received);
    const policies = received
      .flatMap((seen) => policiesOf(seen.report))
      .filter((one) => isAbout(view, one));
    const asked = ofKind(view.now, 'reports-asked-for').length > 0;
    if (policies.length === 0 && !asked)
      return { status: 'undecided', actual: 'no report was asked for', because };
    if (policies.length === 0)
      return {
        status: 'unmet',
        actual: received.length > 0 ? 'a report, but none of this domain' : 'no report',
        because,
      };
    const fitting = policies.filter(
      (one) => policyType === undefined || one.policy['policy-type'] === policyType,
    );
    const count = sum(fitting.map((one) => countOf(one, type)));
    if (count === 0) return { status: 'unmet', actual: `reported ${summarise(policies)}`, because };
    const seen = sessionCount(view, type === 'success');
    if (counted && count !== seen)
      return {
        status: 'unmet',
        actual: `reported ${count} × ${type}, the path counted ${seen}`,
        because,
      };
    return { status: 'met', actual: `reported ${count} × ${type}`, because };
  },
};

function policiesOf(report: unknown): readonly ReportedPolicy[] {
  const parsed = parseTlsReport(report);
  return parsed.ok ? parsed.value.policies : [];
}

function isAbout(view: StepView, { policy }: ReportedPolicy): boolean {
  return policy['policy-domain']?.toLowerCase() === view.qualified(VICTIM).toLowerCase();
}

function countOf(
  { summary, 'failure-details': details = [] }: ReportedPolicy,
  type: string,
): number {
  if (type === 'success') return summary['total-successful-session-count'];
  return sum(
    details.filter((one) => one['result-type'] === type).map((one) => one['failed-session-count']),
  );
}

/**
 * RFC 8460 §4.2: a session is one connection to an MX; it is good when TLS identified a host that
 * the policy permits.
 */
function sessionCount(view: StepView, good: boolean): number {
  return sessionsOf(view.history).filter(({ mx, handshake }) => {
    const isGood =
      handshake?.result === 'completed' &&
      handshake.authenticated &&
      isPermittedMx(view.permittedMx, mx);
    return !isSenderMx(mx) && isGood === good;
  }).length;
}

function summarise(policies: readonly ReportedPolicy[]): string {
  const types = policies.flatMap((one) =>
    (one['failure-details'] ?? []).map(
      (detail) => `${detail['failed-session-count']} × ${detail['result-type']}`,
    ),
  );
  return types.length > 0 ? types.join(', ') : 'no failure';
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);
