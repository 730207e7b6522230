/**
 * What the zones around a plan's records hold, and DNSSEC says (RFC 4035 §3.1): cuts, keys,
 * signatures, and proofs of what does not exist.
 *
 * The root and `test` are signed. Every domain of a world is a zone of its own, delegated from
 * `test`: with a DS record where the plan has it signed, and else insecurely.
 */

import { Packet } from 'dns2';
import type { DnsPlan, DnssecFault } from '../model/plan.ts';
import { exists, isAtOrBelow, lookUp, plainName, recordsAt, signedZoneOf } from '../model/zone.ts';
import { lowerAscii } from '../protocol/ascii.ts';
import { DnsWriter } from '../protocol/dns-writer.ts';
import { firstBelow, nsecRdata, RR_TYPE, spanAround } from '../protocol/dnssec.ts';
import type { DnsKeys } from './dnssec.ts';

/** The zone that answers a question. */
export interface Cut {
  /** The name at its top; the root's is empty. */
  readonly zone: string;
  readonly isSigned: boolean;
}

type Records = Packet['answers'];

/** Of what no plan changes: keys, and that there is nothing, above the domains of worlds. */
const LASTING_SECONDS = 3600;
const { TYPE, CLASS } = Packet;

/** RFC 4035 §3.1.4.1: a DS record is its parent's. */
export function cutOf(plan: DnsPlan, name: string, type: string): Cut {
  const cut = zoneOf(plan, plainName(name));
  const isChild = type === 'DS' && cut.zone !== '' && cut.zone === plainName(name);
  return isChild ? zoneOf(plan, parentOf(cut.zone)) : cut;
}

function zoneOf(plan: DnsPlan, name: string): Cut {
  const labels = name.split('.');
  if (labels.at(-1) !== 'test') return { zone: '', isSigned: true };
  // A world's label has nothing of its own.
  if (labels.length < 3 || plan.records.length === 0) return { zone: 'test', isSigned: true };
  // What is said to be insecure in a signed zone is a zone below it that is not.
  if (plan.rules.some((rule) => rule.ad === false && plainName(rule.name) === name))
    return { zone: name, isSigned: false };
  const signed = signedZoneOf(plan, name);
  if (signed !== undefined) return { zone: plainName(signed), isSigned: true };
  const above = labels.map((_, at) => labels.slice(at).join('.')).slice(0, -2);
  const isParent = (zone: string) => plan.secure?.some((child) => isAtOrBelow(child, zone));
  return { zone: above.findLast((zone) => !isParent(zone)) ?? name, isSigned: false };
}

/** Whether there is anything at a name, or below it. */
export function isThere(plan: DnsPlan, name: string, type: string): boolean {
  const { zone, isSigned } = zoneOf(plan, plainName(name));
  const isTop = zone === plainName(name);
  return exists(plan.records, name) || (isTop && (isSigned || type === 'DS'));
}

/** The records that a zone has at its top, and of a zone below it. */
export function zoneRecords(
  plan: DnsPlan,
  name: string,
  type: string,
  keys: DnsKeys,
  fault?: DnssecFault,
): Records {
  const cut = zoneOf(plan, plainName(name));
  if (cut.zone !== plainName(name)) return [];
  if (type === 'SOA') return [soa(cut.zone)];
  if (type === 'NS') return [ns(cut.zone)];
  if (!cut.isSigned) return [];
  const ttl = lastingSeconds(cut.zone);
  if (type === 'DNSKEY') return [dnskey(cut.zone, keys.dnskey, ttl)];
  if (type === 'DS' && cut.zone !== '')
    return [raw(cut.zone, RR_TYPE.DS, keys.ds(cut.zone, fault), ttl)];
  return [];
}

/**
 * RFC 2308 §2, §3: that there is nothing is said with the SOA and the name server of the zone; here
 * so that no resolver keeps it. (c-ares goes by the SOA only for NXDOMAIN, and otherwise by the TTLs
 * of the records beside it.)
 */
export function negativeAuthority({ zone }: Cut, name: string): Records {
  return [soa(zone, lastingSeconds(plainName(name))), ns(zone)];
}

export interface Signing {
  readonly plan: DnsPlan;
  readonly name: string;
  readonly type: string;
  readonly keys: DnsKeys;
  readonly fault?: DnssecFault;
}

/** RFC 4035 §3.1.1, §3.1.3: the answer with its signatures and what denies what it lacks. */
export async function addDnssec(reply: Packet, signing: Signing): Promise<void> {
  const { plan, name, type, fault } = signing;
  const { end } = lookUp(plan.records, name, type);
  const cut = cutOf(plan, end, type);
  const isNegative = reply.authorities.length > 0;
  reply.authorities = reply.authorities.filter((record) => record.type !== TYPE.NS);
  if (isNegative && cut.isSigned && fault !== 'no-denial')
    reply.authorities.push(...denial(reply, signing, cut, plainName(end)));
  if (fault === 'unsigned' || fault === 'claimed') return;
  const owner = ({ name: at, type: of }: Records[number]) =>
    cutOf(plan, at, of === RR_TYPE.DS ? 'DS' : '');
  reply.answers = await signed(reply.answers, owner, signing);
  reply.authorities = await signed(reply.authorities, () => cut, signing);
}

