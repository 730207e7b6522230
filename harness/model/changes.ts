/**
 * Changes: where, on the way of a message, a world is not as it was. Derived from two plans, so
 * that whatever an attack, a `patch` or a new policy does, it is known which questions a sender has
 * to ask and how far it has to come before it has met it.
 *
 * The way is the one the RFCs describe. Discovery (RFC 8461 §3): the TXT record, the policy host's
 * address, the policy host. Delivery (RFC 5321 §5.1): the MX records, the address of each host, the
 * host. What lies beside the way, such as a host that nobody honest ever names, is bait: there is
 * nothing to be met.
 */

import { announcedId } from './offered-policy.ts';
import type { DnsPlan, LabPlan, MxPlan, PolicyHostPlan, ReportHostPlan } from './plan.ts';
import { mxOnConnection } from './plan-changes.ts';
import { addressesOf, answerTo, ruleFor } from './zone.ts';

/** Names are as in the plan, not yet a world's own. */
export type Change = QuestionChange | HostChange;

/** A question to the name server that is answered otherwise. */
export interface QuestionChange {
  readonly kind: 'question';
  readonly way: Way;
  readonly name: string;
  readonly type: string;
  /** Only these, counted from 1 within a step. */
  readonly nth?: readonly number[];
  /** The MX host whose address is asked for. */
  readonly mx?: string;
}

/** A host that behaves otherwise from some point of a connection on. */
export interface HostChange {
  readonly kind: 'host';
  readonly way: Way;
  readonly service: 'policy-host' | 'mx' | 'report-host';
  /** Its key in the plan. */
  readonly host: string;
  /** The MX host by which a sender comes there. */
  readonly mx?: string;
  readonly points: readonly PointOnConnection[];
}

export type Way = 'discovery' | 'delivery' | 'reporting';

export interface PointOnConnection {
  /** Of which connection, counted from 1; undefined: of any that has no point of its own. */
  readonly nth?: number;
  readonly at: Point;
}

/**
 * How far a sender has to come. `address`: nothing listens, and that its address was asked for is
 * all that can be seen. `EHLO-inside`: the EHLO within TLS. Others are SMTP verbs; `.` is content.
 */
export type Point =
  | 'address'
  | 'connection'
  | 'handshake'
  | 'request'
  | 'EHLO'
  | 'STARTTLS'
  | 'EHLO-inside'
  | (string & {});

export interface Destination {
  /** Recipient domains. */
  readonly domains: readonly string[];
  /** Ids of policies that the sender can have learned before: it fetches no policy under them. */
  readonly knownIds: readonly string[];
}

/** What lies on the way of mail to these domains and differs between the two worlds. */
export function changesBetween(
  before: LabPlan,
  after: LabPlan,
  { domains, knownIds }: Destination,
): Change[] {
  return domains.flatMap((domain) => [
    ...discoveryChanges(before, after, domain, knownIds),
    ...deliveryChanges(before, after, domain),
    ...reportingChanges(before, after, domain),
  ]);
}

function discoveryChanges(
  before: LabPlan,
  after: LabPlan,
  domain: string,
  knownIds: readonly string[],
): Change[] {
  const name = `_mta-sts.${domain}`;
  const record = questionChange(before.dns, after.dns, 'discovery', name, 'TXT');
  const id = announcedId(after, domain);
  // RFC 8461 §3.1: without a record nothing is fetched, and under an id that is known neither.
  if (id === undefined || knownIds.includes(id)) return record;
  const policyHost = `mta-sts.${domain}`;
  const address = questionChange(before.dns, after.dns, 'discovery', policyHost, 'A');
  const hosts = addressesOf(after.dns, policyHost).flatMap((host) => {
    const at = pointAtPolicyHost(before.policyHosts[host], after.policyHosts[host]);
    const points = at === undefined ? [] : [{ at }];
    return hostChange({ way: 'discovery', service: 'policy-host', host, points });
  });
  return [...record, ...address, ...hosts];
}

function deliveryChanges(before: LabPlan, after: LabPlan, domain: string): Change[] {
  const records = questionChange(before.dns, after.dns, 'delivery', domain, 'MX');
  // Whoever was told of a new host has met what is new; whether it goes there is its own doing.
  const known = exchangersOf(before.dns, domain);
  const exchangers = exchangersOf(after.dns, domain).filter((mx) => known.includes(mx));
  const hosts = exchangers.flatMap((mx) => [
    ...questionChange(before.dns, after.dns, 'delivery', mx, 'A').map((one) => ({ ...one, mx })),
    ...addressesOf(after.dns, mx).flatMap((host) =>
      hostChange({
        way: 'delivery',
        service: 'mx',
        host,
        mx,
        points: pointsAtMx(before.mxHosts[host] ?? {}, after.mxHosts[host] ?? {}),
      }),
    ),
  ]);
  return [...records, ...hosts];
}

