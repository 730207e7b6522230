/**
 * The recorder of one scenario: one append-only, typed, timestamped stream. Servers and runner
 * write, the judge reads.
 */

import type { Event, Leg, Observation } from '../model/observation.ts';

export interface Recorder {
  /** Appends; what comes after `freeze` is dropped, since the verdict rests on what was frozen. */
  record(leg: Leg, event: Event): void;
  /** The step that events belong to from now on. */
  enterStep(index: number): void;
  readonly observations: readonly Observation[];
  /**
   * Resolves true once `holds` is true (checked at every event), or false after `boundMs` and when
   * the stream is frozen.
   */
  until(holds: () => boolean, boundMs: number): Promise<boolean>;
  freeze(): readonly Observation[];
}

export function createRecorder(now: () => number = () => performance.now()): Recorder {
  const began = now();
  const observations: Observation[] = [];
  const waiting = new Set<{ check(): void; giveUp(): void }>();
  let step = 0;
  let frozen = false;

  return {
    record(leg, event) {
      if (frozen) return;
      observations.push({
        seq: observations.length + 1,
        at: Math.round((now() - began) * 10) / 10,
        leg,
        step,
        ...event,
      });
      for (const { check } of waiting) check();
    },
    enterStep(index) {
      step = index;
    },
    observations,
    until(holds, boundMs) {
      if (holds()) return Promise.resolve(true);
      // Nothing will come any more: a step that was given up must not wait.
      if (frozen) return Promise.resolve(false);
      return new Promise((resolve) => {
        const finish = (value: boolean) => {
          clearTimeout(timer);
          waiting.delete(waiter);
          resolve(value);
        };
        const waiter = { check: () => void (holds() && finish(true)), giveUp: () => finish(false) };
        const timer = setTimeout(waiter.giveUp, boundMs);
        waiting.add(waiter);
      });
    },
    freeze() {
      frozen = true;
      for (const { giveUp } of waiting) giveUp();
      return Object.freeze(observations);
    },
  };
}
