/**
 * The policy that a sender held at a time, by what it was given: the last one that it fetched as
 * RFC 8461 §3.3 has it, for as long as its max_age lasts (§3.2). Nothing else counts: not what the
 * domain published meanwhile, and not what an attacker told it.
 */

import { isPermittedMx } from '../protocol/mx-match.ts';
import { parseStsPolicy, parseStsPolicyLeniently, type StsPolicy } from '../protocol/sts-policy.ts';
import type { Observation } from './observation.ts';
import { POLICY_PATH } from './plan.ts';
import { isBefore, namesOf, ofKind, type Seen } from './traffic.ts';
import { plainName } from './zone.ts';

export interface HeldPolicy {
  readonly fetch: Seen<'policy-request'>;
  readonly policy: StsPolicy;
  /**
   * Fetched since, and the RFC does not say, or says no more than SHOULD, whether one of these takes
   * its place.
   */
  readonly rivals: readonly StsPolicy[];
}

/**
 * Requests for the policy that brought one (RFC 8461 §3.3): GET over HTTPS from a host that proved
 * its name, answered 200, whole; for one of the domains, default any.
 */
export function policyFetches(
  observations: readonly Observation[],
  domains?: readonly string[],
): Seen<'policy-request'>[] {
  return ofKind(observations, 'policy-request').filter(
    (seen) =>
      seen.scheme === 'https' &&
      seen.method === 'GET' &&
      seen.path === POLICY_PATH &&
      seen.status === 200 &&
      seen.complete &&
      seen.authenticated &&
      isAt('mta-sts', seen.host, domains),
  );
}

/** RFC 8461 §3.3 suggests a minute for the whole fetch, and 64 KB. This is more than enough. */
export const LONGEST_FETCH_SECONDS = 120;
export const LARGEST_FETCH_BYTES = 16 * 1024 * 1024;

/** Connections to policy hosts that have not ended. */
export function openFetches(observations: readonly Observation[]): Seen<'web-connection'>[] {
  const closed = new Set(ofKind(observations, 'web-closed').map(({ connection }) => connection));
  return ofKind(observations, 'web-connection').filter(
    (seen) => seen.service === 'policy-host' && !closed.has(seen.connection),
  );
}

/**
 * TXT look-ups at `_mta-sts.` of one of the domains, and of no other: to send a bounce, a sender
 * looks up its own domain as well.
 */
export function stsLookups(
  observations: readonly Observation[],
  domains: readonly string[],
): Seen<'dns-query'>[] {
  const queries = ofKind(observations, 'dns-query');
  const names = domains.flatMap((domain) => namesOf(queries, `_mta-sts.${domain}`));
  return queries.filter((seen) => seen.type === 'TXT' && names.includes(plainName(seen.name)));
}

function isAt(label: string, name: string, domains: readonly string[] | undefined): boolean {
  const lower = name.toLowerCase();
  return domains
    ? domains.some((domain) => lower === `${label}.${domain}`)
    : lower.startsWith(`${label}.`);
}

/**
 * What a sender that had seen this much held for the domain before `when`; undefined: nothing, or
 * it is not proved. A policy without a look-up of its record is no discovery (§3.1).
 */
export function heldPolicy(
  observations: readonly Observation[],
  domain: string,
  when: Pick<Observation, 'at'>,
): HeldPolicy | undefined {
  const fetches = policyFetches(observations, [domain]).filter((seen) => isBefore(seen, when));
  const lookups = fetches.length > 0 ? stsLookups(observations, [domain]) : [];
  let held: HeldPolicy | undefined;
  for (const fetch of fetches) {
    if (!lookups.some((lookup) => lookup.at <= fetch.at)) continue;
    const policy = soundPolicy(fetch);
    if (policy) held = { fetch, policy, rivals: [] };
    else if (held) held = { ...held, rivals: [...held.rivals, ...readingsOf(fetch)] };
  }
  const age = held && senderSeconds(observations, held.fetch, when);
  return held && age! < held.policy.maxAgeSeconds ? held : undefined;
}

/**
 * What a sender may hold that took the last answer of the policy host for a policy, though it is none by
 * the grammar; undefined: no careful reader would, or it has expired.
 */
