/**
 * `run` and `demo`: scenarios and senders are chosen, run, and what is found is told and, if
 * wanted, kept.
 */

import { whenAborted } from '../concurrency/wait.ts';
import {
  type Result,
  type RunSummary,
  type Shard,
  scenarioFileId,
  type TrialResult,
} from '../model/reporter.ts';
import type { Scenario } from '../model/scenario.ts';
import { type Sender, SenderError } from '../model/sender.ts';
import { UsageError } from '../model/usage.ts';
import { exitCode, judgedInNothing } from '../model/verdict.ts';
import { printable } from '../protocol/printable.ts';
import { compareSenders, comparisonCode } from '../results/compare.ts';
import { learnDurations, readDurations } from '../results/durations.ts';
import { longestFirst, partOf } from '../results/shard.ts';
import { BUILT_IN } from '../senders/built-in.ts';
import { senderOf } from '../senders/find.ts';
import { findPackage } from '../shipped.ts';
import { claimFolder, clearTrials, EvidenceError, keepTrial } from '../store.ts';
import { loadReporters, loadVocabulary } from '../vocabulary.ts';
import { comparisonFiles, tellComparison } from './compare.ts';
import { cannotWrite, checkFile, openFolder } from './folder.ts';
import { openGate } from './gate.ts';
import type { Profile } from './profile.ts';
import { selectScenarios } from './select.ts';
import { chooseReporters, graded, outFiles, removeOld, resultOf, runInfo } from './tell.ts';
import { EXIT, type Terminal } from './terminal.ts';

export interface RunRequest {
  /** As in select.ts; none: the whole suite. */
  readonly scenarios: readonly string[];
  /** Which part of the shipped suite; default: full. */
  readonly profile?: Profile;
  /** Of what was selected, only this; default: all. */
  readonly only?: (scenario: Scenario) => boolean;
  readonly senders: readonly string[];
  readonly reporters: readonly string[];
  /** How many trials at once; default: what suits the sender. */
  readonly jobs?: number;
  /** The folder for what reporters write. */
  readonly out?: string;
  /** The folder for evidence. */
  readonly keep?: string;
  /** The packets of each trial are captured, and kept beside its evidence. */
  readonly pcap?: boolean;
  /** Warnings, and what was not met, count as failures. */
  readonly strict?: boolean;
  /** Lists of known failures, in place of those beside the senders. */
  readonly known?: readonly string[];
  /** The lists are brought up to date after the run. */
  readonly updateKnown?: boolean;
  /** The sender that the one under test must not be worse than; it is run too. */
  readonly against?: string;
  /** The part of the suite that is run. */
  readonly shard?: Shard;
  /** Durations for the shards, in place of those that are shipped; brought up to date after a whole run. */
  readonly durations?: string;
  /** All verdicts are told while the run goes on, not only what is not a pass. */
  readonly verbose?: boolean;
}

/**
 * Runs what is asked for and returns the exit code (model/verdict.ts). Throws UsageError when the
 * request makes no sense.
 */
