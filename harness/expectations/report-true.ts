/**
 * RFC 8460 §4: what reports say is what the path saw: of this domain, this day, these hosts and
 * addresses, these policies, and of no more sessions than there were.
 */

import { z } from 'zod';
import { policyDomains, type StepView, tokensSubmitted } from '../model/evidence.ts';
import { ofKind, seqs } from '../model/traffic.ts';
import type { Expectation, Judgement } from '../model/verdict.ts';
import type { ReadFailure, ReadPolicy, ReadReport } from '../tlsrpt/report.ts';
import {
  isOwn,
  isSamePolicy,
  plain,
  type ReadReports,
  readReport,
  readReports,
  reportableSessions,
  silenceAboutForm,
} from './reports.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

interface Untruth {
  readonly actual: string;
  readonly requirement: string;
}

export const expectation: Expectation = {
  summary: 'what every TLSRPT report says is what the path saw',
  options: z.strictObject({}),
  example: '- report-true',
  awaits: ['reports'],
  cites: () => [
    '8461-6-report-delivery-failure',
    '8460-4.2-success-only-report',
    '8460-4.1-full-day',
    '8460-4.4-required-fields',
    '8460-4.4-policy-string',
    '8460-4.4-mx-hostname',
    '8460-4.4-receiving-ip',
    '8460-4.4-sending-ip',
    '8460-4.2.1-success-count',
    '8460-4.2.2-failure-count',
  ],
  describe: () => 'a report of what happened',
  judge(view) {
    const read = readReports(view);
    const silent = silenceAboutForm(view, read);
    if (silent) return silent;
    const because = seqs(read.received);
    if (read.reports.length === 0)
      return {
        status: 'unmet',
        actual: `a report that cannot be read: ${read.problems[0]}`,
        because,
        requirement: '8460-4.4-required-fields',
      };
    const untruth = untruthOf(view, read);
    if (untruth) return { status: 'unmet', because, ...untruth } satisfies Judgement;
    return { status: 'met', actual: 'what happened', because };
  },
};

function untruthOf(view: StepView, { reports, policies, asked }: ReadReports): Untruth | undefined {
  const all = reports.flatMap((report) => report.policies);
  const stranger = all.find((one) => !isOwn(view, one));
  if (stranger)
    return {
      actual: `it tells of ${stranger.domain ?? 'no domain'}, which is another domain`,
      requirement: '8460-4.4-required-fields',
    };
  return (
    twoUnderOneId(view) ??
    first(reports, (report) => wrongDay(view, report, asked[0]?.date, asked[0]?.at)) ??
    first(policies, (policy) => unknownPolicy(view, policy)) ??
    first(
      policies.flatMap(({ failures }) => failures),
      (failure) => wrongEnds(view, failure),
    ) ??
    tooMany(view, policies)
  );
}

function first<T>(
  items: readonly T[],
  wrong: (item: T) => Untruth | undefined,
): Untruth | undefined {
  for (const item of items) {
    const untruth = wrong(item);
    if (untruth) return untruth;
  }
  return undefined;
}

/** RFC 8460 §4.4: a report that is sent again has the id that it had. */
function twoUnderOneId(view: StepView): Untruth | undefined {
  const seen = new Map<string, string>();
  for (const event of ofKind(view.history, 'report-received')) {
    const report = readReport(event);
    if (typeof report === 'string' || report.id === undefined) continue;
    const text = JSON.stringify(report);
    if ((seen.get(report.id) ?? text) !== text)
      return {
        actual: `two reports have the id ${report.id}`,
        requirement: '8460-4.4-required-fields',
      };
    seen.set(report.id, text);
  }
  return undefined;
}

/**
 * §4.1: by the clock of this machine, or of one that was put forward with the sender. Each time that
 * it was asked for its reports a day was over for it.
 */
function wrongDay(
  view: StepView,
  { from, to }: ReadReport,
  date: string | undefined,
  sinceMs = 0,
): Untruth | undefined {
  if (date === undefined || from === undefined || to === undefined) return undefined;
  const now = Date.parse(date);
  const ahead = ofKind(view.history, 'time-advanced').map(({ seconds }) => seconds * 1000);
  const daysOver = ofKind(view.history, 'reports-asked-for').length - 1;
  const latest = now + sum(ahead) + daysOver * DAY_MS;
  // A day may have ended while the trial went on.
  if (from <= latest && to >= now - sinceMs - MOMENT_MS) return undefined;
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  return {
    actual: `it is about ${day(from)}${to - from > DAY_MS ? ` to ${day(to)}` : ''}, and the sessions were on ${day(now)}`,
    requirement: '8460-4.1-full-day',
  };
}

