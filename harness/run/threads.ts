/**
 * Threads: a lab and a sender in one thread keep one core busy. Where there are more, the scenarios
 * of senders that are a part of Holdfast are dealt out, and each thread tries its own in a lab of its
 * own. What comes of it is told in this one, as of one lab.
 */

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { outcomesOf } from '../concurrency/limit.ts';
import type { Observation } from '../model/observation.ts';
import type { Sender, SenderDescription } from '../model/sender.ts';
import type { Verdict } from '../model/verdict.ts';
import { siblingProgram } from '../senders/node/launch.ts';
import { YOUNG_SPACE_MIB } from './heap.ts';
import type { SendersOptions, Skipped } from './senders.ts';
import { longFirst } from './suite.ts';

/** What a thread (thread.ts) is given; its senders by name. */
export interface Order {
  readonly senders: readonly string[];
  readonly scenarios: SendersOptions['scenarios'];
  readonly jobs: number | undefined;
}

/** What it tells; senders and scenarios by their place in the order. */
export type FromThread =
  | { readonly kind: 'started'; readonly scenario: number; readonly sender: number }
  | {
      readonly kind: 'result';
      readonly scenario: number;
      readonly sender: number;
      readonly verdict: Verdict;
      /** As the thread's own lab lets it be. */
      readonly described: SenderDescription;
      readonly observations: readonly Observation[];
    }
  | { readonly kind: 'ended'; readonly failed: readonly Skipped[] };

/** Fewer trials are over before another thread has loaded what it needs. */
const TRIALS_EACH = 60;
/** Each takes its memory. */
const MOST_THREADS = 4;

/**
 * How many threads suit these senders; 0: this one does for them. Where others are tried beside them
 * a core is theirs.
 */
export function howManyThreads(
  senders: readonly Sender[],
  { scenarios, jobs = Number.POSITIVE_INFINITY }: Pick<SendersOptions, 'scenarios' | 'jobs'>,
  besideOthers = false,
): number {
  if (senders.length === 0) return 0;
  const trials = senders.length * scenarios.length;
  const useful = Math.floor(Math.min(trials / TRIALS_EACH, jobs / senders.length));
  const cores = availableParallelism() - (besideOthers ? 1 : 0);
  const threads = Math.min(useful, cores, MOST_THREADS);
  return threads > 1 || (threads === 1 && besideOthers) ? threads : 0;
}

/** Every `of`th, from the `index`th on: neighbours are alike, and so are the shares. */
export function shareOf<T>(items: readonly T[], index: number, of: number): T[] {
  return items.filter((_, place) => place % of === index);
}

/**
 * Runs the scenarios on these senders in so many threads. Returns the senders that could not be run.
 * Rejects when a thread breaks, once the others have ended.
 */
export async function runInThreads(
  senders: readonly Sender[],
  threads: number,
  { scenarios, jobs, ...options }: SendersOptions,
): Promise<Skipped[]> {
  const inOrder = longFirst(scenarios);
  const shares = Array.from({ length: threads }, (_, index) => shareOf(inOrder, index, threads));
  const own = jobs && Math.ceil(jobs / threads);
  const ended = await Promise.allSettled(
    shares.map((share) => runInThread(senders, { ...options, scenarios: share, jobs: own })),
  );
  const failed = outcomesOf(ended).flat();
  return [...new Map(failed.map((one) => [one.name, one])).values()];
}

/**
 * Runs these scenarios in a thread of their own. Returns the senders that could not be run. Rejects
 * when the thread breaks, or what is told of it does.
 */
export async function runInThread(
  senders: readonly Sender[],
  {
    scenarios,
    jobs,
    signal,
    onTrialStart,
    onResult,
  }: Pick<SendersOptions, 'scenarios' | 'jobs' | 'signal' | 'onTrialStart' | 'onResult'>,
): Promise<readonly Skipped[]> {
  const order: Order = { senders: senders.map(({ name }) => name), scenarios, jobs };
  const thread = new Worker(siblingProgram('./thread', import.meta.url), {
    workerData: order,
    resourceLimits: { maxYoungGenerationSizeMb: 3 * YOUNG_SPACE_MIB },
  });
  const stop = () => thread.postMessage('stop');
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop);
  const ended = Promise.withResolvers<readonly Skipped[]>();
  thread.on('error', ended.reject);
  thread.on('exit', (code) => ended.reject(new Error(`a thread of the run ended with ${code}`)));
  let told: Promise<unknown> = Promise.resolve();
  const tell = (work: () => void | Promise<void>) => {
    told = told.then(work);
    told.catch(ended.reject);
  };
  thread.on('message', (message: FromThread) => {
    if (message.kind === 'ended') return ended.resolve(told.then(() => message.failed));
    const scenario = scenarios[message.scenario]!;
    const sender = senders[message.sender]!;
    if (message.kind === 'started') return tell(() => onTrialStart?.(scenario, sender.name));
    const { verdict, described, observations } = message;
    const trial = { scenario, sender: described, evidence: { observations } };
    tell(() => onResult({ verdict, trial }));
  });
  try {
    return await ended.promise;
  } finally {
    signal?.removeEventListener('abort', stop);
    await thread.terminate();
  }
}
