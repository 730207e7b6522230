/**
 * A report beside what the path saw (RFC 8460 §4), row by row; of each that is untrue, what it
 * breaks. No expectation itself.
 */

import { outcomeOf, policyDomains, type StepView, tokensSubmitted } from '../model/evidence.ts';
import { heldPolicy } from '../model/held-policy.ts';
import { daneState } from '../model/held-tlsa.ts';
import type { Observation } from '../model/observation.ts';
import { ofKind, type Seen } from '../model/traffic.ts';
import type { Comparison } from '../model/verdict.ts';
import { plainName } from '../model/zone.ts';
import { isPermittedMx } from '../protocol/mx-match.ts';
import type { ReadFailure, ReadPolicy, ReadReport } from '../tlsrpt/report.ts';
import { isOwn, type ReadReports, readReport, reportableSessions } from './reports.ts';

/** `untruth`: why it cannot be, in words of its own; undefined: it can. */
export interface Row extends Omit<Comparison, 'differs'> {
  readonly untruth?: { readonly actual: string; readonly requirement: string };
}

export function rowsOf(view: StepView, read: ReadReports): Row[] {
  const { reports, policies, asked } = read;
  return [
    ...reports.flatMap((report) => strangers(view, report)),
    ...twoUnderOneId(view),
    ...reports.flatMap((report) => dayOf(view, report, asked[0])),
    ...policies.flatMap((policy) => policyOf(view, policy)),
    ...policies.flatMap(({ failures }) => failures).map((failure) => failureOf(view, failure)),
    ...sessionsRow(view, policies),
  ];
}

export const comparisons = (rows: readonly Row[]): Comparison[] =>
  rows.map(({ untruth, ...row }) => ({ ...row, differs: untruth !== undefined }));

function strangers(view: StepView, { policies }: ReadReport): Row[] {
  return policies
    .filter((one) => !isOwn(view, one))
    .map(({ domain = 'no domain' }) => ({
      what: 'domain',
      reported: domain,
      seen: view.domains.join(', '),
      untruth: {
        actual: `it tells of ${domain}, which is another domain`,
        requirement: '8460-4.4-required-fields',
      },
    }));
}

/** §4.4: a report that is sent again has the id that it had. */
function twoUnderOneId(view: StepView): Row[] {
  const known = new Map<string, string>();
  for (const event of ofKind(view.history, 'report-received')) {
    const report = readReport(event);
    if (typeof report === 'string' || report.id === undefined) continue;
    const text = JSON.stringify(report);
    if ((known.get(report.id) ?? text) !== text)
      return [
        {
          what: 'report-id',
          reported: report.id,
          seen: 'another report with it',
          untruth: {
            actual: `two reports have the id ${report.id}`,
            requirement: '8460-4.4-required-fields',
          },
        },
      ];
    known.set(report.id, text);
  }
  return [];
}

/** §4.1: by the clock of this machine, or of one that was put forward with the sender. */
function dayOf(
  view: StepView,
  { from, to }: ReadReport,
  asked: Seen<'reports-asked-for'> | undefined,
): Row[] {
  if (asked?.date === undefined || from === undefined || to === undefined) return [];
  const now = Date.parse(asked.date);
  const advanced = ofKind(view.history, 'time-advanced').map(({ seconds }) => seconds * 1000);
  // Each time that it was asked before, a day was over for it.
  const daysOver = ofKind(view.history, 'reports-asked-for').length - 1;
  const latest = now + sum(advanced) + daysOver * DAY_MS;
  // A day may have ended while the trial went on.
  const isTrue = from <= latest && to >= now - asked.at - MOMENT_MS;
  const reported = [...new Set([from, to - MOMENT_MS].map(day))].join(' to ');
  const seen = [...new Set([now, latest].map(day))].join(' to ');
  return [
    {
      what: 'day',
      reported,
      seen,
      ...(!isTrue && {
        untruth: {
          actual: `it is about ${reported}, and the sessions were on ${seen}`,
          requirement: '8460-4.1-full-day',
        },
      }),
    },
  ];
}