/** RFC 4035 §3.1.3.1, §3.1.3.2. */
function denial(reply: Packet, { plan, type, fault }: Signing, { zone }: Cut, end: string) {
  const nsec = (name: string, next: string, types: readonly number[] = []) =>
    raw(
      name,
      RR_TYPE.NSEC,
      nsecRdata(next, [...types, RR_TYPE.RRSIG, RR_TYPE.NSEC]),
      lastingSeconds(end),
    );
  const top = [RR_TYPE.SOA, RR_TYPE.NS, RR_TYPE.DNSKEY];
  if (fault === 'forged-denial') return [nsec(zone, firstBelow(zone), top)];
  if (reply.header.rcode !== Packet.RCODE.NXDOMAIN) {
    const isDelegation = type === 'DS' && zoneOf(plan, end).zone === end;
    const here = isDelegation ? [TYPE.NS] : typesAt(plan, end, type);
    return [nsec(end, firstBelow(end), end === zone ? [...here, ...top] : here)];
  }
  let missing = end;
  while (parentOf(missing) !== zone && !exists(plan.records, parentOf(missing)))
    missing = parentOf(missing);
  const wildcard = ['*', parentOf(missing)].filter(Boolean).join('.');
  return [missing, wildcard].map(spanAround).map(({ from, to }) => nsec(from, to));
}

function typesAt({ records }: DnsPlan, name: string, except: string): number[] {
  const here = recordsAt(records, name).filter((record) => record.type !== except);
  return here.map(({ type }) => (type === 'TLSA' ? RR_TYPE.TLSA : TYPE[type]));
}

/** Each RRset of a signed zone followed by its signature. */
async function signed(
  records: Records,
  cutOfSet: (record: Records[number]) => Cut,
  { keys, type: asked, fault }: Signing,
): Promise<Records> {
  const sets = Object.values(
    Object.groupBy(records, ({ name, type }) => `${plainName(name)} ${type}`),
  ) as Records[];
  // What such a DS record says is wrong, and not that it is said.
  const isInside = asked === 'DS' && (fault === 'other-key' || fault === 'unknown-algorithm');
  const signatures = sets.map(async (set): Promise<Records> => {
    const { name, type, ttl } = set[0]!;
    const { zone, isSigned } = cutOfSet(set[0]!);
    if (!isSigned) return [];
    const rrset = { name, type, ttl, rdata: set.map(rdataOf) };
    const signature = await keys.sign(rrset, zone, isInside ? undefined : fault);
    return [raw(name, RR_TYPE.RRSIG, signature, ttl)];
  });
  return [...records, ...(await Promise.all(signatures)).flat()];
}

/** RFC 4034 §6.2: names in it in lower case, and in full. */
function rdataOf(record: Records[number]): Uint8Array {
  const lower: Record<string, unknown> = { ...record, name: '' };
  for (const key of ['exchange', 'domain', 'ns', 'primary', 'admin'])
    if (typeof lower[key] === 'string') lower[key] = lowerAscii(lower[key]);
  // Before it: the root's name, type, class, TTL and length.
  return Packet.Resource.encode(lower as never, new DnsWriter() as never).subarray(11);
}

function soa(zone: string, ttl = 0): Records[number] {
  const times = { serial: 1, refresh: 0, retry: 0, expiration: 0, minimum: ttl };
  const names = { primary: inZone('ns', zone), admin: inZone('admin', zone) };
  return new Packet.Resource({ ...at(zone), type: TYPE.SOA, ttl, ...names, ...times } as any);
}

function ns(zone: string): Records[number] {
  return new Packet.Resource({ ...at(zone), type: TYPE.NS, ns: inZone('ns', zone) } as any);
}

function dnskey(zone: string, data: Uint8Array, ttl: number): Records[number] {
  const [high = 0, low = 0, protocol, algorithm] = data;
  const key = Buffer.from(data.subarray(4)).toString('base64');
  const fields = { flags: (high << 8) | low, protocol, algorithm, key };
  return new Packet.Resource({ ...at(zone), type: TYPE.DNSKEY, ttl, ...fields } as any);
}

/** Of a type that dns2 does not encode. */
function raw(name: string, type: number, data: Uint8Array, ttl = 0): Records[number] {
  return new Packet.Resource({ ...at(name), type, ttl, data: Buffer.from(data) } as any);
}

const at = (name: string) => ({ name, ttl: 0, class: CLASS.IN });

function lastingSeconds(name: string): number {
  const labels = name.split('.');
  return labels.at(-1) !== 'test' || labels.length < 3 ? LASTING_SECONDS : 0;
}

function inZone(label: string, zone: string): string {
  return [label, zone].filter(Boolean).join('.');
}

function parentOf(name: string): string {
  return name.split('.').slice(1).join('.');
}
