/**
 * The opportunistic sender: the reference sender's queue and SMTP client without MTA-STS. STARTTLS
 * where it is offered, whatever the certificate, else clear text (RFC 7435). It shows what every
 * attack does to a sender that does not hold fast.
 */

import type { Sender } from '../model/sender.ts';
import { startMta } from './reference/mta.ts';
import { createTrustStore } from './reference/network.ts';
import type { Timeouts } from './reference/setting.ts';
import { traitsOf } from './reference/traits.ts';

export function opportunisticSender({
  timeouts,
}: {
  readonly timeouts?: Partial<Timeouts>;
} = {}): Sender {
  // RFC 7672 is an opt-in of the sender as well.
  const is = traitsOf(['dane-never-asks']);
  const trustStore = createTrustStore(is);
  return {
    name: 'opportunistic',
    version: '1',
    summary: 'STARTTLS where it is offered, unverified, and no MTA-STS; in process.',
    capabilities: [
      'queue',
      'time-travel',
      'queue-lifetime',
      'restart',
      'dsn',
      'ipv6',
      'smart-host',
      'address-literal',
      'required-tls',
    ],
    perInstance: 'scenario',
    isBuiltIn: true,
    unavailable: async () => undefined,
    start: async (lab, onStatus) =>
      startMta(lab, onStatus, { mtaSts: false, is, timeouts, trustStore }),
  };
}
