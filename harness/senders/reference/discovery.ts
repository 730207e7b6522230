/**
 * Discovery: which policy applies to a domain right now (RFC 8461 §3.1 to §3.4, §5.1, §10.2).
 *
 * The one rule behind it all: a policy once fetched stays in force until its max_age is over or
 * another valid policy is fetched. Whoever can block DNS or HTTPS must gain nothing by it.
 */

import type { StsPolicy } from '../../protocol/sts-policy.ts';
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
  find(domain: string): Promise<CachedPolicy | undefined>;
  /** The policy in the cache, without a look-up. */
  recall(domain: string): CachedPolicy | undefined;
}

/** §3.3: after a failed fetch, five minutes at least until the same id is tried again. */
const FETCH_BACK_OFF_MS = 5 * 60 * 1000;

export function createDiscovery(setting: Setting, cache: PolicyCache, log: SessionLog): Discovery {
  const { clock, dns, fault } = setting;
  const fetchBody = createPolicyFetcher(setting);
  const fetching = new Map<string, Promise<CachedPolicy | undefined>>();

  async function find(domain: string): Promise<CachedPolicy | undefined> {
    // §3.1: the TXT record is looked up for every delivery.
    const answer = await dns.txt(`_mta-sts.${domain}`);
    const id = readStsId(answer.kind === 'records' ? answer.records : [], fault);
    if (id.ok) return current(domain, id.value);
    // §3.1: without a record the rest of discovery is skipped.
    if (fault === 'fetches-without-record') return current(domain, 'norecord');
    // §3.4: the policy of the recipient's own domain, never of a domain above it.
    if (fault === 'policy-from-parent-domain' && domain.split('.').length > 2)
      return find(domain.slice(domain.indexOf('.') + 1));
    if (answer.kind === 'failure' && fault === 'forgets-cache-on-servfail')
      cache.policies.delete(domain);
    if (
      answer.kind !== 'failure' &&
      id.problem.rule === 'no-record' &&
      fault === 'forgets-cache-when-txt-gone'
    )
      cache.policies.delete(domain);
    if (id.problem.rule === 'multiple-records' && fault === 'forgets-cache-on-multiple-txt')
      cache.policies.delete(domain);
    // §5.1, §10.2: a record that is gone, doubled or broken says there is nothing new; the cached
    // policy stays in force.
    return recall(domain);
  }

  function recall(domain: string): CachedPolicy | undefined {
    const cached = cache.policies.get(domain);
    // §3.2: max_age counts from the last fetch.
    const live =
      cached &&
      (clock.now() < cached.fetchedAt + cached.policy.maxAgeSeconds * 1000 ||
        fault === 'ignores-max-age');
    return live ? cached : undefined;
  }

  async function current(domain: string, id: string): Promise<CachedPolicy | undefined> {
    const cached = recall(domain);
    // §3.1, §5.1: the same id means the same policy.
    if (cached?.id === id) return cached;
    if (cached && fault === 'never-refetches') return cached;
    // §3.1: any other id is a new policy; ids have no order.
    if (cached && id < cached.id && fault === 'refetches-only-when-id-grows') return cached;
    const key = `${domain} ${id}`;
    const failedAt = cache.failedAt.get(key);
    const fetched =
      failedAt !== undefined && clock.now() < failedAt + FETCH_BACK_OFF_MS
        ? undefined
        : await fetchOnce(key, domain, id);
    if (fetched) return fetched;
    if (fault === 'forgets-cache-when-fetch-fails') cache.policies.delete(domain);
    if (!cached && fault === 'defers-when-discovery-fails')
      throw new Error(`${domain}: the policy ${id} cannot be fetched`);
    // §3.3: with a policy in the cache that one applies; without, mail is delivered as if there
    // were no MTA-STS.
    return recall(domain);
  }

  /** One fetch at a time for a domain and id, however many messages wait for it. */
  async function fetchOnce(
    key: string,
    domain: string,
    id: string,
  ): Promise<CachedPolicy | undefined> {
    const underWay = fetching.get(key) ?? fetchPolicy(key, domain, id);
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
  ): Promise<CachedPolicy | undefined> {
    const fetched = await fetchBody(domain);
    if (!fetched.ok) return failed(key, domain, fetched);
    const policy = readPolicy(fetched.body, fault);
    if (!policy.ok)
      return failed(key, domain, { type: 'sts-policy-invalid', why: policy.problem.message });
    const entry = {
      domain,
      id,
      policy: policy.value,
      lines: linesOf(fetched.body),
      fetchedAt: clock.now(),
    };
    cache.policies.set(domain, entry);
    return entry;
  }

  function failed(key: string, domain: string, failure: Failure): undefined {
    cache.failedAt.set(key, clock.now());
    // §6: every kind of failed fetch is reported.
    log.failed({ domain, policy: recall(domain) }, failure);
  }

  return { find, recall };
}

function linesOf(body: string): readonly string[] {
  return body.split(/\r?\n/).filter((line) => line !== '');
}
