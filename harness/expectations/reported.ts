/**
 * RFC 8460 §4: a report for the domain says what went wrong, under the right policy, as often as it
 * did.
 */

import { z } from 'zod';
import type { StepView } from '../model/evidence.ts';
import { heldPolicy } from '../model/held-policy.ts';
import { ofKind, seqs } from '../model/traffic.ts';
import type { Expectation, Judgement } from '../model/verdict.ts';
import { POLICY_TYPES, RESULT_TYPES } from '../protocol/tlsrpt-report.ts';
import type { ReadPolicy } from '../tlsrpt/report.ts';
import { comparisons, isSamePolicy, type Row, rangeOf, rowsOf, tally } from './report-rows.ts';
import {
  type ReadReports,
  readReports,
  reportableSessions,
  SILENCE_BREAKS,
  silence,
} from './reports.ts';

const options = z.strictObject({
  type: z
    .enum([...RESULT_TYPES, 'failure', 'success'])
    .describe(
      'the result type of RFC 8460 §4.3, failure for any of them, or success for sessions without',
    ),
  policyType: z.enum(POLICY_TYPES).optional().describe('the policy the sessions were held to'),
  counted: z
    .boolean()
    .default(false)
    .describe('the count must equal the sessions that the path counted'),
  applied: z
    .boolean()
    .default(false)
    .describe('the policy in the report must be the one that the sessions were held to'),
});
type Options = z.output<typeof options>;

/** What asks for each. */
const ASKED_BY: Readonly<Record<Options['type'], string>> = {
  'starttls-not-supported': '8460-4.3-starttls',
  'certificate-host-mismatch': '8460-4.3-host-mismatch',
  'certificate-expired': '8460-4.3-expired',
  'certificate-not-trusted': '8460-4.3-not-trusted',
  'validation-failure': '8460-4.3-validation-failure',
  'tlsa-invalid': '8460-4.3-tlsa-invalid',
  'dnssec-invalid': '8460-4.3-dnssec-invalid',
  'dane-required': '8460-4.3-dane-required',
  'sts-policy-fetch-error': '8460-4.3-sts-fetch-error',
  'sts-policy-invalid': '8460-4.3-sts-invalid',
  'sts-webpki-invalid': '8460-4.3-sts-webpki',
  failure: '8460-4.2.2-failure-count',
  success: '8460-4.2.1-success-count',
};

export const expectation: Expectation<Options> = {
  summary: 'a TLSRPT report has this result type',
  options,
  shorthand: 'type',
  example: '- reported: { type: starttls-not-supported, policyType: sts }',
  requirement: '8460-4.2.2-failure-count',
  awaits: ['reports'],
  cites: ({ type }) => [
    ASKED_BY[type],
    '8460-4.4-policy-string',
    '8460-4.4-required-fields',
    '8460-4.4-mx-hostname',
    '8460-4.2.2-failure-count',
    ...SILENCE_BREAKS,
  ],
  describe: ({ type, policyType, counted }) =>
    `reported as ${type}${policyType ? ` under ${policyType}` : ''}${counted ? ', counted right' : ''}`,
  judge(view, wanted) {
    const read = readReports(view);
    const silent = silence(view, read);
    if (silent) return silent;
    const because = seqs(read.received);
    const unmet = { status: 'unmet', because } as const;
    if (read.policies.length === 0 && read.problems.length > 0)
      return {
        ...unmet,
        actual: `a report that cannot be read: ${read.problems[0]}`,
        requirement: '8460-4.4-required-fields',
      };
    if (read.policies.length === 0)
      return {
        ...unmet,
        actual: 'a report, but none of this domain',
        requirement: '8460-4.4-required-fields',
        isMinor: true,
      };
    const rows = rowsOf(view, read);
    return { ...judgeCounts(view, wanted, read, rows), because, compared: comparisons(rows) };
  },
};

function judgeCounts(
  view: StepView,
  { type, policyType, counted, applied }: Options,
  { policies }: ReadReports,
  rows: readonly Row[],
): Omit<Judgement, 'because'> {
  const unmet = { status: 'unmet' } as const;
  // A report came, so that the record was read and the way was found: no MUST asks for its counts.
  const untold = { ...unmet, isMinor: true, insteadOfMust: ASKED_BY[type] };
  const fitting = policies.filter((one) => policyType === undefined || one.type === policyType);
  const count = tally(fitting, (one) => countOf(one, type));
  if (count === 0) return { ...untold, actual: `reported ${summarise(policies)}` };
  const strange = rows.find(({ untruth }) => untruth?.requirement === '8460-4.4-mx-hostname');
  if (strange?.untruth) return { ...unmet, ...strange.untruth };
  const other = applied
    ? fitting.find((one) => countOf(one, type) > 0 && !isApplied(view, one))
    : undefined;
  if (other)
    return {
      ...unmet,
      actual: 'reported under another policy than the one that applied',
      requirement: '8460-4.4-policy-string',
    };
  const wrong = policies.find((one) => !isTotalRight(one));
  if (wrong)
    return {
      ...unmet,
      actual: `a total of ${wrong.failed} failures, which its details do not come to`,
      requirement: '8460-4.2.2-failure-count',
    };
  const isGood = type === 'success';
  // A day's report may hold what an earlier one of that day has told already.
  const seen = [view.now, view.history].map((span) => rangeOf(view, span, isGood));
  // Under TLSA records and a policy there may be the same sessions, or others.
  const counts = [count, sum(fitting.map((one) => countOf(one, type)))];
  const isRight = seen.some(([least, most]) => counts.some((n) => least <= n && n <= most));
  if (counted && !isRight)
    return { ...untold, actual: `reported ${count} × ${type}, the path counted ${seen[0]![1]}` };
  return { status: 'met', actual: `reported ${count} × ${type}` };
}

/**
 * RFC 8460 §4.4: the policy that was applied, which need not be the one that is served, to any of the
 * sessions in which the sender has said EHLO. It may look for it once it has connected.
 */
function isApplied(view: StepView, { lines }: ReadPolicy): boolean {
  const sessions = reportableSessions(view.now).filter(({ seen }) =>
    ofKind(seen, 'smtp-command').some(({ verb }) => verb === 'EHLO' || verb === 'HELO'),
  );
  const when =
    sessions.length > 0
      ? sessions.flatMap(({ opened, seen }) => [opened, seen.at(-1) ?? opened])
      : view.now.slice(-1);
  return when.some((at) => {
    const held = heldPolicy(view.history, view.domains[0]!, at);
    return isSamePolicy(held?.fetch.body ?? '', lines);
  });
}

function countOf({ succeeded = 0, failures }: ReadPolicy, type: string): number {
  if (type === 'success') return succeeded;
  const isOf = (one: string | undefined) => type === 'failure' || one === type;
  return sum(failures.filter((one) => isOf(one.type)).map(({ sessions = 0 }) => sessions));
}

/** RFC 8460 §4.4: types may overlap, so that the details can come to more than the total. */
function isTotalRight({ failed, failures }: ReadPolicy): boolean {
  const counts = failures.map(({ sessions = 0 }) => sessions);
  return failed === undefined || (failed >= Math.max(0, ...counts) && failed <= sum(counts));
}

function summarise(policies: readonly ReadPolicy[]): string {
  const types = policies.flatMap(({ failures }) =>
    failures.map(({ type, sessions }) => `${sessions} × ${type}`),
  );
  return types.length > 0 ? types.join(', ') : 'no failure';
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);
