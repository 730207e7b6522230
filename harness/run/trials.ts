/**
 * Trials on demand: a sender in its lab that stays up, for somebody who does not know beforehand
 * what is to be tried on it.
 */

import { createPace } from '../concurrency/limit.ts';
import { whenAborted } from '../concurrency/wait.ts';
import { openLab } from '../labs/open.ts';
import type { TrialResult } from '../model/reporter.ts';
import type { Scenario } from '../model/scenario.ts';
import { type Sender, SenderError } from '../model/sender.ts';
import { openInstances } from './instances.ts';
import { jobsOf, prepareSenders, type SendersOptions } from './senders.ts';
import { resultOf, secondChances } from './suite.ts';

export interface Trials extends AsyncDisposable {
  /**
   * One trial, its turn having come; run again where the lab was slow. Throws SenderError once the
   * sender has died, or the signal was given.
   */
  run(scenario: Scenario): Promise<TrialResult>;
}

/** Throws SenderError when the sender cannot be run here. */
export async function openTrials(
  found: Sender,
  {
    vocabulary,
    jobs,
    tell,
    signal,
  }: Pick<SendersOptions, 'vocabulary' | 'jobs' | 'tell' | 'signal'>,
): Promise<Trials> {
  const { senders, skipped, failed } = await prepareSenders([found], { tell, signal });
  const [sender] = senders;
  if (!sender)
    throw new SenderError([...skipped, ...failed][0]?.reason ?? `${found.name} was stopped`);
  const stopped = whenAborted(signal);
  const lab = await openLab(sender.lab ?? 'loopback', tell, { signal });
  const instances = await openInstances(lab, sender).catch(async (error) => {
    await lab[Symbol.asyncDispose]();
    throw error;
  });
  const atWork = new Set<Promise<unknown>>();
  const pace = createPace(jobsOf(sender, jobs, 1));
  const run = async (scenario: Scenario) => {
    const decided = secondChances();
    let told: TrialResult | undefined;
    await pace.each([scenario], 1, async () => {
      if (signal?.aborted) throw new SenderError(`${sender.name} was stopped`);
      const lost = instances.lost();
      if (lost) throw lost;
      told = decided(
        await resultOf(scenario, sender, instances, stopped, { lab, vocabulary, signal }),
      );
      return told ? 'done' : 'crowded';
    });
    return told!;
  };
  return {
    run(scenario) {
      const one = run(scenario).finally(() => atWork.delete(one));
      atWork.add(one);
      return one;
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(atWork);
      await instances[Symbol.asyncDispose]();
      await lab[Symbol.asyncDispose]();
    },
  };
}
