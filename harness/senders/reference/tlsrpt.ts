/**
 * TLSRPT (RFC 8460): counts TLS sessions by policy domain and applied policy, and on demand sends
 * the report to the domain's https rua. A report by mail would need DKIM; a domain that asks for
 * mail alone gets none.
 */

import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { within } from '../../concurrency/wait.ts';
import { SENDER_DOMAIN } from '../../model/plan.ts';
import { printable } from '../../protocol/printable.ts';
import { selectTlsrptRecord } from '../../protocol/tlsrpt-record.ts';
import type {
  FailureDetails,
  ReportedPolicy,
  ResultType,
  TlsReport,
} from '../../protocol/tlsrpt-report.ts';
import type { CachedPolicy } from './discovery.ts';
import { exchange } from './http.ts';
import { handshake } from './network.ts';
import type { Setting } from './setting.ts';
import type { Is } from './traits.ts';

/** A session, or an attempt that did not get so far. */
interface TlsSession {
  readonly domain: string;
  /** The policy applied; undefined: none. */
  readonly policy: CachedPolicy | undefined;
  readonly host?: string;
  /** The MX's address. */
  readonly address?: string;
}

export interface Failure {
  readonly type: ResultType;
  readonly why: string;
  /** RFC 8460 §4.4 failure-reason-code. */
  readonly reason?: string;
}

export interface SessionLog {
  succeeded(session: TlsSession): void;
  failed(session: TlsSession, failure: Failure): void;
}

export interface Reporting extends SessionLog {
  /** Sends one report for each of these domains that had sessions since its last report. */
  report(domains: readonly string[]): Promise<void>;
}

/** A log that nobody reads. */
export const NO_LOG: SessionLog = { succeeded: () => {}, failed: () => {} };

interface Tally {
  readonly policy: CachedPolicy | undefined;
  successes: number;
  failures: number;
  /** By what a reader of the report would tell apart. */
  readonly details: Map<
    string,
    { readonly session: TlsSession; readonly failure: Failure; count: number }
  >;
}

interface Period {
  readonly since: number;
  /** By policy id; of no policy: the empty string. */
  readonly tallies: Map<string, Tally>;
}

const ANSWER_LIMIT_BYTES = 64 * 1024;
/** All sessions leave from here. */
const SENDING_MTA_IP = '127.0.0.1';

export function createReporting(setting: Setting): Reporting {
  const { clock, dns, is } = setting;
  const periods = new Map<string, Period>();
  /** For a fault. */
  const firstLines = new Map<string, readonly string[]>();

  function tallyOf({ domain, policy }: TlsSession): Tally | undefined {
    // RFC 8461 §6: of a policy in mode none nothing is reported.
    if (policy?.policy.mode === 'none') return undefined;
    const period = periods.get(domain) ?? { since: clock.now(), tallies: new Map<string, Tally>() };
    periods.set(domain, period);
    if (policy && !firstLines.has(domain)) firstLines.set(domain, policy.lines);
    const id = policy?.id ?? '';
    const tally = period.tallies.get(id) ?? {
      policy,
      successes: 0,
      failures: 0,
      details: new Map(),
    };
    period.tallies.set(id, tally);
    return tally;
  }

  async function reportTo(domain: string, period: Period): Promise<void> {
    const answer = await dns.txt(
      `${is('looks-for-reporting-elsewhere') ? '_tls' : '_smtp._tls'}.${domain}`,
    );
    if (answer.kind === 'failure') return;
    const texts =
      answer.kind === 'records'
        ? answer.records.map((strings) => strings.join(is('joins-reporting-by-blanks') ? ' ' : ''))
        : [];
    const record = selectTlsrptRecord(asTakenBy(texts, is));
    const isTaken =
      record.ok && !(record.value.extensions.length > 0 && is('no-reporting-extensions'));
    const all = isTaken
      ? record.value.rua.filter(({ transport }) => transport === 'https').map(({ uri }) => uri)
      : [];
    const urls = is('reports-to-the-first-address') ? all.slice(0, 1) : all;
    const lines = is('reports-the-first-policy') ? firstLines.get(domain) : undefined;
    const text = JSON.stringify(asWritten(reportOf(domain, period, setting), lines, is));
    const report = is('reports-unpacked') ? Buffer.from(text) : gzipSync(text);
    // Sessions from now on are for the next report.
    periods.delete(domain);
    // RFC 8460 §3: it is enough that one destination takes it. §5.5: when none does, it is tried
    // again.
    for (const url of urls) {
      if ((await post(url, report, setting)) || is('reports-once')) return;
    }
    if (urls.length > 0 && !periods.has(domain)) periods.set(domain, period);
  }

  return {
    succeeded(session) {
      const tally = tallyOf(session);
      if (tally) tally.successes++;
    },
    failed(session, failure) {
      const tally = tallyOf(session);
      if (!tally) return;
      tally.failures++;
      const key = JSON.stringify([failure.type, failure.reason, session.host, session.address]);
      const detail = tally.details.get(key) ?? { session, failure, count: 0 };
      detail.count++;
      tally.details.set(key, detail);
    },
    async report(domains) {
      if (is('reports-nothing')) return;
      await Promise.all(
        domains.map((domain) => {
          const period = periods.get(domain);
          return period && reportTo(domain, period);
        }),
      );
    },
  };
}

