/**
 * What the name server of a plan answers, as far as the plan alone tells: the lab's server answers
 * by it, and so is told which questions an attack has changed. Pure.
 */

import { lowerAscii } from '../protocol/ascii.ts';
import type { DnsPlan, DnsRecord, DnsRule, TlsaRecord } from './plan.ts';

const LONGEST_CNAME_CHAIN = 8;

/** RFC 4035 §2: no data of the zone, and a DS not even in it: the zone above tells it. */
const OF_THE_CHAIN: readonly string[] = ['DS', 'DNSKEY', 'RRSIG', 'NSEC'];

/**
 * The first rule for a question; `which`: which of the questions for that name and type it is. One
 * for all types that gives records replaces the data, and leaves the chain of trust as it is.
 */
export function ruleFor(
  { rules }: DnsPlan,
  name: string,
  type: string,
  which?: number,
): DnsRule | undefined {
  return rules.find(
    (rule) =>
      sameName(rule.name, name) &&
      (rule.type === '*' ? !(rule.records && OF_THE_CHAIN.includes(type)) : rule.type === type) &&
      (which === undefined || (rule.nth?.includes(which) ?? true)),
  );
}

/**
 * The rule by which a client gets its answer in the end. RFC 5452 §9.1: a packet that is no answer
 * to its question is none at all; then comes what follows it, or nothing.
 */
export function asTaken(rule: DnsRule | undefined): DnsRule | undefined {
  if (rule?.packet === undefined) return rule;
  return rule.followed ? undefined : { name: rule.name, type: rule.type, answer: 'drop' };
}

/** RFC 1034 §4.3.2: the records of the name, through CNAMEs, and the name where they end. */
export function lookUp(
  records: readonly DnsRecord[],
  name: string,
  type: string,
  stopAtCname = false,
): { readonly found: readonly DnsRecord[]; readonly end: string } {
  const found: DnsRecord[] = [];
  let at = name;
  for (let hop = 0; hop < LONGEST_CNAME_CHAIN; hop++) {
    const here = recordsAt(records, at);
    const wanted = here.filter((record) => record.type === type);
    found.push(...wanted);
    const alias = here.find((record) => record.type === 'CNAME');
    if (wanted.length > 0 || alias?.type !== 'CNAME') break;
    found.push(alias);
    if (stopAtCname) break;
    at = alias.target;
  }
  return { found, end: at };
}

/** Whether a name, or one below it, is in the zones. */
export function exists(records: readonly DnsRecord[], name: string): boolean {
  return isInZones(records, name) || recordsAt(records, name).length > 0;
}

function isInZones(records: readonly DnsRecord[], name: string): boolean {
  return records.some((record) => isAtOrBelow(record.name, name));
}

/** RFC 4592 §3.3.1: those of the name, or where it is not there of the wildcard next above it. */
export function recordsAt(records: readonly DnsRecord[], name: string): readonly DnsRecord[] {
  const here = records.filter((record) => sameName(record.name, name));
  if (here.length > 0 || !records.some((record) => record.name.startsWith('*.'))) return here;
  if (isInZones(records, name)) return [];
  const labels = plainName(name).split('.');
  const above = labels.map((_, at) => labels.slice(at + 1).join('.'));
  const closest = above.find((parent) => isInZones(records, parent)) ?? '';
  return records
    .filter((record) => sameName(record.name, `*.${closest}`))
    .map((record) => ({ ...record, name }));
}

