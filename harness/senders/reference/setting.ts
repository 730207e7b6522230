/**
 * What the parts of one running sender share.
 */

import type { SecureContext } from 'node:tls';
import type { Clock } from './clock.ts';
import type { Dns } from './dns.ts';
import type { Network } from './network.ts';
import type { Is } from './traits.ts';

export interface Setting {
  readonly clock: Clock;
  readonly dns: Dns;
  readonly network: Network;
  /** Policy hosts and MX hosts are trusted by separate anchors. */
  readonly trust: {
    readonly policyHosts: SecureContext;
    readonly mxHosts: SecureContext;
    /** The same with TLS 1.0 and 1.1, for faults. */
    readonly oldMxHosts: SecureContext;
  };
  readonly timeouts: Timeouts;
  readonly is: Is;
}

/** In real milliseconds. */
export interface Timeouts {
  readonly connectMs: number;
  readonly handshakeMs: number;
  /** For the greeting and for each reply. */
  readonly replyMs: number;
  /** For the whole policy fetch, and for the whole delivery of a report. */
  readonly policyFetchMs: number;
}

export const TIMEOUTS: Timeouts = {
  connectMs: 2000,
  handshakeMs: 2000,
  // Longer than a path holds a reply back to see whether somebody reads ahead.
  replyMs: 4000,
  policyFetchMs: 2000,
};
