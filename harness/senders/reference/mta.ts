/**
 * A sending MTA put together, with MTA-STS and TLSRPT or without. See delivery.ts for what it does
 * with a mail.
 */

import type { SecureContext } from 'node:tls';
import type { LabAccess, MessageStatus, StartedSender } from '../../model/sender.ts';
import { createClock } from './clock.ts';
import { createDelivery } from './delivery.ts';
import {
  type CachedPolicy,
  createDiscovery,
  createPolicyCache,
  type Discovery,
} from './discovery.ts';
import { createDns } from './dns.ts';
import { domainOf, type Mail } from './mail.ts';
import { createNetwork, type Service } from './network.ts';
import { createQueue } from './queue.ts';
import { type Setting, TIMEOUTS, type Timeouts } from './setting.ts';
import { createReporting, NO_LOG } from './tlsrpt.ts';
import type { Is } from './traits.ts';

export interface MtaOptions {
  readonly mtaSts: boolean;
  readonly is: Is;
  readonly timeouts?: Partial<Timeouts>;
  /** Makes the secure context for trust anchors in PEM, of policy hosts or of MX hosts. */
  readonly trustStore: (anchors: string, service: Service) => SecureContext;
}

const NO_DISCOVERY: Discovery = {
  find: async () => undefined,
  findAnew: async () => undefined,
  recall: () => undefined,
  refresh: async () => {},
};

export function startMta(
  lab: LabAccess,
  onStatus: (status: MessageStatus) => void,
  options: MtaOptions,
): StartedSender {
  const { mtaSts, is, timeouts, trustStore } = options;
  const clock = createClock();
  const dns = createDns(lab.dns, is);
  const network = createNetwork(lab);
  const setting: Setting = {
    clock,
    dns,
    network,
    trust: {
      policyHosts: trustStore(lab.trust.policyHosts, 'policy-host'),
      mxHosts: trustStore(lab.trust.mxHosts, 'mx'),
      oldMxHosts: trustStore(lab.trust.mxHosts, 'old-mx'),
    },
    timeouts: { ...TIMEOUTS, ...timeouts },
    is,
  };
  const cache = createPolicyCache();
  const send = async (mail: Mail) => {
    const domain = domainOf(mail.to);
    const policy = mail.tlsOptional ? undefined : await discovery.find(domain);
    // RFC 8460 §3: what carries a report is none of the sessions that the next one tells of.
    const carrier = createDelivery(setting, cache, is('counts-report-sessions') ? log : NO_LOG);
    const { kind } = await carrier.deliver({ mail, domain, policy, nth: 1 });
    return kind === 'delivered';
  };
  const reporting = createReporting(setting, { send, publish: lab.publish });
  const log = mtaSts ? reporting : NO_LOG;
  const discovery = mtaSts ? createDiscovery(setting, cache, log) : NO_DISCOVERY;
  const delivery = createDelivery(setting, cache, log);
  const queue = createQueue({
    clock,
    discovery,
    // RFC 8461 §5.1: the cached policy is for all mail.
    discoveryOfBounces: is('bounces-have-their-own-cache')
      ? createDiscovery(setting, createPolicyCache(), log)
      : discovery,
    deliver: delivery.deliver,
    onStatus,
    is,
  });

  return {
    submit: queue.submit,
    flush: queue.flush,
    queued: queue.queued,
    async advance(seconds, domains) {
      clock.advance(seconds);
      if (is('renews-as-time-passes')) await discovery.refresh(domains);
    },
    async refresh(domains) {
      await discovery.refresh(domains);
    },
    async restart() {
      await queue.idle();
      delivery.restart();
      // RFC 8461 §10.2: whoever can make a sender restart must not make it forget.
      if (is('forgets-cache-on-restart')) cache.policies.clear();
      for (const [domain, cached] of cache.policies)
        cache.policies.set(domain, readAgain(cached, clock.now(), is));
      // RFC 5321 §4.5.4.1: nor does it forget its mail.
      if (is('loses-mail-on-restart')) queue.clear();
      if (is('leaks-after-restart')) queue.leak();
      if (is('forgets-requiretls-in-a-restart')) queue.relax();
    },
    ...(mtaSts ? { report: reporting.report } : {}),
    async [Symbol.asyncDispose]() {
      queue.close();
      dns.cancel();
      network.close();
      await queue.idle();
    },
  };
}

/** Faults: a cached policy is no longer what it was before the restart. */
function readAgain(cached: CachedPolicy, now: number, is: Is): CachedPolicy {
  const { mode, mx } = cached.policy;
  return {
    ...cached,
    fetchedAt: is('renews-on-restart') ? now : cached.fetchedAt,
    policy: {
      ...cached.policy,
      mode: mode === 'testing' && is('restart-enforces-testing') ? 'enforce' : mode,
      mx: is('restart-loses-mx') ? [] : mx,
    },
  };
}