export function perhapsHeld(
  observations: readonly Observation[],
  domain: string,
  when: Pick<Observation, 'at'>,
): StsPolicy | undefined {
  const last = policyFetches(observations, [domain]).findLast((seen) => isBefore(seen, when));
  const [reading] = last && !soundPolicy(last) ? readingsOf(last) : [];
  if (!last || !reading) return undefined;
  return senderSeconds(observations, last, when) < reading.maxAgeSeconds ? reading : undefined;
}

/** RFC 8461 §3.3: what failed is asked for again after five minutes or longer. */
const LEFT_ALONE_SECONDS = 5 * 60;

/**
 * By what the sender came to the policy host so shortly before this look-up, and has no policy from there
 * since, that it may leave the host alone (RFC 8461 §3.3); undefined: it did not, or has one.
 */
export function failedJustBefore(
  observations: readonly Observation[],
  domain: string,
  look: Observation,
): Observation | undefined {
  const tried = observations.findLast(
    (seen) => seen.step < look.step && isBefore(seen, look) && isAtPolicyHost(seen, domain),
  );
  if (!tried || senderSeconds(observations, tried, look) > LEFT_ALONE_SECONDS) return undefined;
  const isGot = policyFetches(observations, [domain]).some(
    (fetch) =>
      !isBefore(fetch, tried) && isBefore(fetch, look) && parseStsPolicy(fetch.body ?? '').ok,
  );
  return isGot ? undefined : tried;
}

function isAtPolicyHost(seen: Observation, domain: string): boolean {
  if (seen.kind === 'dns-query') return seen.name.toLowerCase() === `mta-sts.${domain}`;
  return seen.kind === 'policy-request' && isAt('mta-sts', seen.host, [domain]);
}

interface Channel {
  readonly mx: string;
  readonly authenticated: boolean;
}

/** The policy forbids delivery to this host over this channel (RFC 8461 §4, §5). */
export function forbids({ policy }: Pick<HeldPolicy, 'policy'>, channel: Channel): boolean {
  return (
    policy.mode === 'enforce' && !(channel.authenticated && isPermittedMx(policy.mx, channel.mx))
  );
}

/**
 * The policy against what passed in a connection: the one held as it passed, if that forbids it and
 * `before`, the one held when the attempt began, did so too. One sender fetches before it connects, one
 * beside the delivery, and one after it has seen that the MX offers STARTTLS.
 */
export function policyAgainst(
  observations: readonly Observation[],
  domain: string,
  before: HeldPolicy | undefined,
  passed: Pick<Observation, 'at'> & Channel,
): HeldPolicy | undefined {
  if (!before || !forbids(before, passed)) return undefined;
  const now = heldPolicy(observations, domain, passed);
  return now && forbids(now, passed) ? now : undefined;
}

/** What every sound sender takes; undefined: it may take nothing (RFC 8461 §3.2: a policy is UTF-8). */
function soundPolicy(fetch: Seen<'policy-request'>): StsPolicy | undefined {
  const policy = parseStsPolicy(fetch.body ?? '');
  const isTaken = isPlainText(fetch) && !fetch.inDoubt && !fetch.invalidUtf8;
  return policy.ok && isTaken ? policy.value : undefined;
}

/** The policy that a careful reader may find there; what was too long to be kept may say anything. */
function readingsOf({ body }: Seen<'policy-request'>): StsPolicy[] {
  const read = parseStsPolicyLeniently(body ?? UNREAD);
  return read.ok ? [read.value] : [];
}

const UNREAD = 'version: STSv1\nmode: none\nmax_age: 0\n';

/** RFC 8461 §3.2: a SHOULD, so that a sender may take what is served otherwise. */
function isPlainText({ contentType }: Seen<'policy-request'>): boolean {
  return /^text\/plain\s*(;|$)/i.test(contentType ?? '');
}

/** From one observation to another, by the sender's clock, which a scenario can advance. */
export function senderSeconds(
  observations: readonly Observation[],
  from: Pick<Observation, 'at'>,
  to: Pick<Observation, 'at'>,
): number {
  const leaps = ofKind(observations, 'time-advanced').filter(
    (leap) => !isBefore(leap, from) && isBefore(leap, to),
  );
  return (to.at - from.at) / 1000 + leaps.reduce((sum, { seconds }) => sum + seconds, 0);
}