export async function run(request: RunRequest, terminal: Terminal): Promise<number> {
  const { signal, complain: tell } = terminal;
  const reporters = await chooseReporters(request, terminal);
  await removeOld([
    ...(await outFiles(request)),
    ...(request.against === undefined ? [] : comparisonFiles(request)),
  ]);
  const vocabulary = await loadVocabulary();
  const selected = await selectScenarios(request.scenarios, vocabulary, request.profile);
  const durations = await readDurations(request.durations ?? findPackage().durations);
  if (request.durations) await checkFile(request.durations, '--durations');
  const { shard } = request;
  const part = shard ? partOf(selected, shard, durations) : selected;
  const scenarios = request.only ? part.filter(request.only) : part;
  const given = [...new Set([...request.senders, ...(request.against ? [request.against] : [])])];
  const found = await Promise.all(given.map(senderOf));
  const named = found.map(({ name }, index) => ({ given: given[index]!, name }));
  checkSenders(named, request);
  if (request.pcap) {
    const missing = await whyNoCapture(found, request, terminal);
    if (missing !== undefined) {
      terminal.complain(missing);
      return EXIT.harnessBroke;
    }
  }
  const gate = await openGate({ ...request, senders: named, scenarios }, vocabulary);
  const store = await openStore(request.keep, named, terminal);
  // After everything that can be wrong with the request: an image may have to be built.
  const { prepareSenders, runSenders } = await import('../run/senders.ts');
  const { senders, skipped, failed: unprepared } = await prepareSenders(found, { tell, signal });

  const began = performance.now();
  const info = runInfo(senders, scenarios, { shard, selected, strict: request.strict });
  const results: Result[] = [];
  const failed = [...unprepared];
  let breakdown: { readonly error: unknown } | undefined;
  await reporters.onStart(info);
  const onResult = async (result: TrialResult) => {
    const { verdict, trial } = result;
    const known = gate.knownBy(verdict);
    await store.keep(result);
    await reporters.onVerdict(verdict, trial, known);
    results.push(resultOf(result, known));
  };
  const { jobs, pcap: isCaptured } = request;
  const running = runSenders({
    senders,
    scenarios: longestFirst(scenarios, durations),
    vocabulary,
    jobs,
    isCaptured,
    signal,
    tell,
    onTrialStart: reporters.onTrialStart,
    onResult,
  }).then(
    (more) => void failed.push(...more),
    // What is known by now is told all the same.
    (error: unknown) => {
      breakdown = { error };
    },
  );
  // Whoever stops a run is told at once; what was started is put away after that.
  await Promise.race([running, whenAborted(signal)]);
  const knownNoMore = gate.noMore(results);
  const summary: RunSummary = {
    run: info,
    results: [...results],
    knownLists: gate.lists,
    // What is wrong in a list that is brought up to date is put right there.
    knownNoMore: request.updateKnown ? [] : knownNoMore,
    skippedSenders: [...skipped, ...failed.map((one) => ({ ...one, isBroken: true }))],
    givenAs: Object.fromEntries(named.map(({ name, given }) => [name, given])),
    interrupted: signal.aborted || breakdown !== undefined,
    evidenceDir: store.dir,
    evidenceProblem: store.trouble(),
    elapsedMs: performance.now() - began,
  };
  await reporters.onEnd(summary);
  await running;
  if (breakdown) throw breakdown.error;
  if (!signal.aborted) await gate.update(results, tell);
  // The other shards have to be split by the same durations.
  if (request.durations && !shard && !signal.aborted)
    await learnDurations(request.durations, results);
  const broke = failed.length > 0 || reporters.broken || store.trouble() !== undefined;
  if (request.against) {
    const comparison = compareSenders(summary, named.at(-1)!.name);
    await tellComparison(comparison, request, terminal);
    return broke ? EXIT.harnessBroke : comparisonCode(comparison);
  }
  if (broke) return EXIT.harnessBroke;
  // A sender that was asked for and could not be run is not green.
  const code = codeOf(results.map(graded), request) || (skipped.length > 0 ? 2 : 0);
  return knownNoMore.length > 0 && !request.updateKnown ? 1 : code;
}

/** A shard may have nothing that a sender can be judged in: the whole says whether it was. */
function codeOf(verdicts: readonly ReturnType<typeof graded>[], { shard, strict }: RunRequest) {
  const code = exitCode(verdicts, strict);
  const empty = shard ? judgedInNothing(verdicts) : [];
  if (code === 1 || empty.length === 0) return code;
  const judged = verdicts.filter(({ sender }) => !empty.includes(sender));
  return judged.length === 0 ? 0 : exitCode(judged, strict);
}

/**
 * The profile smoke against the built-in senders, one variant of each scenario, its evidence kept.
 * Whatever the senders score, the demo has done its work.
 */
export async function demo(terminal: Terminal, jobs?: number): Promise<number> {
  const places = await openKept(DEMO_EVIDENCE, 'evidence in')
    .then(() => openFolder(DEMO_OUT, 'reports in'))
    .then(
      () => ({ keep: DEMO_EVIDENCE, out: DEMO_OUT }),
      // A checkout may be read-only.
      ({ message }: Error) => terminal.complain(`nothing is kept: ${message}`),
    );
  const canReport = places !== undefined && (await loadReporters()).has('html');
  terminal.write(
    `A part of the suite, chosen to end in seconds. All of it: holdfast run --sender ${BUILT_IN.join(',')}\n`,
  );
  const code = await run(
    {
      scenarios: [],
      profile: 'smoke',
      only: firstOfFile((scenario) => !waitsForTheFetch(scenario)),
      senders: BUILT_IN,
      reporters: canReport ? ['text', 'html'] : ['text'],
      jobs,
      ...places,
    },
    terminal,
  );
  return code === EXIT.harnessBroke ? code : 0;
}

