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
  /** Milliseconds since the scenario began. */
  elapsedMs(): number;
  /** Milliseconds since anything was recorded. */
  quietMs(): number;
  isFrozen(): boolean;
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
  const times = new Map<string, number>();
  const elapsedMs = () => Math.round((now() - began) * 1000) / 1000;
  /** What happens on one connection has an order, and so a time each. */
  const timeOf = (event: Event): number => {
    const at = elapsedMs();
    if (!('connection' in event)) return at;
    const last = times.get(event.connection);
    const own = last === undefined ? at : Math.max(at, Math.round((last + 0.001) * 1000) / 1000);
    times.set(event.connection, own);
    return own;
  };

  return {
    elapsedMs,
    quietMs: () => elapsedMs() - (observations.at(-1)?.at ?? 0),
    isFrozen: () => frozen,
    record(leg, event) {
      if (frozen) return;
      observations.push({
        seq: observations.length + 1,
        at: timeOf(event),
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
        const timer = setTimeout(waiter.giveUp, Math.max(boundMs, 0));
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