const DAY_MS = 24 * 60 * 60 * 1_000;

/** The midnight that ends a day, and its last second, are the same end. */
const MOMENT_MS = 1_000;

/** §4.4, §4.5: a policy, or TLSA records, that the sender was given. */
function policyOf(view: StepView, { type, lines }: ReadPolicy): Row[] {
  if (lines.length === 0 || (type !== 'sts' && type !== 'tlsa')) return [];
  const known =
    type === 'sts'
      ? ofKind(view.history, 'policy-request').flatMap(({ body }) => body ?? [])
      : ofKind(view.history, 'dns-query').flatMap(({ tlsa = [] }) => tlsa);
  // A body that is long, or was cut short, is not kept.
  const isUntold = ofKind(view.history, 'policy-request').some(
    ({ status, body }) => status === 200 && body === undefined,
  );
  const isTrue =
    type === 'sts'
      ? isUntold || known.length === 0 || known.some((body) => isSamePolicy(body, lines))
      : lines.every((line) => known.includes(line.trim().toLowerCase()));
  const reported = lines.join(' · ');
  return [
    {
      what: type === 'sts' ? 'policy' : 'TLSA records',
      reported,
      seen: [...new Set(known.map((text) => linesOf(text).join(' · ')))].join(' | '),
      ...(!isTrue && {
        untruth: {
          actual: `it has what was never ${type === 'sts' ? 'served' : 'answered'}: ${reported}`,
          requirement: '8460-4.4-policy-string',
        },
      }),
    },
  ];
}

/** RFC 8461 §3.2: fields, mx among them, may come in any order, with blanks around the colon. */
export function isSamePolicy(body: string, lines: readonly string[]): boolean {
  const spelt = (all: readonly string[]) =>
    all
      .map((line) => line.trim().replace(/\s*:\s*/, ':'))
      .toSorted()
      .join('\n');
  return spelt(linesOf(body)) === spelt(lines);
}

const linesOf = (text: string) => text.split(/\r?\n/).filter((line) => line.trim() !== '');

/** Where a session went, and where it came from. */
function failureOf(view: StepView, failure: ReadFailure): Row {
  const { type = 'no type', sessions = 0, mx, ip, from } = failure;
  const opened = ofKind(view.history, 'smtp-connection');
  const at = opened.filter((one) => mx === undefined || plainName(one.mx) === plainName(mx));
  const ends = [...new Set(at.map((one) => `${one.mx} (${one.address})`))].join(', ');
  const peers = [...new Set(opened.flatMap(({ peer }) => peer ?? []))];
  const row = {
    what: 'failure',
    reported: `${sessions} × ${type}${mx ? ` at ${mx}` : ''}${ip ? ` (${ip})` : ''}${from ? ` from ${from}` : ''}`,
    seen:
      at.length === 0
        ? 'no connection'
        : `${at.length} × connected to ${ends}${peers.length > 0 ? ` from ${peers.join(', ')}` : ''}`,
  };
  // §4.3.2.2: a policy that cannot be had is no session with an MX.
  if (type.startsWith('sts-')) return row;
  if (mx !== undefined && !isKnownHost(view, opened, mx))
    return untrue(row, '8460-4.4-mx-hostname', `a session with ${mx}, where the sender never was`);
  if (ip !== undefined && at.length > 0 && !at.some(({ address }) => isSame(address, ip)))
    return untrue(row, '8460-4.4-receiving-ip', `a session at ${ip}, and it was with ${ends}`);
  if (from !== undefined && peers.length > 0 && !peers.some((peer) => isSame(peer, from)))
    return untrue(
      row,
      '8460-4.4-sending-ip',
      `a session from ${from}, and it came from ${peers.join(', ')}`,
    );
  return row;
}

const untrue = (row: Row, requirement: string, what: string): Row => ({
  ...row,
  untruth: { actual: `it has ${what}`, requirement },
});

