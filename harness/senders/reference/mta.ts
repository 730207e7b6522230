/**
 * A sending MTA put together, with MTA-STS and TLSRPT or without. See delivery.ts for what it does
 * with a mail.
 */

import type { SecureContext } from 'node:tls';
import type { LabAccess, MessageStatus, StartedSender } from '../../model/sender.ts';
import { createClock } from './clock.ts';
import { createDelivery } from './delivery.ts';
import { createDiscovery, createPolicyCache, type Discovery } from './discovery.ts';
import { createDns } from './dns.ts';
import type { FaultName } from './faults.ts';
import { createNetwork } from './network.ts';
import { createQueue } from './queue.ts';
import { type Setting, TIMEOUTS, type Timeouts } from './setting.ts';
import { createReporting, NO_LOG } from './tlsrpt.ts';

export interface MtaOptions {
  readonly mtaSts: boolean;
  readonly fault?: FaultName;
  readonly timeouts?: Partial<Timeouts>;
  /** Makes the secure context for trust anchors in PEM. */
  readonly trustStore: (anchors: string) => SecureContext;
}

const NO_DISCOVERY: Discovery = { find: async () => undefined, recall: () => undefined };

export function startMta(
  lab: LabAccess,
  onStatus: (status: MessageStatus) => void,
  options: MtaOptions,
): StartedSender {
  const { mtaSts, fault, timeouts, trustStore } = options;
  const clock = createClock();
  const dns = createDns(lab.dns);
  const network = createNetwork(lab);
  const setting: Setting = {
    clock,
    dns,
    network,
    trust: {
      policyHosts: trustStore(lab.trust.policyHosts),
      mxHosts: trustStore(lab.trust.mxHosts),
    },
    timeouts: { ...TIMEOUTS, ...timeouts },
    fault,
  };
  const cache = createPolicyCache();
  const reporting = createReporting(setting);
  const log = mtaSts ? reporting : NO_LOG;
  const discovery = mtaSts ? createDiscovery(setting, cache, log) : NO_DISCOVERY;
  const queue = createQueue({
    clock,
    discovery,
    deliver: createDelivery(setting, cache, log),
    onStatus,
    fault,
  });

  return {
    submit: queue.submit,
    flush: queue.flush,
    queued: queue.queued,
    async advance(seconds) {
      clock.advance(seconds);
    },
    async restart() {
      await queue.idle();
      // RFC 8461 §10.2: whoever can make a sender restart must not make it forget.
      if (fault === 'forgets-cache-on-restart') cache.policies.clear();
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