const DEMO_EVIDENCE = 'holdfast-evidence';
const DEMO_OUT = 'holdfast-out';

/** Of what is wanted, the first variant of each file. */
function firstOfFile(isWanted: (scenario: Scenario) => boolean): (scenario: Scenario) => boolean {
  const seen = new Set<string>();
  return (scenario) => {
    const file = scenarioFileId(scenario.id);
    if (seen.has(file) || !isWanted(scenario)) return false;
    seen.add(file);
    return true;
  };
}

/** A sender that sets a fetch no bound is waited for, for minutes (RFC 8461 §3.3). */
function waitsForTheFetch({ stages }: Scenario): boolean {
  return stages.some(({ awaits }) => awaits.includes('fetch-end'));
}

function checkSenders(
  named: readonly { readonly given: string; readonly name: string }[],
  { against, senders }: RunRequest,
): void {
  for (const [name, same] of Map.groupBy(named, ({ name }) => name))
    if (same.length > 1)
      throw new UsageError(
        `${same.map(({ given }) => printable(given, 80)).join(' and ')} are both named ${printable(name, 40)}: give one of them another name in its sender.yaml`,
      );
  if (against !== undefined && (senders.length !== 1 || senders[0] === against))
    throw new UsageError('--against compares one sender with another: give one with --sender');
}

/** What it takes to capture packets, and is not here. Throws UsageError where it can't be at all. */
async function whyNoCapture(
  senders: readonly Sender[],
  { keep }: RunRequest,
  { complain, signal }: Terminal,
): Promise<string | undefined> {
  const onLoopback = senders.filter(({ lab = 'loopback' }) => lab === 'loopback');
  if (onLoopback.length > 0)
    throw new UsageError(
      `--pcap is for senders with addresses of their own, in Docker or outside: ${onLoopback.map(({ name }) => printable(name, 40)).join(', ')} is run on loopback, where the ports are not those of the protocols`,
    );
  if (keep === undefined)
    throw new UsageError('--pcap keeps the packets beside the evidence: give --keep DIR');
  const { prepareCapture } = await import('../labs/open.ts');
  try {
    await prepareCapture(
      senders.flatMap(({ lab }) => lab ?? []),
      complain,
      signal,
    );
    return undefined;
  } catch (error) {
    if (error instanceof SenderError) return error.message;
    throw error;
  }
}

/** Throws UsageError where no evidence can be kept; `option` is the one that `dir` was given by. */
async function openKept(dir: string, option: string): Promise<void> {
  await claimFolder(dir).catch((error: Error) => {
    throw error instanceof EvidenceError
      ? new UsageError(error.message)
      : cannotWrite(dir, option, error);
  });
  await openFolder(dir, option);
}

interface Store {
  readonly dir?: string;
  keep(result: TrialResult): Promise<void>;
  /** Why something could not be kept; undefined: all is. */
  trouble(): string | undefined;
}

/**
 * What was kept of these senders is removed. Throws UsageError where nothing can be kept. What cannot
 * be kept later, the disk being full for example, is told once and stops nothing.
 */
async function openStore(
  dir: string | undefined,
  senders: readonly { readonly name: string }[],
  terminal: Terminal,
): Promise<Store> {
  let trouble: string | undefined;
  const attempt = async (work: () => Promise<unknown>) => {
    if (trouble !== undefined) return;
    try {
      await work();
    } catch (error) {
      if (trouble !== undefined) return;
      trouble = (error as Error).message;
      terminal.complain(
        `evidence cannot be kept any more: ${printable(trouble)}; the run goes on without it`,
      );
    }
  };
  if (dir === undefined) return { keep: async () => {}, trouble: () => undefined };
  await openKept(dir, '--keep');
  const names = senders.map(({ name }) => name);
  await clearTrials(dir, names).catch((error: Error) => {
    throw cannotWrite(dir, '--keep', error);
  });
  return {
    dir,
    keep: (result) => attempt(() => keepTrial(dir, result)),
    trouble: () => trouble,
  };
}
