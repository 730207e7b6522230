/**
 * Progress: what the text reporter shows of a run that goes on, below all that it has told. A line
 * for the whole, and one for each sender whose trials run.
 */

import type { RunInfo } from '../model/reporter.ts';
import { printable } from '../protocol/printable.ts';

export interface Progress {
  began(scenario: string, sender: string): void;
  ended(scenario: string, sender: string): void;
  /** As they are at the moment; of any width, safe to show. */
  readonly lines: () => readonly string[];
}

/** Before so many trials have ended, nothing is said of the time that is left. */
const FEWEST = 5;

/** `counts`: `37/130 · 35 pass · 1 fail`. */
export function openProgress(run: RunInfo, counts: () => string): Progress {
  const began = performance.now();
  const senders = new Map(
    run.senders.map(({ name }) => [name, { done: 0, running: new Set<string>() }]),
  );
  const width = Math.max(0, ...[...senders.keys()].map((name) => printable(name, 40).length));
  const planned = senders.size * run.scenarios.length;

  const times = () => {
    const seconds = (performance.now() - began) / 1000;
    const done = [...senders.values()].reduce((sum, sender) => sum + sender.done, 0);
    const left = (seconds / done) * (planned - done);
    return done < FEWEST
      ? [spoken(seconds)]
      : [spoken(seconds), ...(done < planned ? [`about ${spoken(left)} left`] : [])];
  };
  return {
    began: (scenario, sender) => void senders.get(sender)?.running.add(scenario),
    ended(scenario, sender) {
      const state = senders.get(sender);
      if (!state) return;
      state.running.delete(scenario);
      state.done++;
    },
    lines: () => [
      [counts(), ...times()].join(' · '),
      ...[...senders]
        .filter(([, { running }]) => running.size > 0)
        .map(([name, { done, running }]) => {
          const all = String(run.scenarios.length);
          const share = `${String(done).padStart(all.length)}/${all}`;
          // The one that has been running for longest comes first.
          const named = [...running].map((id) => printable(id, 120)).join(', ');
          return `  ${printable(name, 40).padEnd(width)}  ${share} · ${running.size} running: ${named}`;
        }),
    ],
  };
}

/** `42 s`, `3 min 20 s`: a time to the second. */
function spoken(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
