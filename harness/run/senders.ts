/**
 * Senders and their labs: which senders can be run here, which of them share a lab, and how many
 * trials each is given at once.
 */

import { createPace, outcomesOf } from '../concurrency/limit.ts';
import type { Lab } from '../lab/lab.ts';
import { openLab } from '../labs/open.ts';
import type { SkippedSender, TrialResult } from '../model/reporter.ts';
import type { Scenario } from '../model/scenario.ts';
import { type LabKind, type Sender, SenderError } from '../model/sender.ts';
import type { Vocabulary } from '../scenario/language.ts';
import { letHeapGrow } from './heap.ts';
import { runSuite } from './suite.ts';
import { howManyThreads, runInThreads } from './threads.ts';

export type Skipped = SkippedSender;

export interface SendersOptions {
  /** Prepared (prepareSenders). */
  readonly senders: readonly Sender[];
  readonly scenarios: readonly Scenario[];
  readonly vocabulary: Vocabulary;
  /** How many trials at once; default: what suits the sender. */
  readonly jobs?: number;
  readonly signal?: AbortSignal;
  /** The packets of each trial are captured (labs/open.ts). */
  readonly isCaptured?: boolean;
  /** What is being done, for people. */
  tell(line: string): void;
  /** A trial begins; `sender` is a name. */
  onTrialStart?(scenario: Scenario, sender: string): void | Promise<void>;
  /** Each result as soon as it is known. */
  onResult(result: TrialResult): void | Promise<void>;
}

/**
 * Runs every scenario on every sender. The senders of each kind of lab are in one lab, sharing the
 * jobs, but for those that are dealt out to threads; mail servers in containers come one after the
 * other, since a machine that is busy makes a slow lab. Returns those that could not be started, with
 * the reason; they stop no other.
 */
export async function runSenders(options: SendersOptions): Promise<Skipped[]> {
  const { senders, signal } = options;
  const failed: Skipped[] = [];
  for (const [kind, group] of groupByLab(senders)) {
    if (signal?.aborted) break;
    const [own, others] = partition(group, ({ isBuiltIn }) => isBuiltIn === true);
    const threads = howManyThreads(own, options, others.length > 0);
    const here = threads > 0 ? others : group;
    const parts = await Promise.allSettled([
      threads > 0 ? runInThreads(own, threads, withJobsOf(own, group, options)) : [],
      runHere(kind, here, withJobsOf(here, group, options)),
    ]);
    failed.push(...outcomesOf(parts).flat());
  }
  return failed;
}

/** What is asked for `all` together, these get their part of; mail servers have a lab in turn. */
export function withJobsOf<O extends Pick<SendersOptions, 'jobs'>>(
  some: readonly Sender[],
  all: readonly Sender[],
  options: O,
): O {
  const { jobs } = options;
  return { ...options, jobs: jobs && Math.ceil((jobs * some.length) / all.length) };
}

/** These senders, which want labs of one kind, in a lab of this thread. */
async function runHere(
  kind: LabKind,
  senders: readonly Sender[],
  options: SendersOptions,
): Promise<Skipped[]> {
  if (senders.length === 0) return [];
  const { signal, tell, isCaptured } = options;
  const opened = await openLab(kind, tell, { signal, isCaptured }).catch(senderErrorOf);
  if (opened instanceof SenderError)
    return signal?.aborted ? [] : senders.map(({ name }) => ({ name, reason: opened.message }));
  await using lab = opened;
  const together = kind === 'loopback' ? [senders] : senders.map((sender) => [sender]);
  const failed: Skipped[] = [];
  letHeapGrow();
  for (const some of together) failed.push(...(await runTogether(some, lab, options)));
  return failed;
}

/** These senders in one lab, all at once. */
export async function runTogether(
  senders: readonly Sender[],
  lab: Lab,
  {
    jobs,
    signal,
    scenarios,
    vocabulary,
    onTrialStart,
    onResult,
  }: Omit<SendersOptions, 'senders' | 'tell'>,
): Promise<Skipped[]> {
  const failed: Skipped[] = [];
  const shares = senders.map((sender) => jobsOf(sender, jobs, senders.length));
  const pace = createPace(shares.reduce((sum, own) => sum + own));
  const runs = senders.map(async (sender, index) => {
    try {
      await runSuite({
        lab,
        vocabulary,
        scenarios,
        senders: [sender],
        jobs: shares[index]!,
        pace,
        signal,
        onTrialStart,
        onResult,
      });
    } catch (error) {
      if (!(error instanceof SenderError)) throw error;
      if (!signal?.aborted) failed.push({ name: sender.name, reason: error.message });
    }
  });
  // The lab is there until the last has ended.
  outcomesOf(await Promise.allSettled(runs));
  return failed;
}

/**
 * Trials spend their time waiting for sockets, hardly any of it computing; one server that serves
 * them all waits for most of them.
 */
const JOBS = { loopback: 16, server: 64, serverEach: 16 };
/** A sender that is made to wait holds some of its jobs for long. */
const FEWEST_JOBS = 8;

/** How many trials a sender is given at once; `sharedBy` senders are in its lab. */
export function jobsOf(
  { lab = 'loopback', perInstance, jobs }: Sender,
  asked: number | undefined,
  sharedBy: number,
): number {
  if (asked !== undefined) return Math.ceil(asked / sharedBy);
  if (jobs !== undefined) return jobs;
  if (perInstance === 'trial') return JOBS.serverEach;
  if (lab === 'loopback') return Math.max(FEWEST_JOBS, Math.ceil(JOBS.loopback / sharedBy));
  return JOBS.server;
}

function partition<T>(items: readonly T[], belongs: (item: T) => boolean): [T[], T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}

function groupByLab(senders: readonly Sender[]): [LabKind, Sender[]][] {
  const groups = Map.groupBy(senders, ({ lab }) => JSON.stringify(lab ?? 'loopback'));
  return [...groups].map(([kind, group]) => [JSON.parse(kind) as LabKind, group]);
}

export interface Prepared {
  readonly senders: readonly Sender[];
  /** They lack something here. */
  readonly skipped: readonly Skipped[];
  /** Something went wrong. */
  readonly failed: readonly Skipped[];
}

/** Those that can be run here, made ready; and why the others cannot. */
export async function prepareSenders(
  found: readonly Sender[],
  { tell, signal }: Pick<SendersOptions, 'tell' | 'signal'>,
): Promise<Prepared> {
  const senders: Sender[] = [];
  const skipped: Skipped[] = [];
  const failed: Skipped[] = [];
  for (const sender of found) {
    const missing = await sender.unavailable().catch(senderErrorOf);
    if (missing instanceof SenderError) {
      failed.push({ name: sender.name, reason: missing.message });
      continue;
    }
    if (missing !== undefined) {
      skipped.push({ name: sender.name, reason: missing });
      continue;
    }
    const prepared = sender.prepare
      ? await sender.prepare(tell, signal).catch(senderErrorOf)
      : sender;
    if (signal?.aborted) break;
    if (prepared instanceof SenderError)
      failed.push({ name: sender.name, reason: prepared.message });
    else senders.push(prepared);
  }
  return { senders, skipped, failed };
}

/** A SenderError is told with its sender; anything else breaks the run. */
function senderErrorOf(error: unknown): SenderError {
  if (error instanceof SenderError) return error;
  throw error;
}
