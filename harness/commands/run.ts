/**
 * `run` and `demo`: scenarios and senders are chosen, the lab is started, and what is found is told
 * and, if wanted, kept.
 */

import type { Lab } from '../lab/lab.ts';
import { openLab } from '../labs/open.ts';
import type { RunSummary } from '../model/reporter.ts';
import type { Scenario } from '../model/scenario.ts';
import { type LabKind, type Sender, SenderError } from '../model/sender.ts';
import { UsageError } from '../model/usage.ts';
import { exitCode } from '../model/verdict.ts';
import { printable } from '../protocol/printable.ts';
import type { TrialResult } from '../run/suite.ts';
import type { Vocabulary } from '../scenario/language.ts';
import { senderOf } from '../senders/find.ts';
import { SENDER_NAMES } from '../senders/index.ts';
import { claimFolder, EvidenceError, keepTrial } from '../store.ts';
import { loadReporters, loadVocabulary } from '../vocabulary.ts';
import { nearestName } from '../yaml/problems.ts';
import { selectScenarios } from './select.ts';
import { type Audience, openAudience, runInfo } from './tell.ts';
import { EXIT, type Terminal } from './terminal.ts';

export interface RunRequest {
  /** As in select.ts; none: the whole suite. */
  readonly scenarios: readonly string[];
  readonly senders: readonly string[];
  readonly reporters: readonly string[];
  /** How many trials at once; default: what suits the sender. */
  readonly jobs?: number;
  /** The folder for what reporters write. */
  readonly out?: string;
  /** The folder for evidence. */
  readonly keep?: string;
  /** Warnings count as failures. */
  readonly strict?: boolean;
}

type Skipped = RunSummary['skippedSenders'][number];

/**
 * Runs what is asked for and returns the exit code of DESIGN §3. Throws UsageError when the request
 * makes no sense.
 */
export async function run(request: RunRequest, terminal: Terminal): Promise<number> {
  const vocabulary = await loadVocabulary();
  const scenarios = await selectScenarios(request.scenarios, vocabulary);
  const found = await Promise.all([...new Set(request.senders)].map(senderOf));
  const audience = await chooseReporters(request, terminal);
  const store = await openStore(request.keep, terminal);
  // After everything that can be wrong with the request: an image may have to be built.
  const failed: Skipped[] = [];
  const { senders, skipped } = await prepareSenders(found, terminal, failed);

  const began = performance.now();
  const info = runInfo(senders, scenarios);
  const results: TrialResult[] = [];
  let breakdown: { readonly error: unknown } | undefined;
  await audience.onStart(info);
  try {
    await runSenders(
      { senders, scenarios, vocabulary, jobs: request.jobs, terminal, failed },
      async (result) => {
        results.push(result);
        await store.keep(result);
        await audience.onVerdict(result.verdict, result.trial);
      },
    );
  } catch (error) {
    // What is known by now is told all the same.
    breakdown = { error };
  }
  await audience.onEnd({
    run: info,
    results,
    skippedSenders: [...skipped, ...failed],
    interrupted: terminal.signal.aborted || breakdown !== undefined,
    evidenceDir: store.dir,
    elapsedMs: performance.now() - began,
  });
  if (breakdown) throw breakdown.error;
  if (failed.length > 0 || audience.broken || store.broken()) return EXIT.harnessBroke;
  return exitCode(
    results.map(({ verdict }) => verdict),
    request.strict,
  );
}

/**
 * The whole suite against the built-in senders, its evidence kept. Whatever the senders score, the
 * demo has done its work.
 */
export async function demo(terminal: Terminal, jobs?: number): Promise<number> {
  const code = await run(
    { scenarios: [], senders: SENDER_NAMES, reporters: ['text'], jobs, keep: 'holdfast-evidence' },
    terminal,
  );
  return code === EXIT.harnessBroke ? code : 0;
}

interface Work {
  readonly senders: readonly Sender[];
  readonly scenarios: readonly Scenario[];
  readonly vocabulary: Vocabulary;
  readonly jobs?: number;
  readonly terminal: Terminal;
  /** Gets those that could not be started. */
  readonly failed: Skipped[];
}

/**
 * Trials spend their time waiting for sockets, hardly any of it computing; one server that serves
 * them all waits for most of them.
 */
const JOBS = { loopback: 24, server: 64, serverEach: 16 };
/** A sender that is made to wait holds some of its jobs for long. */
const FEWEST_JOBS = 12;

function jobsOf(
  { lab = 'loopback', perInstance }: Sender,
  asked: number | undefined,
  sharedBy: number,
): number {
  if (asked !== undefined) return Math.ceil(asked / sharedBy);
  if (lab === 'loopback') return Math.max(FEWEST_JOBS, Math.ceil(JOBS.loopback / sharedBy));
  return perInstance === 'trial' ? JOBS.serverEach : JOBS.server;
}