/** The midnight that ends a day, and its last second, are the same end. */
const MOMENT_MS = 1_000;

/** §4.4, §4.5: the lines of a policy, or TLSA records, that the sender was given. */
function unknownPolicy(view: StepView, { type, lines }: ReadPolicy): Untruth | undefined {
  if (lines.length === 0) return undefined;
  const requirement = '8460-4.4-policy-string';
  if (type === 'sts') {
    const bodies = ofKind(view.history, 'policy-request').flatMap(({ body }) => body ?? []);
    // A body that is long, or was cut short, is not kept.
    const isKnown = bodies.length === 0 || bodies.some((body) => isSamePolicy(body, lines));
    return isKnown
      ? undefined
      : { actual: `it has a policy that was never served: ${lines.join(' · ')}`, requirement };
  }
  if (type !== 'tlsa') return undefined;
  const known = ofKind(view.history, 'dns-query').flatMap(({ tlsa = [] }) => tlsa);
  const strange = lines.find((line) => !known.includes(line.trim().toLowerCase()));
  return strange === undefined
    ? undefined
    : { actual: `it has a TLSA record that was never answered: ${strange}`, requirement };
}

/** Where a session went, and where it came from. */
function wrongEnds(view: StepView, { type, mx, ip, from }: ReadFailure): Untruth | undefined {
  // §4.3.2.2: a policy that cannot be had is no session with an MX.
  if (type?.startsWith('sts-')) return undefined;
  const opened = ofKind(view.history, 'smtp-connection');
  const asked = ofKind(view.history, 'dns-query').map(({ name }) => plain(name));
  const published = (view.stage.plan?.dns.records ?? []).flatMap((record) =>
    record.type === 'MX' ? plain(view.qualified(record.exchange)) : [],
  );
  const hosts = [...opened.map((one) => plain(one.mx)), ...asked, ...published];
  if (mx !== undefined && !hosts.includes(plain(mx)))
    return {
      actual: `it has a session with ${mx}, where the sender never was`,
      requirement: '8460-4.4-mx-hostname',
    };
  const at = opened.filter((one) => mx === undefined || plain(one.mx) === plain(mx));
  if (ip !== undefined && at.length > 0 && !at.some(({ address }) => isSame(address, ip)))
    return {
      actual: `it has a session with ${mx ?? 'an MX'} at ${ip}, and it was at ${at.at(-1)!.address}`,
      requirement: '8460-4.4-receiving-ip',
    };
  const peers = opened.flatMap(({ peer }) => peer ?? []);
  if (from !== undefined && peers.length > 0 && !peers.some((peer) => isSame(peer, from)))
    return {
      actual: `it has sessions from ${from}, and they came from ${peers.at(-1)}`,
      requirement: '8460-4.4-sending-ip',
    };
  return undefined;
}

/**
 * Who sends several messages over one connection, or opens more than it uses, may count either;
 * nobody can count more than both.
 */
function tooMany(view: StepView, policies: readonly ReadPolicy[]): Untruth | undefined {
  const messages = tokensSubmitted(view.history).filter((token) =>
    policyDomains(view.history, [token]).some((domain) => view.domains.includes(domain)),
  );
  const most = Math.max(reportableSessions(view.history).length, messages.length);
  const good = sum(policies.map(({ succeeded = 0 }) => succeeded));
  if (good > most)
    return {
      actual: `it has ${good} good sessions, and there were ${most} at most`,
      requirement: '8460-4.2.1-success-count',
    };
  return undefined;
}

/** RFC 5952: an IPv6 address has many spellings. */
function isSame(a: string, b: string): boolean {
  return spelt(a) === spelt(b);
}

function spelt(address: string): string {
  const plainAddress = address.replace(/^\[|\]$/g, '').replace(/^::ffff:(?=[\d.]+$)/i, '');
  if (!plainAddress.includes(':')) return plainAddress;
  try {
    return new URL(`http://[${plainAddress}]/`).hostname;
  } catch {
    return plainAddress;
  }
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);
