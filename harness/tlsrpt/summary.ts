/**
 * What a report tells the owner of the domain, in plain words. Every word of the report is escaped:
 * all of this is safe to show.
 */

import { isPermittedMx } from '../protocol/mx-match.ts';
import { counted, printable } from '../protocol/printable.ts';
import { parseStsPolicy } from '../protocol/sts-policy.ts';
import { showRange } from './fields.ts';
import type { ReadFailure, ReadPolicy, ReadReport } from './report.ts';
import { lookAt, meaningOf } from './result-types.ts';

export interface Summary {
  /** Who reports, and for which time. */
  readonly headline: string;
  readonly policies: readonly PolicySummary[];
  /** What the owner of the domain should look at; empty where nothing failed. */
  readonly lookAt: readonly string[];
}

export interface PolicySummary {
  /** `MTA-STS policy of example.com, mode enforce` */
  readonly policy: string;
  /** `5326 sessions succeeded, 303 failed (5 %)` */
  readonly sessions: string;
  /** What a failure under this policy means for the mail; undefined where nothing failed. */
  readonly consequence?: string;
  readonly failures: readonly {
    /** The MX, or what stands in its place. */
    readonly where: string;
    /** The kinds of failure there. */
    readonly lines: readonly string[];
  }[];
}

/** Of policies, of places, and of kinds of failure at one. */
const MOST_SHOWN = 25;
/** Held against each other, the patterns of a policy and the hosts that failed. */
const MOST_NAMES = 200;

export function summarise(report: ReadReport): Summary {
  const { organization, contact, id, from, to } = report;
  const who = organization ?? contact ?? 'Somebody who gives no name';
  const when =
    from === undefined || to === undefined || to < from
      ? 'for a time that cannot be read'
      : `for ${showRange(from, to)} UTC`;
  const asked = organization !== undefined && contact !== undefined ? `, contact ${contact}` : '';
  const shown = report.policies.slice(0, MOST_SHOWN);
  return {
    headline: `${printable(who, 100)} reports ${when} (report ${printable(id ?? 'without an id', 100)}${printable(asked, 140)})`,
    policies: [
      ...shown.map(summarisePolicy),
      ...more(report.policies.length - shown.length, 'policy', 'policies').map((text) => ({
        policy: text,
        sessions: 'not shown',
        failures: [],
      })),
    ],
    lookAt: [...new Set(report.policies.flatMap(adviceOn))].slice(0, MOST_SHOWN),
  };
}

function summarisePolicy(policy: ReadPolicy): PolicySummary {
  const { succeeded, failed } = policy;
  const hasFailed = (failed ?? 0) > 0 || policy.failures.length > 0;
  return {
    policy: namePolicy(policy),
    sessions: `${count(succeeded)} succeeded, ${failed ?? 'an unknown number'} failed${shareOf(succeeded, failed)}`,
    consequence: hasFailed ? consequenceOf(policy) : undefined,
    failures: byPlace(policy),
  };
}

function namePolicy(policy: ReadPolicy): string {
  const { type, domain, lines } = policy;
  const of = domain === undefined ? 'a domain that is not named' : printable(domain, 253);
  switch (type) {
    case 'sts': {
      const mode = modeOf(policy);
      return `MTA-STS policy of ${of}${mode === undefined ? '' : `, mode ${printable(mode, 20)}`}`;
    }
    case 'tlsa':
      return `DANE for ${of}, ${counted(lines.length, 'TLSA record')}`;
    case 'no-policy-found':
      return `no policy was found for ${of}`;
    case undefined:
      return `a policy of no known type, for ${of}`;
    default:
      return `a policy of the type ${printable(type, 40)}, for ${of}`;
  }
}

function modeOf({ lines }: ReadPolicy): string | undefined {
  return lines.flatMap((line) => /^mode *: *(\S+)/.exec(line)?.[1] ?? [])[0];
}

function count(sessions: number | undefined): string {
  return sessions === undefined ? 'an unknown number of sessions' : counted(sessions, 'session');
}

function shareOf(succeeded: number | undefined, failed: number | undefined): string {
  if (succeeded === undefined || failed === undefined || failed === 0) return '';
  const percent = (100 * failed) / (succeeded + failed);
  return ` (${percent < 1 ? 'less than 1' : Math.floor(percent)} %)`;
}