/** There was a connection to it, or its name was asked for or published. */
function isKnownHost(
  view: StepView,
  opened: readonly Seen<'smtp-connection'>[],
  mx: string,
): boolean {
  const published = (view.stage.plan?.dns.records ?? []).flatMap((record) =>
    record.type === 'MX' ? view.qualified(record.exchange) : [],
  );
  const asked = ofKind(view.history, 'dns-query').map(({ name }) => name);
  return [...opened.map((one) => one.mx), ...asked, ...published]
    .map(plainName)
    .includes(plainName(mx));
}

/** RFC 5952: an IPv6 address has many spellings. */
function isSame(a: string, b: string): boolean {
  return spelt(a) === spelt(b);
}

function spelt(address: string): string {
  const bare = address.replace(/^\[|\]$/g, '').replace(/^::ffff:(?=[\d.]+$)/i, '');
  return bare.includes(':') && URL.canParse(`http://[${bare}]/`)
    ? new URL(`http://[${bare}]/`).hostname
    : bare;
}

/** Nobody can count more good sessions than there were sessions and messages. */
function sessionsRow(view: StepView, policies: readonly ReadPolicy[]): Row[] {
  if (policies.length === 0) return [];
  const good = tally(policies, ({ succeeded = 0 }) => succeeded);
  const bad = tally(policies, ({ failed = 0 }) => failed);
  const [seenGood, seenBad] = [true, false].map((isGood) => rangeOf(view, view.history, isGood));
  const most = seenGood![1] + seenBad![1];
  const row = {
    what: 'sessions',
    reported: `${good} good, ${bad} failed`,
    seen: `${showRange(seenGood!)} good, ${showRange(seenBad!)} failed`,
  };
  return good > most
    ? [
        untrue(
          row,
          '8460-4.2.1-success-count',
          `${good} good sessions, and there were ${most} at most`,
        ),
      ]
    : [row];
}

/**
 * §4: a session that was held to TLSA records and to a policy may stand under both; one that was held
 * to none stands for itself.
 */
export function tally(
  policies: readonly ReadPolicy[],
  countOf: (policy: ReadPolicy) => number,
): number {
  const of = (isOne: (type: string | undefined) => boolean) =>
    sum(policies.filter(({ type }) => isOne(type)).map(countOf));
  const [tlsa, sts] = [of((type) => type === 'tlsa'), of((type) => type === 'sts')];
  return Math.max(tlsa, sts) + of((type) => type !== 'tlsa' && type !== 'sts');
}

const showRange = ([least, most]: readonly [number, number]) =>
  least === most ? `${least}` : `${least} to ${most}`;

/**
 * From the number of sessions to that of messages, or the other way round: a sender that sends
 * several messages over one connection, or opens more than it uses, may count either.
 */
export function rangeOf(
  view: StepView,
  span: readonly Observation[],
  good: boolean,
): readonly [least: number, most: number] {
  const sessions = sessionCount(view, span, good);
  const own = tokensSubmitted(span).filter((token) =>
    policyDomains(view.history, [token]).some((domain) => view.domains.includes(domain)),
  );
  const messages = own.filter(
    (token) => (outcomeOf(span, token).kind === 'delivered') === good,
  ).length;
  return [Math.min(sessions, messages), Math.max(sessions, messages)];
}

/**
 * RFC 8460 §4.2: a session is one connection to an MX; it is good when TLS identified the host by
 * its TLSA records, or a host that the policy permits.
 */
export function sessionCount(view: StepView, span: readonly Observation[], good: boolean): number {
  const [domain = ''] = view.domains;
  return reportableSessions(span).filter((session) => {
    const { mx, handshake, opened, seen } = session;
    const isSecure = handshake?.result === 'completed';
    const dane = daneState(view.history, domain, session, seen.at(-1) ?? opened, isSecure);
    const held = heldPolicy(view.history, domain, opened);
    const isGood = dane.held
      ? isSecure && dane.state !== 'broken'
      : isSecure &&
        handshake.authenticated &&
        isPermittedMx(held?.policy.mx ?? view.permittedMx, mx);
    return isGood === good;
  }).length;
}

const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);