/** `failure`: no answer, or an error, or not the whole of it. */
export type ZoneAnswer =
  | { readonly kind: 'records'; readonly records: readonly DnsRecord[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'failure' };

/** What a client that asks as often as it has to gets to know in the end. */
export function answerTo(plan: DnsPlan, name: string, type: string): ZoneAnswer {
  const rule = asTaken(ruleFor(plan, name, type));
  if (isFailure(rule) || securityOf(plan, name, type, rule) === 'bogus') return { kind: 'failure' };
  if (rule?.answer === 'nxdomain' || rule?.answer === 'nodata') return { kind: 'none' };
  const { found } = lookUp(rule?.records ?? plan.records, name, type);
  const records = found.filter((record) => record.type === type);
  return records.length > 0 ? { kind: 'records', records } : { kind: 'none' };
}

const FAILURES: readonly string[] = ['servfail', 'refused', 'drop', 'referral'];

function isFailure(rule?: DnsRule): boolean {
  return FAILURES.includes(rule?.answer ?? 'honest');
}

export function sameName(a: string, b: string): boolean {
  return plainName(a) === plainName(b);
}

/** Its ASCII letters in lower case (RFC 4343 §3), without a dot at the end. */
export function plainName(name: string): string {
  const lower = lowerAscii(name);
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

function isBelow(name: string, parent: string): boolean {
  return plainName(name).endsWith(`.${plainName(parent)}`);
}

export function isAtOrBelow(name: string, parent: string): boolean {
  return sameName(name, parent) || isBelow(name, parent);
}

/** Hosts of the plan at the addresses of a name, IPv4 or IPv6. */
export function addressesOf(dns: DnsPlan, name: string): string[] {
  const hosts = addressTypesOf(dns, name).flatMap((type) => {
    const answer = answerTo(dns, name, type);
    const records = answer.kind === 'records' ? answer.records : [];
    return records.flatMap((record) => ('host' in record ? [record.host] : []));
  });
  return [...new Set(hosts)];
}

/** Types of address records that a name has; A where it has none. */
export function addressTypesOf({ records, rules }: DnsPlan, name: string): ('A' | 'AAAA')[] {
  const all = [...records, ...rules.flatMap((rule) => rule.records ?? [])];
  const hasSome = (type: string) =>
    lookUp(all, name, type).found.some((record) => record.type === type);
  const [hasA, hasAaaa] = [hasSome('A'), hasSome('AAAA')];
  return [...(hasA || !hasAaaa ? ['A' as const] : []), ...(hasAaaa ? ['AAAA' as const] : [])];
}

// ---- DNSSEC ----

/** RFC 4033 §5. */
export type Security = 'secure' | 'insecure' | 'bogus';

/**
 * What a validator finds the answer to a question to be, given the rule that is followed for it;
 * what it finds bogus, it answers with SERVFAIL (RFC 4035 §5.5).
 */
export function securityOf(plan: DnsPlan, name: string, type: string, by?: DnsRule): Security {
  const rule = asTaken(by);
  if (rule?.ad !== undefined) return rule.ad ? 'secure' : 'insecure';
  if (!plan.secure) return 'insecure';
  const { found, end } = lookUp(plan.records, name, type);
  const names = [name, ...found.map((record) => record.name), end];
  const zones = names.map((one) => zoneSecurity(plan, one));
  if (zones.includes('bogus')) return 'bogus';
  if (zoneSecurity(plan, name) === 'secure' && isTamperedWith(rule)) return 'bogus';
  return zones.includes('insecure') ? 'insecure' : 'secure';
}

/** The signed zone that a name is in. */
export function signedZoneOf({ secure = [] }: DnsPlan, name: string): string | undefined {
  return secure
    .filter((zone) => isAtOrBelow(name, zone))
    .toSorted((a, b) => a.length - b.length)[0];
}

/** RFC 4035 §5.2: by the chain of its keys, from the zone above it. */
function zoneSecurity(plan: DnsPlan, name: string): Security {
  const zone = signedZoneOf(plan, name);
  if (zone === undefined) return 'insecure';
  const [ds, dnskey] = ['DS', 'DNSKEY'].map((type) => asTaken(ruleFor(plan, zone, type)));
  const isGone = ds?.answer === 'nodata' && ds.dnssec === 'proven';
  if (isGone || ds?.dnssec === 'unknown-algorithm') return 'insecure';
  return isTamperedWith(ds) || isTamperedWith(dnskey) ? 'bogus' : 'secure';
}

/** Whether a rule leaves no answer that the keys of a signed zone vouch for. */
function isTamperedWith(rule?: DnsRule): boolean {
  if (isFailure(rule)) return true;
  if (rule?.dnssec !== undefined) return rule.dnssec !== 'proven';
  return rule?.records !== undefined || rule?.answer === 'nxdomain' || rule?.answer === 'nodata';
}

export function isSecure(plan: DnsPlan, name: string, type: string, rule?: DnsRule): boolean {
  return securityOf(plan, name, type, rule) === 'secure';
}

/** A TLSA record for people to read: what it holds, or what that is made from. */
export function describeTlsa({ usage, selector, matching, data, of, bytes }: TlsaRecord): string {
  const { host, profile = 'right', part = 'own' } = of ?? {};
  const source = [profile, part === 'issuer' && 'issuer', host && `of ${host}`].filter(Boolean);
  const content = data ?? `(of the certificate: ${source.join(', ')})`;
  const length = bytes === undefined ? '' : `, ${bytes} bytes`;
  return `${usage} ${selector} ${matching} ${content}${length}`;
}
