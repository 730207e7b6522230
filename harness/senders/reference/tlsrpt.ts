/**
 * TLSRPT (RFC 8460): counts TLS sessions by policy domain and applied policy, and on demand sends
 * the report to where the domain wants it, over HTTPS or by mail.
 */

import { gzipSync } from 'node:zlib';
import { mailboxOf, selectTlsrptRecord } from '../../protocol/tlsrpt-record.ts';
import type { ResultType } from '../../protocol/tlsrpt-report.ts';
import type { Dane } from './dane.ts';
import type { CachedPolicy } from './discovery.ts';
import { createDkimSigner } from './dkim.ts';
import type { Mail } from './mail.ts';
import { asWritten, reportOf } from './report.ts';
import { mailOf, type Parcel, post } from './report-delivery.ts';
import type { Setting } from './setting.ts';
import type { Is } from './traits.ts';

/** What a session was held to; neither: to no policy. */
export interface Applied {
  readonly policy: CachedPolicy | undefined;
  /** Comes before the policy: RFC 8461 §2. */
  readonly dane?: Dane;
}

/** A session, or an attempt that did not get so far. */
export interface TlsSession extends Applied {
  readonly domain: string;
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

export interface Tally extends Applied {
  successes: number;
  failures: number;
  /** By what a reader of the report would tell apart. */
  readonly details: Map<
    string,
    { readonly session: TlsSession; readonly failure: Failure; count: number }
  >;
}

export interface Period {
  readonly since: number;
  /** By what was applied. */
  readonly tallies: Map<string, Tally>;
}

/** What reporting needs of the sender around it. */
export interface Outlet {
  /** Delivers a report; false: nobody took it. */
  send(mail: Mail): Promise<boolean>;
  publish(name: string, text: string): Promise<void>;
}

export function createReporting(setting: Setting, { send, publish }: Outlet): Reporting {
  const { clock, dns, is } = setting;
  const periods = new Map<string, Period>();
  /** For a fault. */
  const firstLines = new Map<string, readonly string[]>();
  const dkim = createDkimSigner(is);

  function tallyOf({ domain, policy, dane: bound }: TlsSession): Tally | undefined {
    // RFC 8461 §2: what binds first is told.
    const dane = is('reports-dane-as-sts') && policy ? undefined : bound;
    // RFC 8461 §6: of a policy in mode none nothing is reported.
    if (!dane && policy?.policy.mode === 'none') return undefined;
    const period = periods.get(domain) ?? { since: clock.now(), tallies: new Map<string, Tally>() };
    periods.set(domain, period);
    if (policy && !firstLines.has(domain)) firstLines.set(domain, policy.lines);
    const key = dane ? `tlsa ${dane.base} ${dane.published.join()}` : (policy?.id ?? '');
    const tally = period.tallies.get(key) ?? {
      policy,
      dane,
      successes: 0,
      failures: 0,
      details: new Map(),
    };
    period.tallies.set(key, tally);
    return tally;
  }

  async function reportTo(domain: string, period: Period): Promise<void> {
    const uris = await urisOf(domain);
    // What cannot be asked for today may be there tomorrow.
    if (uris === undefined) return;
    const lines = is('reports-the-first-policy') ? firstLines.get(domain) : undefined;
    const report = reportOf(domain, period, setting);
    const text = textOf(asWritten(report, lines, is), is);
    const bytes = is('reports-unpacked') ? text : gzipSync(text);
    // Sessions from now on are for the next report.
    periods.delete(domain);
    if (is('reports-failures-only') && [...period.tallies.values()].every((one) => !one.failures))
      return;
    // RFC 8460 §3: it is enough that one destination takes it. §5.5: when none does, it is tried
    // again.
    for (const uri of uris) {
      if ((await deliver(uri, { domain, report, bytes })) || is('reports-once')) return;
    }
    if (uris.length > 0 && !periods.has(domain)) periods.set(domain, period);
  }

  /** RFC 8460 §3: where the domain wants its reports; none: it wants no reports; undefined: unknown. */
  async function urisOf(domain: string): Promise<readonly string[] | undefined> {
    const answer = await dns.txt(
      `${is('looks-for-reporting-elsewhere') ? '_tls' : '_smtp._tls'}.${domain}`,
    );
    if (answer.kind === 'failure') return undefined;
    const texts =
      answer.kind === 'records'
        ? answer.records.map((strings) => strings.join(is('joins-reporting-by-blanks') ? ' ' : ''))
        : [];
    const record = selectTlsrptRecord(asTakenBy(texts, is));
    if (!record.ok)
      return record.violation.rule === 'rua-missing' && is('guesses-where-reports-go')
        ? [`mailto:postmaster@${domain}`]
        : [];
    if (record.value.extensions.length > 0 && is('no-reporting-extensions')) return [];
    const all = record.value.rua
      .filter(({ transport, uri }) => transport !== 'unsupported' || isTakenAlso(uri, is))
      .map(({ uri }) => uri);
    if (is('reports-to-one-uri') && all.length > 1) return [];
    return is('reports-to-the-first-address') ? all.slice(0, 1) : all;
  }

  /** For a fault. */
  function addOthers(domain: string): void {
    const own = [...(periods.get(domain)?.tallies.values() ?? [])][0];
    for (const [other, { tallies }] of periods)
      if (own && other !== domain)
        for (const { successes } of tallies.values()) own.successes += successes;
  }

  async function deliver(uri: string, parcel: Parcel): Promise<boolean> {
    const mailbox = mailboxOf(uri);
    if (mailbox === undefined) return post(uri, parcel.bytes, setting);
    if (is('reports-by-https-only')) return false;
    await publish(dkim.record.name, dkim.record.text);
    return send(await mailOf(parcel, mailbox, dkim, setting));
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
      const told = asTold(session, tally, is);
      const key = is('reports-one-kind-of-failure')
        ? ''
        : JSON.stringify([failure.type, failure.reason, told.host, told.address]);
      const detail = tally.details.get(key) ?? { session: told, failure, count: 0 };
      detail.count++;
      tally.details.set(key, detail);
    },
    async report(domains) {
      if (is('reports-nothing')) return;
      await Promise.all(
        domains.map((domain) => {
          if (is('reports-all-domains-alike')) addOthers(domain);
          const period = periods.get(domain);
          return period && reportTo(domain, period);
        }),
      );
    },
  };
}

/** A fault: a failure is told of the MX that failed first. */
function asTold(session: TlsSession, { details }: Tally, is: Is): TlsSession {
  if (!session.host || !is('reports-the-first-mx-name')) return session;
  const before = [...details.values()].map((detail) => detail.session);
  const first = before.find((one) => one.host !== undefined);
  return first ? { ...session, host: first.host } : session;
}

/** A fault: any scheme will do. */
const isTakenAlso = (uri: string, is: Is) => is('reports-in-clear') && uri.startsWith('http:');

/** RFC 8460 §4: I-JSON (RFC 7493). */
function textOf(report: object, is: Is): Buffer {
  const text = JSON.stringify(report);
  if (is('reports-members-twice'))
    return Buffer.from(`{"contact-info":"nobody@sender.test",${text.slice(1)}`);
  if (is('reports-in-latin-1'))
    return Buffer.from(text.replace('reference', 'référence'), 'latin1');
  return Buffer.from(text);
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
