/**
 * Discovery: which policy applies to a domain right now (RFC 8461 §3.1 to §3.4, §5.1, §10.2).
 *
 * The one rule behind it all: a policy once fetched stays in force until its max_age is over or
 * another valid policy is fetched. Whoever can block DNS or HTTPS must gain nothing by it.
 */

import { setTimeout as wait } from 'node:timers/promises';
import type { StsPolicy } from '../../protocol/sts-policy.ts';
import { literalOf } from './mail.ts';
import { createPolicyFetcher } from './policy-fetch.ts';
import { readPolicy, readStsId } from './reading.ts';
import type { Setting } from './setting.ts';
import type { Failure, SessionLog } from './tlsrpt.ts';

export interface CachedPolicy {
  readonly domain: string;
  readonly id: string;
  readonly policy: StsPolicy;
  /** The lines of the body, for reports (RFC 8460 §4.4 policy-string). */
  readonly lines: readonly string[];
  /** By the sender's clock. */
  readonly fetchedAt: number;
}

/** Outlives a restart (§10.2 wants it hard to make a sender forget). */
export interface PolicyCache {
  readonly policies: Map<string, CachedPolicy>;
  /** When a fetch last failed, by domain and id. */
  readonly failedAt: Map<string, number>;
}

export function createPolicyCache(): PolicyCache {
  return { policies: new Map(), failedAt: new Map() };
}

export interface Discovery {
  /**
   * Looks for the policy that applies to mail for the domain; undefined: none, deliver as without
   * MTA-STS.
   */
  find(domain: string, isRetry?: boolean): Promise<CachedPolicy | undefined>;
  /** The same, and whatever the sender's habits it asks whether there is a newer one (§5). */
  findAnew(domain: string, isRetry?: boolean): Promise<CachedPolicy | undefined>;
  /** The policy in the cache, without a look-up. */
  recall(domain: string): CachedPolicy | undefined;
  /** Fetches the policies of these domains anew, as far as they are in the cache (§3.3, §10.2). */
  refresh(domains: readonly string[]): Promise<void>;
}

/** §3.3: after a failed fetch, five minutes at least until the same id is tried again. */
const FETCH_BACK_OFF_MS = 5 * 60 * 1000;
/** Of a sender that fetches later. */
const LATER_MS = 4_000;
const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

