/**
 * The reference sender: a small RFC 8461 sending MTA, to be read beside the RFC. It is what the
 * oracle is tested with: it must pass every scenario, and with any one fault it must fail at least
 * one (DESIGN §4.11).
 */

import type { Sender } from '../../model/sender.ts';
import { FAULTS, type FaultName } from './faults.ts';
import { startMta } from './mta.ts';
import { createTrustStore } from './network.ts';
import type { Timeouts } from './setting.ts';

export { FAULTS, type FaultName };

export interface ReferenceOptions {
  /** Wrong in this one way. */
  readonly fault?: FaultName;
  readonly timeouts?: Partial<Timeouts>;
}

export function referenceSender({ fault, timeouts }: ReferenceOptions = {}): Sender {
  const trustStore = createTrustStore(fault);
  return {
    name: fault ? `reference:${fault}` : 'reference',
    version: '1',
    summary: fault
      ? `The reference sender with a fault: ${FAULTS[fault]}`
      : 'A small RFC 8461 sending MTA, in process.',
    capabilities: [
      'mta-sts',
      'testing-mode',
      'tlsrpt',
      'queue',
      'time-travel',
      'queue-lifetime',
      'restart',
      'dsn',
      'persistent-cache',
    ],
    perInstance: 'scenario',
    unavailable: async () => undefined,
    start: async (lab, onStatus) =>
      startMta(lab, onStatus, { mtaSts: true, fault, timeouts, trustStore }),
  };
}
