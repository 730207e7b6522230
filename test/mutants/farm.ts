/**
 * A farm of processes, as many as there are cores, each trying senders in a lab of its own.
 *
 * Run as a program it is one of these processes.
 */

import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Grade, Verdict } from '../../harness/model/verdict.ts';
import { shippedScenarios, tell, tryCourses } from './try.ts';

/** A sender by its traits, and the ids of the scenarios to try it with. */
export interface Order {
  readonly traits: string;
  readonly scenarios: readonly string[];
}

export interface Result {
  readonly traits: string;
  readonly scenario: string;
  readonly grade: Grade;
  /** Of the first finding of that grade. */
  readonly requirement: string;
  /** The requirements of all findings that fail or warn. */
  readonly broken: readonly string[];
  readonly words: string;
  /** Not decided, and not for anything that the sender did: the lab was slow. */
  readonly isOfSlowLab: boolean;
}

/**
 * What a process takes at once: enough that the slowest trial of a batch is not all that is left to
 * wait for, and few enough that the processes end together.
 */
const BATCH = { orders: 120, trials: 2000, rounds: 3 };

/**
 * The results of all orders. `onBatch` is told how many orders are done. What a slow lab leaves
 * undecided is tried once more.
 */
export async function farm(
  orders: readonly Order[],
  onBatch: (done: number) => void = () => {},
): Promise<Result[]> {
  const results = await tryOnce(orders, onBatch);
  const undecided = results.filter(({ isOfSlowLab }) => isOfSlowLab);
  const again = undecided.map(({ traits, scenario }) => ({ traits, scenarios: [scenario] }));
  return [
    ...results.filter(({ isOfSlowLab }) => !isOfSlowLab),
    ...(await tryOnce(together(again), () => {})),
  ];
}

/** A sender that has several orders gets them at once. */
export function together(orders: readonly Order[]): Order[] {
  return [...Map.groupBy(orders, ({ traits }) => traits)].map(([traits, own]) => ({
    traits,
    scenarios: [...new Set(own.flatMap((order) => order.scenarios))],
  }));
}

async function tryOnce(
  orders: readonly Order[],
  onBatch: (done: number) => void,
): Promise<Result[]> {
  const waiting = [...orders];
  const workers = availableParallelism();
  const most = Math.min(BATCH.orders, Math.ceil(orders.length / (workers * BATCH.rounds)));
  const all: Result[] = [];
  let done = 0;
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const child = fork(fileURLToPath(import.meta.url), ['--worker']);
      let batch: Order[] = [];
      const next = () => {
        const trials = (some: readonly Order[]) => some.reduce((n, o) => n + o.scenarios.length, 0);
        batch = [];
        while (waiting.length > 0 && batch.length < most && trials(batch) < BATCH.trials)
          batch.push(waiting.shift()!);
        if (batch.length === 0) child.disconnect();
        else child.send(batch);
      };
      child.on('message', (results: readonly Result[]) => {
        all.push(...results);
        done += batch.length;
        onBatch(done);
        next();
      });
      child.on('error', reject);
      child.on('exit', (code) =>
        code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`)),
      );
      next();
    });
  await Promise.all(Array.from({ length: workers }, work));
  return all;
}

export function resultOf(traits: string, verdict: Verdict): Result {
  const { scenario, grade, findings } = verdict;
  const requirement = findings.find((finding) => finding.grade === grade)?.requirement ?? '';
  const isOfSlowLab = grade === 'inconclusive' && requirement === '';
  const broken = findings
    .filter((finding) => finding.grade === 'fail' || finding.grade === 'warn')
    .map((finding) => finding.requirement);
  return { traits, scenario, grade, requirement, broken, words: tell(verdict), isOfSlowLab };
}

async function serveParent(): Promise<void> {
  // Whoever asked has gone, or has all.
  process.on('disconnect', () => process.exit());
  const shipped = await shippedScenarios();
  process.on('message', async (orders: readonly Order[]) => {
    const courses = orders.map(({ traits, scenarios }) => ({
      traits,
      scenarios: shipped.filter(({ id }) => scenarios.includes(id)),
    }));
    const results = await tryCourses(courses);
    process.send!(
      results.flatMap((some, nth) =>
        some.map(({ verdict }) => resultOf(orders[nth]!.traits, verdict)),
      ),
    );
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serveParent();
