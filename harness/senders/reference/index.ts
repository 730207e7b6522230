/**
 * The reference sender: a small RFC 8461 sending MTA, to be read beside the RFC. It is what the
 * oracle is tested with: it must pass every scenario, whatever its temperament, and with any one
 * fault it must fail at least one.
 */

import type { Capability, Sender } from '../../model/sender.ts';
import { FAULTS, type FaultName } from './faults.ts';
import { startMta } from './mta.ts';
import { createTrustStore } from './network.ts';
import type { Timeouts } from './setting.ts';
import { TEMPERAMENTS, type TemperamentName, TRIED_ALONE } from './temperaments.ts';
import { parseTraits, type Trait, traitsOf } from './traits.ts';

export {
  FAULTS,
  type FaultName,
  parseTraits,
  TEMPERAMENTS,
  type TemperamentName,
  TRIED_ALONE,
  type Trait,
};

export interface ReferenceOptions {
  /** Faults and temperaments. */
  readonly traits?: readonly Trait[];
  readonly timeouts?: Partial<Timeouts>;
}

const CAPABILITIES: readonly Capability[] = [
  'mta-sts',
  'testing-mode',
  'tlsrpt',
  'tlsrpt-mail',
  'requiretls',
  'dane',
  'queue',
  'time-travel',
  'queue-lifetime',
  'restart',
  'dsn',
  'persistent-cache',
  'ipv6',
  'refresh',
  'backup-mx',
  'smart-host',
  'address-literal',
  'required-tls',
];

export function referenceSender({ traits = [], timeouts }: ReferenceOptions = {}): Sender {
  const is = traitsOf(traits);
  const trustStore = createTrustStore(is);
  return {
    name: traits.length > 0 ? `reference:${traits.join('+')}` : 'reference',
    version: '1',
    summary: summaryOf(traits),
    capabilities: CAPABILITIES.filter((capability) => !(capability === 'dsn' && is('no-dsn'))),
    dkim: true,
    perInstance: 'scenario',
    isBuiltIn: true,
    unavailable: async () => undefined,
    start: async (lab, onStatus) =>
      startMta(lab, onStatus, { mtaSts: true, is, timeouts, trustStore }),
  };
}

function summaryOf(traits: readonly Trait[]): string {
  if (traits.length === 0) return 'A small RFC 8461 sending MTA, in process.';
  const sentences: Readonly<Record<string, string>> = { ...FAULTS, ...TEMPERAMENTS };
  return `The reference sender, otherwise: ${traits.map((trait) => sentences[trait]).join(' ')}`;
}
