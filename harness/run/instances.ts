/**
 * The running instances of one sender: who gets which, and whose message a status is about.
 */

import { limited } from '../concurrency/limit.ts';
import type { Lab } from '../lab/lab.ts';
import type { Scenario } from '../model/scenario.ts';
import type { MessageStatus, Sender, SenderError, StartedSender } from '../model/sender.ts';

interface Taken {
  readonly sender: StartedSender;
  expect(token: string): void;
  /**
   * Gives it back. One that is not whole, is still at work, or was made older serves nobody else, but
   * for the one that serves all.
   */
  release(isWhole?: boolean): Promise<void>;
}

export interface Instances extends AsyncDisposable {
  take(scenario: Scenario, onStatus: (status: MessageStatus) => void): Promise<Taken>;
  /** The warm instance that serves all has died, and this is why. */
  lost(): SenderError | undefined;
}

/** A machine that starts many servers at once has no time for the lab. */
const STARTS_AT_ONCE = 4;

/**
 * Starts what serves all; others are started when a scenario needs them, and serve again when it is
 * over.
 */
export async function openInstances(lab: Lab, sender: Sender): Promise<Instances> {
  const listeners = new Map<string, (status: MessageStatus) => void>();
  const start = limited(STARTS_AT_ONCE, () =>
    sender.start(lab.access, (status) => listeners.get(status.token)?.(status)),
  );
  const shared = sender.perInstance === 'run' ? await start() : undefined;
  const all = new Set<StartedSender>(shared && [shared]);
  const free: StartedSender[] = [];
  let lost: SenderError | undefined;
  void shared?.died?.then((error) => {
    lost = error;
  });

  /** One that nobody else uses at the time. */
  const takeExclusive = async () => {
    const known = free.pop();
    if (known) return known;
    const started = start().finally(() => starting.delete(started));
    starting.add(started);
    const instance = await started;
    all.add(instance);
    // What cannot be removed now is removed when the run is over.
    void instance.died?.then(() => end(instance)).catch(() => {});
    return instance;
  };
  const starting = new Set<Promise<unknown>>();
  const end = async (instance: StartedSender) => {
    if (free.includes(instance)) free.splice(free.indexOf(instance), 1);
    if (all.delete(instance)) await instance[Symbol.asyncDispose]();
  };
  return {
    async take(scenario, onStatus) {
      const tokens: string[] = [];
      const isShared =
        shared !== undefined && !scenario.stages.some(({ step }) => step.kind === 'restart');
      const instance = isShared ? shared : await takeExclusive();
      // The clock of some is one for all domains: whom the next scenario shows a certificate that is
      // not valid yet would find it valid.
      const ages =
        instance.advance !== undefined &&
        scenario.stages.some(({ step }) => step.kind === 'advance');
      return {
        sender: instance,
        expect(token) {
          tokens.push(token);
          listeners.set(token, onStatus);
        },
        async release(isWhole = true) {
          for (const token of tokens) listeners.delete(token);
          if (sender.perInstance === 'scenario') await end(instance);
          // The trial's evidence is worth more than that it can be removed just now.
          else if (!isShared && (!isWhole || ages)) await end(instance).catch(() => {});
          else if (!isShared && all.has(instance)) free.push(instance);
        },
      };
    },
    lost: () => lost,
    async [Symbol.asyncDispose]() {
      // What is still on its way up when a run is stopped has to be ended too.
      await Promise.allSettled(starting);
      await Promise.all([...all].map(end));
    },
  };
}