/** RFC 8461 §5, RFC 7672 §2.2. */
function consequenceOf(policy: ReadPolicy): string | undefined {
  switch (policy.type) {
    case 'sts':
      if (policy.lines.length === 0)
        return 'without a policy the sender may have delivered the mail unprotected';
      if (modeOf(policy) === 'enforce')
        return 'mode enforce: no mail should have been delivered over a session that failed; it was tried again, or came back';
      if (modeOf(policy) === 'testing')
        return 'mode testing: the mail should have been delivered all the same';
      return undefined;
    case 'tlsa':
      return 'DANE: no mail should have been delivered over a session that failed; it was tried again, or came back';
    case 'no-policy-found':
      return 'nothing asks for TLS here: the mail may have been delivered in clear';
    default:
      return undefined;
  }
}

function byPlace(policy: ReadPolicy): PolicySummary['failures'] {
  const places = Map.groupBy(policy.failures, (failure) => placeOf(failure, policy));
  const shown = [...places].slice(0, MOST_SHOWN);
  return [
    ...shown.map(([where, failures]) => ({ where, lines: linesOf(failures) })),
    ...more(places.size - shown.length, 'place').map((where) => ({ where, lines: [] })),
  ];
}

function placeOf({ type, mx, ip }: ReadFailure, { domain }: ReadPolicy): string {
  if (mx !== undefined) return printable(mx, 253);
  if (type?.startsWith('sts-')) return `the policy host mta-sts.${printable(domain ?? '?', 253)}`;
  return ip === undefined ? 'an MX that is not named' : `the MX at ${printable(ip, 45)}`;
}

function linesOf(failures: readonly ReadFailure[]): string[] {
  const kinds = Map.groupBy(failures, ({ type, reason }) => JSON.stringify([type, reason]));
  const lines = [...kinds.values()].map((alike) => {
    const { type, reason } = alike[0]!;
    const sessions = alike.reduce<number | undefined>(
      (sum, one) =>
        sum === undefined || one.sessions === undefined ? undefined : sum + one.sessions,
      0,
    );
    const why = reason === undefined ? '' : `; it says: ${printable(reason, 120)}`;
    const senders = [...new Set(alike.flatMap(({ from }) => from ?? []))];
    const from = senders.slice(0, 3).map((ip) => printable(ip, 45));
    const rest = senders.length - from.length;
    const seen =
      from.length === 0 ? '' : `; met by ${from.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
    return `${sessions ?? '?'} × ${printable(type ?? 'no result type', 60)}: ${meaningOf(type)}${why}${seen}`;
  });
  return [
    ...lines.slice(0, MOST_SHOWN),
    ...more(lines.length - MOST_SHOWN, 'kind of failure', 'kinds of failure'),
  ];
}

function more(howMany: number, one: string, many?: string): string[] {
  return howMany > 0 ? [`and ${counted(howMany, `more ${one}`, many && `more ${many}`)}`] : [];
}

function adviceOn(policy: ReadPolicy): string[] {
  const advice = [...Map.groupBy(policy.failures, ({ type }) => type)].map(([type, failures]) => {
    const places = [...new Set(failures.map((failure) => placeOf(failure, policy)))];
    const shown = places.slice(0, 3).join(', ');
    const where = places.length > 3 ? `${shown} and ${places.length - 3} more` : shown;
    return `${where}: ${lookAt(type)}`;
  });
  return [...adviceOnPolicy(policy), ...advice, ...adviceOnNames(policy)];
}

/** §4.5: a reporter writes down the policy with the errors that are in it. */
function adviceOnPolicy({ type, domain, lines }: ReadPolicy): string[] {
  if (type !== 'sts' || lines.length === 0) return [];
  const parsed = parseStsPolicy(lines.map((line) => line.trim()).join('\n'));
  if (parsed.ok) return [];
  const { message, section, line } = parsed.violation;
  const at = line === undefined ? '' : `, at ${printable(JSON.stringify(lines[line - 1]), 80)}`;
  return [
    `the policy file of ${printable(domain ?? 'the domain', 253)}, as it is told here, is not valid: ${message}${at} (${section})`,
  ];
}

function adviceOnNames({ type, mx, failures }: ReadPolicy): string[] {
  if (type !== 'sts' || mx.length === 0 || mx.length > MOST_NAMES) return [];
  const hosts = new Set(failures.flatMap((failure) => failure.mx ?? []));
  return [...hosts]
    .slice(0, MOST_NAMES)
    .filter((host) => !isPermittedMx(mx, host))
    .slice(0, MOST_SHOWN)
    .map(
      (host) =>
        `${printable(host, 253)}: the policy permits no such MX; it lacks in the policy, or somebody has answered for the DNS`,
    );
}