export function createDiscovery(setting: Setting, cache: PolicyCache, log: SessionLog): Discovery {
  const { clock, dns, is } = setting;
  const fetchBody = createPolicyFetcher(setting);
  const refreshBody = is('refreshes-from-anybody')
    ? createPolicyFetcher({
        ...setting,
        is: (trait) => trait === 'accepts-any-policy-host-certificate' || is(trait),
      })
    : fetchBody;
  const fetching = new Map<string, Promise<CachedPolicy | undefined>>();

  async function find(recipientDomain: string, isRetry = false): Promise<CachedPolicy | undefined> {
    // §3.4: of the domain in the address, whatever it is an alias of.
    const domain = is('policy-of-the-alias')
      ? await dns.targetOf(recipientDomain)
      : recipientDomain;
    const cached = recall(domain);
    if (cached && is('keeps-to-cache')) return cached;
    if (is('fetches-later') || is('fetches-beside')) {
      const rest = is('fetches-later') ? wait(LATER_MS, undefined, { ref: false }) : undefined;
      void Promise.resolve(rest)
        .then(() => findAnew(domain))
        .catch(() => {});
      return cached;
    }
    return findAnew(domain, isRetry);
  }

  async function findAnew(domain: string, isRetry = false): Promise<CachedPolicy | undefined> {
    const none = `${domain} -`;
    if (is('remembers-no-policy')) {
      if (clock.now() < (cache.failedAt.get(none) ?? 0) + 7 * DAY_MS) return undefined;
      const found = await discover(domain);
      if (!found) cache.failedAt.set(none, clock.now());
      return found;
    }
    return discover(domain, isRetry);
  }

  async function discover(domain: string, isRetry = false): Promise<CachedPolicy | undefined> {
    // §3.4: an address literal has no policy.
    if (literalOf(domain) && !is('policies-for-address-literals')) return undefined;
    // §3.1: the TXT record is looked up for every delivery.
    const answer = await dns.txt(`_mta-sts.${domain}`);
    const id = readStsId(answer.kind === 'records' ? answer.records : [], is);
    if (id.ok) return current(domain, id.value);
    // §3.1: without a record the rest of discovery is skipped.
    if (is('fetches-without-record')) return current(domain, 'norecord');
    // §3.4: the policy of the recipient's own domain, never of a domain above it.
    if (is('policy-from-parent-domain') && domain.split('.').length > 3) {
      const parents = await findAnew(domain.slice(domain.indexOf('.') + 1));
      if (parents) cache.policies.set(domain, parents);
      return parents;
    }
    const { rule } = id.violation;
    if (answer.kind === 'failure' && is('forgets-cache-on-servfail')) cache.policies.delete(domain);
    if (answer.kind !== 'failure' && rule === 'no-record' && is('forgets-cache-when-txt-gone'))
      cache.policies.delete(domain);
    if (rule === 'multiple-records' && is('forgets-cache-on-multiple-txt'))
      cache.policies.delete(domain);
    if (rule.startsWith('id-') && is('forgets-cache-on-bad-record')) cache.policies.delete(domain);
    if (rule === 'no-record' && is('defers-without-a-record'))
      throw new Error(`${domain}: there is no policy record`);
    if (answer.kind === 'failure' && is('defers-when-record-fails'))
      throw new Error(`${domain}: the policy record cannot be looked up`);
    // §5.1, §10.2: a record that is gone, doubled or broken says there is nothing new; the cached
    // policy stays in force, for new mail and for what has waited.
    return isRetry && is('needs-the-record-on-retry') ? undefined : recall(domain);
  }

  function recall(domain: string): CachedPolicy | undefined {
    const cached =
      cache.policies.get(domain) ?? (is('caches-by-child') ? childOf(domain) : undefined);
    if (!cached) return undefined;
    // §3.2: max_age counts from the last fetch.
    const age = clock.now() - cached.fetchedAt;
    const lifetime = cached.policy.maxAgeSeconds * 1000;
    if (age >= lifetime && !is('ignores-max-age')) return undefined;
    if (age >= DAY_MS && is('keeps-policies-a-day')) return undefined;
    return cached;
  }

  function childOf(domain: string): CachedPolicy | undefined {
    return [...cache.policies.values()].find((one) => one.domain.endsWith(`.${domain}`));
  }

  async function current(domain: string, id: string): Promise<CachedPolicy | undefined> {
    const cached = recall(domain);
    // §3.1, §5.1: the same id means the same policy.
    if (cached && isSameId(cached.id, id)) return cached;
    // §3.2: what has expired is fetched anew, whatever its id.
    if (!cached && cache.policies.get(domain)?.id === id && is('refetches-only-under-a-new-id'))
      return undefined;
    if (cached && is('never-refetches')) return cached;
    const mode = cached?.policy.mode;
    if (mode === 'testing' && is('never-refetches-testing')) return cached;
    if (mode === 'none' && is('never-refetches-none')) return cached;
    // §3.1: any other id is a new policy; ids have no order.
    if (cached && id < cached.id && is('refetches-only-when-id-grows')) return cached;
    if (cached && is('forgets-cache-when-id-changes')) cache.policies.delete(domain);
    const key = `${domain} ${id}`;
    if (fetching.has(key) && is('forgets-the-cache-while-fetching')) return undefined;
    const fetched = isBackingOff(domain, key) ? undefined : await fetchOnce(key, domain, id);
    if (fetched) return fetched;
    if (is('forgets-cache-when-fetch-fails')) cache.policies.delete(domain);
    // §3.2: only a fetch renews a policy's life; one that failed does not.
    const stale = cache.policies.get(domain);
    if (stale && is('failed-fetch-renews'))
      cache.policies.set(domain, { ...stale, fetchedAt: clock.now() });
    if (!cached && is('defers-when-discovery-fails'))
      throw new Error(`${domain}: the policy ${id} cannot be fetched`);
    // §3.3: with a policy in the cache that one applies; without, mail is delivered as if there
    // were no MTA-STS.
    return recall(domain);
  }

  function isSameId(known: string, id: string): boolean {
    if (is('compares-ids-without-case')) return known.toLowerCase() === id.toLowerCase();
    if (is('compares-ids-by-prefix')) return id.startsWith(known) || known.startsWith(id);
    if (is('compares-ids-as-numbers') && /^\d/.test(known + id))
      return Number.parseInt(known, 10) === Number.parseInt(id, 10);
    return known === id;
  }

  function isBackingOff(domain: string, key: string): boolean {
    if (is('no-back-off')) return false;
    if (is('backs-off-for-everybody'))
      return [...cache.failedAt.values()].some((at) => clock.now() < at + FETCH_BACK_OFF_MS);
    const own = [...cache.failedAt].filter(([other]) => other.startsWith(`${domain} `));
    if (own.length > 0 && is('never-tries-again')) return true;
    if (is('backs-off-by-domain'))
      return own.some(([, failedAt]) => clock.now() < failedAt + HOUR_MS);
    const failedAt = cache.failedAt.get(key);
    return failedAt !== undefined && clock.now() < failedAt + FETCH_BACK_OFF_MS;
  }

  /** One fetch at a time for a domain and id, however many messages wait for it. */
  async function fetchOnce(
    key: string,
    domain: string,
    id: string,
    from = fetchBody,
  ): Promise<CachedPolicy | undefined> {
    const underWay = fetching.get(key) ?? fetchPolicy(key, domain, id, from);
    fetching.set(key, underWay);
    try {
      return await underWay;
    } finally {
      fetching.delete(key);
    }
  }

  async function fetchPolicy(
    key: string,
    domain: string,
    id: string,
    from: typeof fetchBody,
  ): Promise<CachedPolicy | undefined> {
    const fetched = await from(domain);
    if (!fetched.ok) return failed(key, domain, fetched);
    const policy = readPolicy(fetched.body, is);
    if (!policy.ok)
      return failed(key, domain, { type: 'sts-policy-invalid', why: policy.violation.message });
    const before = cache.policies.get(domain);
    // §3.2: a policy lives from its last fetch.
    const fetchedAt = before && is('lives-from-first-fetch') ? before.fetchedAt : clock.now();
    const lines = linesOf(fetched.body);
    // §3.2: its own max_age, however long the one before was to be kept.
    const floor = before && is('keeps-longest-max-age') ? before.policy.maxAgeSeconds : 0;
    const maxAgeSeconds = Math.max(floor, policy.value.maxAgeSeconds);
    // §3.2: its own mode, though it asks for less.
    const isStricter = before?.policy.mode === 'enforce' && policy.value.mode === 'testing';
    const mode = isStricter && is('keeps-enforce-over-testing') ? 'enforce' : policy.value.mode;
    const value = { ...policy.value, mode, maxAgeSeconds };
    const entry: CachedPolicy = { domain, id, policy: value, lines, fetchedAt };
    cache.policies.set(domain, entry);
    return entry;
  }

  function failed(key: string, domain: string, failure: Failure): undefined {
    cache.failedAt.set(key, clock.now());
    const cached = cache.policies.get(domain);
    if (cached && is('keeps-the-id-of-a-failed-fetch'))
      cache.policies.set(domain, { ...cached, id: key.slice(`${domain} `.length) });
    // §6: every kind of failed fetch is reported.
    log.failed({ domain, policy: recall(domain) }, failure);
  }

  async function refresh(domains: readonly string[]): Promise<void> {
    if (is('never-refreshes')) return;
    for (const domain of domains) {
      if (!cache.policies.has(domain)) continue;
      if (recall(domain) && is('refreshes-when-expired')) continue;
      const answer = await dns.txt(`_mta-sts.${domain}`);
      const id = readStsId(answer.kind === 'records' ? answer.records : [], is);
      // §3.3: under the same id as well: it is the fetch that renews the life of a policy.
      const fetched =
        id.ok && (await fetchOnce(`${domain} ${id.value}`, domain, id.value, refreshBody));
      // §5.1: a refresh that brings nothing ends nothing.
      if (!id.ok && is('forgets-on-refresh-without-record')) cache.policies.delete(domain);
      if (id.ok && !fetched && is('forgets-on-failed-refresh')) cache.policies.delete(domain);
    }
  }

  return { find, findAnew, recall, refresh };
}

function linesOf(body: string): readonly string[] {
  return body.split(/\r?\n/).filter((line) => line !== '');
}