function reportingChanges(before: LabPlan, after: LabPlan, domain: string): Change[] {
  const record = questionChange(before.dns, after.dns, 'reporting', `_smtp._tls.${domain}`, 'TXT');
  const hosts = Object.keys(after.reportHosts).flatMap((host) => {
    const at = pointAtReportHost(before.reportHosts[host], after.reportHosts[host]!);
    const points = at === undefined ? [] : [{ at }];
    return hostChange({ way: 'reporting', service: 'report-host', host, points });
  });
  return [...record, ...hosts];
}

// ---- questions ----

function questionChange(
  before: DnsPlan,
  after: DnsPlan,
  way: Way,
  name: string,
  type: string,
): QuestionChange[] {
  const [old, rule] = [ruleFor(before, name, type), ruleFor(after, name, type)];
  const same =
    isSame(old, rule) && isSame(answerTo(before, name, type), answerTo(after, name, type));
  return same ? [] : [{ kind: 'question', way, name, type, ...(rule?.nth && { nth: rule.nth }) }];
}

/** RFC 5321 §5.1: the MX hosts, or, where there is no MX record, the domain itself. */
export function exchangersOf(dns: DnsPlan, domain: string): string[] {
  const answer = answerTo(dns, domain, 'MX');
  if (answer.kind === 'none') return addressesOf(dns, domain).length > 0 ? [domain] : [];
  if (answer.kind === 'failure') return [];
  const records = answer.records.flatMap((record) => (record.type === 'MX' ? [record] : []));
  return records
    .toSorted((a, b) => a.preference - b.preference)
    .map(({ exchange }) => exchange)
    .filter((exchange) => exchange !== '.');
}

// ---- hosts ----

function hostChange(change: Omit<HostChange, 'kind'>): HostChange[] {
  return change.points.length === 0 ? [] : [{ kind: 'host', ...change }];
}

const NOTHING: PolicyHostPlan = { pages: {} };

function pointAtPolicyHost(
  before: PolicyHostPlan = NOTHING,
  after: PolicyHostPlan = NOTHING,
): Point | undefined {
  if (!isSame(before.reach, after.reach)) return pointOfReach(after);
  if (!isSame(before.tls, after.tls)) return 'handshake';
  return isSame(before.pages, after.pages) ? undefined : 'request';
}

function pointAtReportHost(before: ReportHostPlan = {}, after: ReportHostPlan): Point | undefined {
  if (!isSame(before.reach, after.reach)) return pointOfReach(after);
  if (!isSame(before.tls, after.tls)) return 'handshake';
  return isSame(before, after) ? undefined : 'request';
}

/** One for each connection that has a plan of its own, and one for all others. */
function pointsAtMx(before: MxPlan, after: MxPlan): PointOnConnection[] {
  const special = [before, after].flatMap(({ connections = [] }) =>
    connections.flatMap((some) => some.nth),
  );
  const { connections: _, ...others } = after;
  const points = [
    ...[...new Set(special)].map((nth) => ({
      nth,
      at: pointOnConnection(mxOnConnection(before, nth), mxOnConnection(after, nth)),
    })),
    { at: pointOnConnection({ ...before, connections: undefined }, others) },
  ];
  return points.flatMap(({ at, ...which }) => (at === undefined ? [] : [{ ...which, at }]));
}

/** RFC 5321 §3, RFC 3207 §4: in the order in which a dialogue comes to them. */
function pointOnConnection(before: MxPlan, after: MxPlan): Point | undefined {
  const verbs = [before, after].flatMap(({ beforeTls, afterTls }) =>
    Object.keys({ ...beforeTls?.replies, ...afterTls?.replies }),
  );
  const differs: readonly (readonly [Point, (plan: MxPlan) => unknown])[] = [
    [pointOfReach(after), ({ reach = 'open' }) => reach],
    ['connection', ({ greeting }) => greeting],
    ['EHLO', ({ beforeTls }) => [beforeTls?.ehlo, beforeTls?.replies?.EHLO]],
    ['STARTTLS', ({ starttls }) => starttls],
    ['handshake', ({ tls }) => tls],
    ['EHLO-inside', ({ afterTls }) => [afterTls?.ehlo, afterTls?.replies?.EHLO]],
    ...[
      ...ORDER.filter((verb) => verbs.includes(verb)),
      ...verbs.filter((verb) => !ORDER.includes(verb)),
    ].map(
      (verb) =>
        [
          verb,
          ({ beforeTls, afterTls }: MxPlan) => [
            beforeTls?.replies?.[verb],
            afterTls?.replies?.[verb],
          ],
        ] as const,
    ),
  ];
  return differs.find(([, part]) => !isSame(part(before), part(after)))?.[0];
}

const ORDER: readonly string[] = ['MAIL', 'RCPT', 'DATA', '.'];

function pointOfReach({ reach }: { readonly reach?: MxPlan['reach'] }): Point {
  return reach === 'refused' ? 'address' : 'connection';
}

/** As JSON: what is left out, what is undefined and what has nothing in it are the same. */
function isSame(a: unknown, b: unknown): boolean {
  return asText(a) === asText(b);
}

function asText(value: unknown): string {
  const isEmpty = typeof value === 'object' && value !== null && JSON.stringify(value) === '{}';
  return JSON.stringify(isEmpty ? null : (value ?? null));
}
