/**
 * The sender's clock: real time plus whatever `advance` added. Policy lifetime, fetch back-off and
 * queue lifetime go by it; time-outs on the network do not.
 */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  advance(seconds: number): void;
}

export function createClock(): Clock {
  let aheadMs = 0;
  return {
    now: () => Date.now() + aheadMs,
    advance(seconds) {
      aheadMs += seconds * 1000;
    },
  };
}