/**
 * The senders of each kind of lab in one lab, sharing the jobs; but mail servers in containers one
 * after the other, since a machine that is busy makes a slow lab. One that cannot be started stops
 * no other.
 */
async function runSenders(
  work: Work,
  onResult: (result: TrialResult) => Promise<void>,
): Promise<void> {
  for (const [kind, senders] of groupByLab(work.senders)) {
    if (work.terminal.signal.aborted) return;
    const opened = await openLab(kind, work.terminal.complain, work.terminal.signal).catch(
      senderErrorOf,
    );
    if (opened instanceof SenderError) {
      if (work.terminal.signal.aborted) return;
      for (const { name } of senders) work.failed.push({ name, reason: opened.message });
      continue;
    }
    await using lab = opened;
    const crews = kind === 'loopback' ? [senders] : senders.map((sender) => [sender]);
    for (const crew of crews) await runCrew({ ...work, senders: crew }, lab, onResult);
  }
}

async function runCrew(
  { senders, jobs, terminal, failed, ...suite }: Work,
  lab: Lab,
  onResult: (result: TrialResult) => Promise<void>,
): Promise<void> {
  const { runSuite } = await import('../run/suite.ts');
  const runs = senders.map(async (sender) => {
    try {
      await runSuite({
        ...suite,
        lab,
        senders: [sender],
        jobs: jobsOf(sender, jobs, senders.length),
        signal: terminal.signal,
        onResult,
      });
    } catch (error) {
      if (!(error instanceof SenderError)) throw error;
      if (!terminal.signal.aborted) failed.push({ name: sender.name, reason: error.message });
    }
  });
  // The lab is there until the last has ended.
  const broken = (await Promise.allSettled(runs)).find((run) => run.status === 'rejected');
  if (broken) throw broken.reason;
}

function groupByLab(senders: readonly Sender[]): [LabKind, Sender[]][] {
  const groups = Map.groupBy(senders, ({ lab }) => JSON.stringify(lab ?? 'loopback'));
  return [...groups].map(([kind, group]) => [JSON.parse(kind) as LabKind, group]);
}

/**
 * Those that can be run here, made ready; and why the others cannot, whether they lack something
 * here or something went wrong.
 */
async function prepareSenders(
  found: readonly Sender[],
  terminal: Terminal,
  failed: Skipped[],
): Promise<{ senders: Sender[]; skipped: Skipped[] }> {
  const senders: Sender[] = [];
  const skipped: Skipped[] = [];
  for (const sender of found) {
    const missing = await sender.unavailable();
    if (missing !== undefined) {
      skipped.push({ name: sender.name, reason: missing });
      continue;
    }
    const prepared = sender.prepare
      ? await sender.prepare(terminal.complain, terminal.signal).catch(senderErrorOf)
      : sender;
    if (terminal.signal.aborted) break;
    if (prepared instanceof SenderError)
      failed.push({ name: sender.name, reason: prepared.message });
    else senders.push(prepared);
  }
  return { senders, skipped };
}

/** A SenderError is told with its sender; anything else breaks the run. */
function senderErrorOf(error: unknown): SenderError {
  if (error instanceof SenderError) return error;
  throw error;
}

async function chooseReporters(
  { reporters, out }: RunRequest,
  terminal: Terminal,
): Promise<Audience> {
  const known = await loadReporters();
  const names = [...new Set(reporters)];
  for (const name of names) {
    if (known.has(name)) continue;
    const near = nearestName(name, [...known.keys()]);
    throw new UsageError(
      `no reporter ${printable(name, 80)}: ${near ? `did you mean ${near}?` : `there are ${[...known.keys()].join(', ')}`}`,
    );
  }
  if (names.length > 1 && out === undefined)
    throw new UsageError(
      'two reporters cannot share standard output: give --out DIR for the files',
    );
  return openAudience(names, known, terminal, out);
}

interface Store {
  readonly dir?: string;
  keep(result: TrialResult): Promise<void>;
  /** Something could not be kept. */
  broken(): boolean;
}

/**
 * Evidence that cannot be kept, the disk being full for example, is told once and stops nothing.
 */
async function openStore(dir: string | undefined, terminal: Terminal): Promise<Store> {
  let trouble = false;
  const attempt = async (work: () => Promise<unknown>) => {
    if (trouble) return;
    try {
      await work();
    } catch (error) {
      if (error instanceof EvidenceError) throw new UsageError(error.message);
      trouble = true;
      terminal.complain(`evidence cannot be kept: ${printable((error as Error).message)}`);
    }
  };
  if (dir === undefined) return { keep: async () => {}, broken: () => false };
  await attempt(() => claimFolder(dir));
  return {
    dir: trouble ? undefined : dir,
    keep: (result) => attempt(() => keepTrial(dir, result)),
    broken: () => trouble,
  };
}
