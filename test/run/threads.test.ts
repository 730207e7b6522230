/** A share of a run in a thread: told as if it were run here, and over when it is to stop. */

import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import type { TrialResult } from '../../harness/model/reporter.ts';
import type { Sender } from '../../harness/model/sender.ts';
import { withJobsOf } from '../../harness/run/senders.ts';
import { howManyThreads, runInThread, shareOf } from '../../harness/run/threads.ts';
import { opportunisticSender } from '../../harness/senders/opportunistic.ts';
import { referenceSender } from '../../harness/senders/reference/index.ts';
import { shippedScenarios } from '../mutants/try.ts';

const scenarios = await shippedScenarios();
const stripped = scenarios.filter(({ id }) => id.startsWith('starttls/stripped@'));
const leaky = referenceSender({ traits: ['plaintext-when-starttls-missing'] });

test('senders of this process get as many threads as there are cores, and trials for them', () => {
  const two = [referenceSender(), opportunisticSender()];
  const cores = availableParallelism();
  const ofSeveral = (threads: number) => (threads > 1 ? threads : 0);
  expect(howManyThreads(two, { scenarios })).toBe(ofSeveral(Math.min(cores, 4)));
  expect(howManyThreads(two, { scenarios }, true)).toBe(Math.min(cores - 1, 4));
  expect(howManyThreads(two, { scenarios: stripped })).toBe(0);
  expect(howManyThreads(two, { scenarios: stripped }, true)).toBe(0);
  expect(howManyThreads(two, { scenarios, jobs: 2 })).toBe(0);
  expect(howManyThreads([], { scenarios }, true)).toBe(0);
});

test('senders in threads and those beside them share the jobs that were asked for', () => {
  const all = [referenceSender(), opportunisticSender(), referenceSender()];
  expect(withJobsOf(all.slice(0, 2), all, { jobs: 6 }).jobs).toBe(4);
  expect(withJobsOf(all.slice(2), all, { jobs: 6 }).jobs).toBe(2);
  expect(withJobsOf(all, all, { jobs: 6 }).jobs).toBe(6);
  expect(withJobsOf(all, all, { jobs: undefined }).jobs).toBeUndefined();
});

test('shares are of one size, and nothing is in two of them', () => {
  const shares = [0, 1, 2].map((index) => shareOf(scenarios, index, 3));
  const sizes = shares.map(({ length }) => length);
  expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  expect(new Set(shares.flat())).toEqual(new Set(scenarios));
  expect(shares.flat().length).toBe(scenarios.length);
});

test('every trial is told, of every sender, as of this thread', async () => {
  const begun: string[] = [];
  const results: TrialResult[] = [];
  const failed = await runInThread([referenceSender(), leaky], {
    scenarios: stripped,
    onTrialStart: ({ id }, sender) => void begun.push(`${sender} ${id}`),
    onResult: (result) => void results.push(result),
  });
  expect(failed).toEqual([]);
  const seen = results.map(({ verdict: { sender, scenario } }) => `${sender} ${scenario}`);
  // One whose lab was slow begins again.
  expect(seen.sort()).toEqual([...new Set(begun)].sort());
  expect(seen.length).toBe(2 * stripped.length);
  for (const { verdict, trial } of results) {
    expect(verdict.grade).toBe(verdict.sender === leaky.name ? 'fail' : 'pass');
    expect(stripped).toContain(trial.scenario);
    expect(trial.sender.name).toBe(verdict.sender);
    expect(trial.evidence.observations.at(-1)!.kind).toBe('lab-health');
  }
});

test('the signal ends it', async () => {
  const stop = new AbortController();
  const results: TrialResult[] = [];
  const failed = await runInThread([referenceSender()], {
    scenarios,
    signal: stop.signal,
    onTrialStart: () => stop.abort(),
    onResult: (result) => void results.push(result),
  });
  expect(failed).toEqual([]);
  expect(results.length).toBeLessThan(scenarios.length);
});

test('a thread that breaks is told, and so is what cannot be told of it', async () => {
  const nobody: Sender = { ...referenceSender(), name: 'nobody' };
  const run = (sender: Sender, onResult: () => void) =>
    runInThread([sender], { scenarios: stripped, onResult });
  await expect(run(nobody, () => {})).rejects.toThrow('no sender nobody comes with Holdfast');
  const fails = run(referenceSender(), () => {
    throw new Error('the disk is full');
  });
  await expect(fails).rejects.toThrow('the disk is full');
});
