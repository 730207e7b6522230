/**
 * What DNS told a sender of an MX host's TLSA records (RFC 7672 §2.2), by the answers that it got.
 * Nothing else counts: not what is published, and not what was not asked for.
 */

import { isDaneAuthenticated, isUsable, readTlsa, type Tlsa } from '../protocol/dane.ts';
import { senderSeconds } from './held-policy.ts';
import { portOf } from './names.ts';
import type { Observation } from './observation.ts';
import { isBefore, namesOf, ofKind, type Seen, type Session } from './traffic.ts';
import { plainName } from './zone.ts';

export interface HeldTlsa {
  readonly lookup: Seen<'dns-query'>;
  /**
   * `usable`: the server has to be authenticated by one of them (§2.2). `unusable`: only TLS is
   * asked for (§2.2, §2.2.3). `failed`: the host must not be used (§2.1.2).
   */
  readonly kind: 'usable' | 'unusable' | 'failed';
  readonly records: readonly Tlsa[];
  /** That may stand in a certificate under usage 2 (§3.2.2). */
  readonly names: readonly string[];
}

/** How a connection was to what its sender knew of the host. */
export type DaneState = 'authenticated' | 'broken' | 'none';

/** Look-ups for TLSA records of this host at this port, or of the name that it is an alias of (§2.2.3). */
export function tlsaLookups(
  observations: readonly Observation[],
  mx: string,
  port: number,
): Seen<'dns-query'>[] {
  const queries = ofKind(observations, 'dns-query');
  const secure = queries.filter(({ ad }) => ad === true);
  const owners = basesOf(queries, mx).flatMap((base) => namesOf(secure, `_${port}._tcp.${base}`));
  return queries.filter(({ type, name }) => type === 'TLSA' && owners.includes(plainName(name)));
}

/**
 * What a sender that had seen this much knew of an MX host of the domain before `when`; undefined:
 * DANE does not apply. It does where the answers that led to the host were secure (§2.2.1, §2.2.2)
 * and there are TLSA records, or it is not known whether there are.
 */
export function heldTlsa(
  observations: readonly Observation[],
  domain: string,
  mx: string,
  when: Pick<Observation, 'at'>,
): HeldTlsa | undefined {
  const earlier = ofKind(observations, 'dns-query').filter(
    (seen) => isBefore(seen, when) && senderSeconds(observations, seen, when) <= KEPT_SECONDS,
  );
  // Beside the one that delivers there may be others in a server that ask, and not about DNSSEC.
  const queries = earlier.filter(({ ad, answer }) => ad !== undefined || FAILED.test(answer));
  const secure = queries.filter(({ ad }) => ad === true);
  const domains = namesOf(secure, domain);
  const hosts = queries.findLast(
    ({ type, name }) => type === 'MX' && domains.includes(plainName(name)),
  );
  if (hosts?.ad !== true || addressLookups(queries, mx).at(-1)?.ad !== true) return undefined;
  const names = [...basesOf(queries, mx), ...domains];
  const port = portTo(observations.filter((seen) => isBefore(seen, when)));
  const lookups = tlsaLookups(queries, mx, port);
  // Of each name its last answer counts.
  const latest = [...new Map(lookups.map((seen) => [plainName(seen.name), seen])).values()];
  const found = latest.find(({ ad, tlsa }) => ad === true && tlsa !== undefined);
  if (found) {
    const records = found.tlsa!.map(readTlsa);
    const kind = records.some(isUsable) ? 'usable' : 'unusable';
    return { lookup: found, kind, records, names };
  }
  const failed = latest.find(({ answer }) => FAILED.test(answer));
  return failed && { lookup: failed, kind: 'failed', records: [], names };
}

/** The lab's answers are good for no time, and some resolvers keep them a while all the same. */
const KEPT_SECONDS = 60 * 60;

/** The port that the last message was for (RFC 7672 §2.2.3). */
export function portTo(observations: readonly Observation[]): number {
  const last = ofKind(observations, 'message-submitted').at(-1);
  return portOf(last?.to.slice(last.to.lastIndexOf('@') + 1) ?? '');
}

/** What is bogus a validator answers with SERVFAIL. */
const FAILED = /^(SERVFAIL|REFUSED|dropped)|, bogus$/;

/**
 * A connection against what was known of the host when it was opened, and is known when something
 * sets out over it: one sender asks before it connects, one once it has seen that TLS is offered, and
 * one before it uses a connection again.
 */
export function daneState(
  observations: readonly Observation[],
  domain: string,
  { opened, mx, handshake }: Session,
  passed: Pick<Observation, 'at'>,
  isSecure: boolean,
): { readonly state: DaneState; readonly held?: HeldTlsa } {
  const now = heldTlsa(observations, domain, mx, passed);
  const before = heldTlsa(observations, domain, mx, opened) ?? now;
  if (!now || !before) return { state: 'none' };
  const isKept = (held: HeldTlsa) => {
    if (held.kind === 'failed' || !isSecure) return false;
    return (
      held.kind === 'unusable' ||
      isDaneAuthenticated(held.records, handshake?.chain ?? [], held.names)
    );
  };
  if (!isKept(before) && !isKept(now)) return { state: 'broken', held: now };
  const isAuthenticated = [before, now].some((held) => held.kind === 'usable' && isKept(held));
  return { state: isAuthenticated ? 'authenticated' : 'none', held: now };
}

/** RFC 7672 §2.2.3: the end of a chain of aliases first, then the name in the MX record. */
function basesOf(queries: readonly Seen<'dns-query'>[], mx: string): string[] {
  const lookups = addressLookups(queries, mx);
  const ends = lookups.flatMap(({ target }) => target ?? []);
  return [...new Set([...ends, ...lookups.map(({ name }) => name), mx].map(plainName))];
}

/** Those that led to this host, under its own name or under an alias. */
function addressLookups(queries: readonly Seen<'dns-query'>[], mx: string): Seen<'dns-query'>[] {
  return queries.filter(
    ({ type, name, target = '' }) =>
      ADDRESS_TYPES.includes(type) && [name, target].map(plainName).includes(plainName(mx)),
  );
}

/** Some senders ask whether a host is an alias before they ask for its address. */
const ADDRESS_TYPES: readonly string[] = ['A', 'AAAA', 'CNAME'];
