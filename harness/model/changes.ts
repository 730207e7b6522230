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
import { mxOnConnection, pageOnRequest } from './plan-changes.ts';
import {
  addressesOf,
  addressTypesOf,
  answerTo,
  asTaken,
  isSecure,
  lookUp,
  ruleFor,
  sameName,
} from './zone.ts';

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
  /**
   * Of which connection, or to a policy host which request, counted from 1; undefined: of any that
   * has no point of its own.
   */
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
  const record = publishedChange(before.dns, after.dns, 'discovery', name);
  const id = announcedId(after, domain);
  // RFC 8461 §3.1: without a record nothing is fetched, and under an id that is known neither.
  if (id === undefined || knownIds.includes(id)) return record;
  const policyHost = `mta-sts.${domain}`;
  const address = addressChanges(before.dns, after.dns, 'discovery', policyHost);
  const hosts = addressesOf(after.dns, policyHost).flatMap((host) => {
    const points = pointsAtPolicyHost(before.policyHosts[host], after.policyHosts[host]);
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
    ...addressChanges(before.dns, after.dns, 'delivery', mx).map((one) => ({ ...one, mx })),
    ...tlsaChanges(before.dns, after.dns, domain, mx),
    ...hostsOf(after.dns, mx, domain).flatMap((host) =>
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

/** Where this exchanger is called, by its own records or by those that came with the MX records. */
function hostsOf(dns: DnsPlan, mx: string, domain: string): string[] {
  const { extra = [], additional = [] } = asTaken(ruleFor(dns, domain, 'MX')) ?? {};
  const beside = [...extra, ...additional].flatMap((record) =>
    'host' in record && sameName(record.name, mx) ? [record.host] : [],
  );
  return [...new Set([...addressesOf(dns, mx), ...beside])];
}

/** RFC 7672 §2.2: TLSA records are asked for where what leads to the host is secure. */
function tlsaChanges(
  before: DnsPlan,
  after: DnsPlan,
  domain: string,
  mx: string,
): QuestionChange[] {
  const isSecureIn = (dns: DnsPlan, name: string, type: string) =>
    isSecure(dns, name, type, ruleFor(dns, name, type));
  if (!isSecureIn(after, domain, 'MX') || !isSecureIn(after, mx, 'A')) return [];
  const base = lookUp(after.records, mx, 'A').end;
  return questionChange(before, after, 'delivery', `_25._tcp.${base}`, 'TLSA').map((one) => ({
    ...one,
    mx,
  }));
}

function reportingChanges(before: LabPlan, after: LabPlan, domain: string): Change[] {
  const record = publishedChange(before.dns, after.dns, 'reporting', `_smtp._tls.${domain}`);
  const hosts = Object.keys(after.reportHosts).flatMap((host) => {
    const at = pointAtReportHost(before.reportHosts[host], after.reportHosts[host]!);
    const points = at === undefined ? [] : [{ at }];
    return hostChange({ way: 'reporting', service: 'report-host', host, points });
  });
  return [...record, ...hosts];
}

// ---- questions ----

/**
 * Of a TXT record. Where nobody has published one, nor answers for it, that its zone is broken
 * matters to nobody: senders that look for no policy are right not to ask.
 */
function publishedChange(
  before: DnsPlan,
  after: DnsPlan,
  way: Way,
  name: string,
): QuestionChange[] {
  const isThere = (dns: DnsPlan) =>
    answerTo(dns, name, 'TXT').kind === 'records' || ruleFor(dns, name, 'TXT') !== undefined;
  return [before, after].some(isThere) ? questionChange(before, after, way, name, 'TXT') : [];
}

function questionChange(
  before: DnsPlan,
  after: DnsPlan,
  way: Way,
  name: string,
  type: string,
): QuestionChange[] {
  const [old, rule] = [ruleFor(before, name, type), ruleFor(after, name, type)];
  const same =
    isSame(old, rule) &&
    isSame(answerTo(before, name, type), answerTo(after, name, type)) &&
    isSecure(before, name, type, old) === isSecure(after, name, type, rule);
  return same ? [] : [{ kind: 'question', way, name, type, ...(rule?.nth && { nth: rule.nth }) }];
}

/** Of IPv6 only where there is any, before or after. */
function addressChanges(before: DnsPlan, after: DnsPlan, way: Way, name: string): QuestionChange[] {
  const types = new Set([before, after].flatMap((dns) => addressTypesOf(dns, name)));
  return [...types].flatMap((type) => questionChange(before, after, way, name, type));
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

function pointsAtPolicyHost(
  before: PolicyHostPlan = NOTHING,
  after: PolicyHostPlan = NOTHING,
): PointOnConnection[] {
  if (!isSame(before.reach, after.reach)) return [{ at: pointOfReach(after) }];
  if (!isSame(before.tls, after.tls)) return [{ at: 'handshake' }];
  const pagesOn = ({ pages }: PolicyHostPlan, nth: number) =>
    Object.entries(pages).map(([path, page]) => [path, pageOnRequest(page, nth)]);
  const special = [before, after].flatMap(({ pages }) =>
    Object.values(pages).flatMap(({ requests = [] }) => requests.flatMap((some) => some.nth)),
  );
  const differs = (nth: number) => !isSame(pagesOn(before, nth), pagesOn(after, nth));
  return [
    ...[...new Set(special)].filter(differs).map((nth) => ({ nth, at: 'request' })),
    ...(differs(0) ? [{ at: 'request' }] : []),
  ];
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
    [
      'EHLO-inside',
      ({ afterTls, requiretls }) => [
        afterTls?.ehlo,
        afterTls?.replies?.EHLO,
        requiretls ? 'REQUIRETLS' : undefined,
      ],
    ],
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
    ['.', ({ beforeTls, afterTls }) => [beforeTls, afterTls].map((part) => part?.cutContentAfter)],
  ];
  return differs.find(([, part]) => !isSame(part(before), part(after)))?.[0];
}

const ORDER: readonly string[] = ['MAIL', 'RCPT', 'DATA', '.'];

function pointOfReach({ reach }: { readonly reach?: MxPlan['reach'] }): Point {
  return reach === 'refused' ? 'address' : 'connection';
}

/** As JSON: what is left out, what is undefined and what has nothing in it are the same. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || asText(a) === asText(b);
}

function asText(value: unknown): string {
  const isEmpty = typeof value === 'object' && value !== null && JSON.stringify(value) === '{}';
  return JSON.stringify(isEmpty ? null : (value ?? null));
}
