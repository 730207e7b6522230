/**
 * The recorder of one scenario: one append-only, typed, timestamped stream. Servers and runner
 * write, the judge reads.
 *
 * A sender may write without end. The stream takes so many observations and no more, and who waits
 * for one looks at it once for all that came together, however much that is.
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
  /** Full or frozen. */
  isOver(): boolean;
  /**
   * Resolves true once `holds` is true, or false after `boundMs`, and when the stream is full or
   * frozen. It is looked at after events, once for those of one turn of the event loop, so what
   * holds only for a part of a turn may be missed.
   */
  until(holds: () => boolean, boundMs: number): Promise<boolean>;
  /** Resolves when the stream is full: a `flooded` ends it, and only `lab-health` is still taken. */
  readonly full: Promise<void>;
  freeze(): readonly Observation[];
}

/** Many times what any trial of a server that works has needed. */
export const MOST_OBSERVATIONS = 20_000;

/** Looking takes at most one part in so many of the time. */
const LOOKING_SHARE = 10;

export function createRecorder(now: () => number = () => performance.now()): Recorder {
  const began = now();
  const observations: Observation[] = [];
  const waiting = new Set<{ check(): void; giveUp(): void }>();
  const full = Promise.withResolvers<void>();
  let step = 0;
  let frozen = false;
  let isFull = false;
  let isLookDue = false;
  let nextLook = 0;
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

  const isOver = () => frozen || isFull;
  const append = (leg: Leg, event: Event) => {
    observations.push({ seq: observations.length + 1, at: timeOf(event), leg, step, ...event });
  };
  const look = () => {
    isLookDue = false;
    const began = performance.now();
    for (const { check } of waiting) check();
    const ended = performance.now();
    nextLook = ended + (ended - began) * LOOKING_SHARE;
  };
  const lookSoon = () => {
    if (isLookDue || waiting.size === 0) return;
    isLookDue = true;
    const pause = nextLook - performance.now();
    if (pause < 1) setImmediate(look);
    else setTimeout(look, pause);
  };
  const giveUp = () => {
    for (const waiter of waiting) waiter.giveUp();
  };

  return {
    elapsedMs,
    full: full.promise,
    quietMs: () => elapsedMs() - (observations.at(-1)?.at ?? 0),
    isOver,
    record(leg, event) {
      if (frozen || (isFull && event.kind !== 'lab-health')) return;
      append(leg, event);
      if (observations.length === MOST_OBSERVATIONS) {
        isFull = true;
        append('main', { kind: 'flooded', most: mostOf(observations) });
        giveUp();
        full.resolve();
      } else lookSoon();
    },
    enterStep(index) {
      step = index;
    },
    observations,
    until(holds, boundMs) {
      if (holds()) return Promise.resolve(true);
      // Nothing will come any more: a step that was given up must not wait.
      if (isOver()) return Promise.resolve(false);
      return new Promise((resolve) => {
        const finish = (value: boolean) => {
          clearTimeout(timer);
          waiting.delete(waiter);
          resolve(value);
        };
        const waiter = { check: () => void (holds() && finish(true)), giveUp: () => finish(false) };
        // What was recorded in this very turn counts too.
        const timer = setTimeout(() => finish(holds()), Math.max(boundMs, 0));
        waiting.add(waiter);
      });
    },
    freeze() {
      frozen = true;
      giveUp();
      return Object.freeze(observations);
    },
  };
}

/** The kind that there is most of. */
function mostOf(observations: readonly Observation[]): Event['kind'] {
  const kinds = [...Map.groupBy(observations, ({ kind }) => kind)];
  return kinds.toSorted(([, a], [, b]) => b.length - a.length)[0]![0];
}
