/**
 * The report (RFC 8460 §4): what became of a day's sessions, policy by policy.
 */

import { randomUUID } from 'node:crypto';
import { domainToUnicode } from 'node:url';
import { SENDER_DOMAIN } from '../../model/plan.ts';
import { printable } from '../../protocol/printable.ts';
import type { FailureDetails, ReportedPolicy, TlsReport } from '../../protocol/tlsrpt-report.ts';
import type { Setting } from './setting.ts';
import type { Applied, Failure, Period, Tally } from './tlsrpt.ts';
import type { Is } from './traits.ts';

/** All sessions leave from here. */
const SENDING_MTA_IP = '127.0.0.1';

export function reportOf(
  domain: string,
  { since, tallies }: Period,
  { clock, is }: Setting,
): TlsReport {
  // §4.1: whole UTC days.
  const dayMs = 24 * 60 * 60 * 1000;
  const day = (time: number) =>
    new Date(is('reports-of-yesterday') ? time - dayMs : time).toISOString().slice(0, 10);
  return {
    'organization-name': 'Holdfast reference sender',
    'date-range': {
      'start-datetime': `${day(since)}T00:00:00Z`,
      'end-datetime': `${day(clock.now())}T23:59:59Z`,
    },
    'contact-info': `postmaster@${SENDER_DOMAIN}`,
    'report-id': `${is('reports-under-one-id') ? 'report' : randomUUID()}@${SENDER_DOMAIN}`,
    policies: [...tallies.values()].map((tally) => policyEntry(domain, tally, is)),
  };
}

function policyEntry(
  domain: string,
  { successes, failures, details, ...applied }: Tally,
  is: Is,
): ReportedPolicy {
  return {
    policy: appliedPolicy(domain, applied, is),
    summary: {
      'total-successful-session-count': is('reports-no-successes') ? 0 : successes,
      'total-failure-session-count': failures,
    },
    // §4.3: failures of different kinds stand apart, each with its own count.
    'failure-details': [...details.values()].map(
      ({ session, failure, count }): FailureDetails => ({
        'result-type': typeOf(failure, is),
        'sending-mta-ip': SENDING_MTA_IP,
        'receiving-mx-hostname': session.host,
        'receiving-ip': is('reports-another-mx-address') ? SENDING_MTA_IP : session.address,
        'failed-session-count': is('reports-wrong-count') ? count + 1 : count,
        'failure-reason-code': reasonOf(failure, is),
      }),
    ),
  };
}

/** §4.3 */
function typeOf({ type, why }: Failure, is: Is): string {
  if (is('reports-wrong-type')) return 'dane-required';
  if (is('reports-bad-tlsa-as-web-pki') && type === 'tlsa-invalid')
    return 'certificate-not-trusted';
  if (is('reports-failed-lookups-as-no-starttls') && type === 'dnssec-invalid')
    return 'starttls-not-supported';
  return is('reports-handshakes-as-no-starttls') && why.startsWith('STARTTLS failed')
    ? 'starttls-not-supported'
    : type;
}

/** §4.3.1, §4.3.3: what the type does not tell. */
function reasonOf({ reason, why }: Failure, is: Is): string | undefined {
  return is('reports-no-reasons') ? undefined : printable(reason ?? why);
}

/** §4.4, §4.5: the policy as the sessions were held to it. */
function appliedPolicy(
  domain: string,
  { policy, dane }: Applied,
  is: Is,
): ReportedPolicy['policy'] {
  // §1.1: of DANE, the policy domain is the TLSA base domain.
  if (dane)
    return {
      'policy-type': 'tlsa',
      'policy-string': is('reports-tlsa-in-groups')
        ? dane.published.map((record) => record.replace(/[0-9a-f]{8}(?=.)/g, '$& '))
        : dane.published,
      'policy-domain': dane.base,
    };
  if (policy)
    return {
      'policy-type': 'sts',
      'policy-string': policy.lines,
      'policy-domain': domain,
      'mx-host': policy.policy.mx,
    };
  return {
    'policy-type': 'no-policy-found',
    'policy-domain': is('reports-u-labels') ? domainToUnicode(domain) : domain,
  };
}

/** The faults in how a report is written down. */
export function asWritten(report: TlsReport, lines: readonly string[] | undefined, is: Is): object {
  const {
    policies,
    'date-range': range,
    'contact-info': contact,
    'report-id': id,
    ...rest
  } = report;
  const written = policies.map((entry) => ({
    ...entry,
    policy: {
      ...entry.policy,
      ...(lines && { 'policy-string': lines }),
      ...(is('reports-other-policy-types') && { 'policy-type': 'mta-sts' }),
      ...(is('reports-policy-as-text') && {
        'policy-string': entry.policy['policy-string']?.join('\n'),
      }),
      ...(is('reports-mx-as-text') && { 'mx-host': entry.policy['mx-host']?.[0] }),
    },
    summary: is('reports-counts-as-text') ? inText(entry.summary) : entry.summary,
    'failure-details': entry['failure-details']?.map((details) => ({
      ...details,
      ...(is('reports-no-sending-ip') && { 'sending-mta-ip': undefined }),
      ...(is('reports-no-mx-name') && { 'receiving-mx-hostname': undefined }),
    })),
  }));
  const { 'start-datetime': start, 'end-datetime': end } = range;
  const bare = (date: string) => {
    if (is('reports-dates-as-numbers')) return Date.parse(date) / 1000;
    return is('reports-dates-without-offset') ? date.slice(0, -1) : date;
  };
  return {
    ...rest,
    'date-range': {
      'start-datetime': bare(start),
      'end-datetime': bare(is('reports-half-days') ? end.replace('T23:59:59', 'T12:00:00') : end),
    },
    'contact-info': is('reports-contact-as-uri') ? `mailto:${contact}` : contact,
    ...(!is('reports-without-an-id') && { 'report-id': id }),
    policies: is('reports-one-policy-alone') ? written[0] : written,
  };
}

const inText = (counts: object) =>
  Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)]));