/** RFC 8460 §4. */
function reportOf(domain: string, { since, tallies }: Period, { clock, is }: Setting): TlsReport {
  // §4.1: whole UTC days.
  const day = (time: number) => new Date(time).toISOString().slice(0, 10);
  return {
    'organization-name': 'Holdfast reference sender',
    'date-range': {
      'start-datetime': `${day(since)}T00:00:00Z`,
      'end-datetime': `${day(clock.now())}T23:59:59Z`,
    },
    'contact-info': `postmaster@${SENDER_DOMAIN}`,
    'report-id': `${randomUUID()}@${SENDER_DOMAIN}`,
    policies: [...tallies.values()].map((tally) => policyEntry(domain, tally, is)),
  };
}

function policyEntry(
  domain: string,
  { policy, successes, failures, details }: Tally,
  is: Is,
): ReportedPolicy {
  return {
    policy: policy
      ? {
          'policy-type': 'sts',
          'policy-string': policy.lines,
          'policy-domain': domain,
          'mx-host': policy.policy.mx,
        }
      : { 'policy-type': 'no-policy-found', 'policy-domain': domain },
    summary: {
      'total-successful-session-count': successes,
      'total-failure-session-count': failures,
    },
    // §4.3: failures of different kinds stand apart, each with its own count.
    'failure-details': [...details.values()].map(
      ({ session, failure, count }): FailureDetails => ({
        'result-type': is('reports-wrong-type') ? 'dane-required' : failure.type,
        'sending-mta-ip': SENDING_MTA_IP,
        'receiving-mx-hostname': session.host,
        'receiving-ip': session.address,
        'failed-session-count': is('reports-wrong-count') ? count + 1 : count,
        'failure-reason-code': failure.reason && printable(failure.reason),
      }),
    ),
  };
}

/** The faults in which records count. */
function asTakenBy(texts: readonly string[], is: Is): readonly string[] {
  const named = texts.map((text) =>
    is('reporting-of-any-version') ? text.replace(/^v=tlsrptv1(?=;)/i, 'v=TLSRPTv1') : text,
  );
  if (is('first-of-several-reporting-records'))
    return named.filter((text) => text.startsWith('v=TLSRPTv1;')).slice(0, 1);
  return is('counts-unrelated-reporting-records') && named.length > 1 ? [] : named;
}

/** The faults in how a report is written down. */
function asWritten(report: TlsReport, lines: readonly string[] | undefined, is: Is): object {
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
  const bare = (date: string) => (is('reports-dates-without-offset') ? date.slice(0, -1) : date);
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

/** RFC 8460 §3, §5.4: whether the destination took the report. */
async function post(
  uri: string,
  report: Buffer,
  { dns, network, trust, timeouts, is }: Setting,
): Promise<boolean> {
  try {
    const url = new URL(uri);
    const headers = {
      'content-type': is('reports-as-json')
        ? 'application/json'
        : `application/tlsrpt+${is('reports-unpacked') ? 'json' : 'gzip'}`,
      'content-length': String(report.length),
    };
    const { status } = await within(timeouts.policyFetchMs, 'the report', async (signal) => {
      const found = await dns.addresses(url.hostname);
      if (found.kind !== 'records') throw new Error(`${url.hostname}: no address`);
      const socket = await network.connect(found.records[0]!, Number(url.port) || 443, signal);
      // §3: certificate errors may be ignored here, for it may well be certificates that the report
      // is about.
      const secured = await handshake(
        socket,
        { trust: trust.policyHosts, servername: url.hostname },
        signal,
      );
      return exchange(
        secured,
        { method: is('reports-by-put') ? 'PUT' : 'POST', url, headers, body: report },
        ANSWER_LIMIT_BYTES,
        signal,
      );
    });
    return status === 200 || (status > 200 && status < 300 && !is('wants-200-for-reports'));
  } catch {
    return false;
  }
}
