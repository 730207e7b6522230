/**
 * `run` and `demo`: scenarios and senders are chosen, run, and what is found is told and, if
 * wanted, kept.
 */

import type { Result, TrialResult } from '../model/reporter.ts';
import type { Scenario } from '../model/scenario.ts';
import { UsageError } from '../model/usage.ts';
import { exitCode } from '../model/verdict.ts';
import { printable } from '../protocol/printable.ts';
import { BUILT_IN } from '../senders/built-in.ts';
import { senderOf } from '../senders/find.ts';
import { claimFolder, EvidenceError, keepTrial } from '../store.ts';
import { loadReporters, loadVocabulary } from '../vocabulary.ts';
import { nearestName } from '../yaml/problems.ts';
import { openGate } from './gate.ts';
import type { Profile } from './profile.ts';
import { selectScenarios } from './select.ts';
import { graded, openReporters, type Reporters, resultOf, runInfo } from './tell.ts';
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
  /** Warnings, and what was not met, count as failures. */
  readonly strict?: boolean;
  /** Lists of known failures, in place of those beside the senders. */
  readonly known?: readonly string[];
  /** The lists are brought up to date after the run. */
  readonly updateKnown?: boolean;
  /** All verdicts are told while the run goes on, not only what is not a pass. */
  readonly verbose?: boolean;
}

/**
 * Runs what is asked for and returns the exit code (model/verdict.ts). Throws UsageError when the
 * request makes no sense.
 */
export async function run(request: RunRequest, terminal: Terminal): Promise<number> {
  const { signal, complain: tell } = terminal;
  const vocabulary = await loadVocabulary();
  const selected = await selectScenarios(request.scenarios, vocabulary, request.profile);
  const scenarios = request.only ? selected.filter(request.only) : selected;
  const given = [...new Set(request.senders)];
  const found = await Promise.all(given.map(senderOf));
  const named = found.map(({ name }, index) => ({ given: given[index]!, name }));
  const gate = await openGate({ ...request, senders: named, scenarios }, vocabulary);
  const reporters = await chooseReporters(request, terminal);
  const store = await openStore(request.keep, terminal);
  // After everything that can be wrong with the request: an image may have to be built.
  const { prepareSenders, runSenders } = await import('../run/senders.ts');
  const { senders, skipped, failed: unprepared } = await prepareSenders(found, { tell, signal });

  const began = performance.now();
  const info = runInfo(senders, scenarios);
  const results: Result[] = [];
  const failed = [...unprepared];
  let breakdown: { readonly error: unknown } | undefined;
  await reporters.onStart(info);
  try {
    const onResult = async (result: TrialResult) => {
      const { verdict, trial } = result;
      const known = gate.knownBy(verdict);
      await store.keep(result);
      await reporters.onVerdict(verdict, trial, known);
      results.push(resultOf(result, known));
    };
    const { jobs } = request;
    failed.push(
      ...(await runSenders({ senders, scenarios, vocabulary, jobs, signal, tell, onResult })),
    );
  } catch (error) {
    // What is known by now is told all the same.
    breakdown = { error };
  }
  const knownNoMore = gate.noMore(results);
  await reporters.onEnd({
    run: info,
    results,
    knownNoMore,
    skippedSenders: [...skipped, ...failed],
    interrupted: signal.aborted || breakdown !== undefined,
    evidenceDir: store.dir,
    elapsedMs: performance.now() - began,
  });
  if (breakdown) throw breakdown.error;
  if (!signal.aborted) await gate.update(results, tell);
  if (failed.length > 0 || reporters.broken || store.broken()) return EXIT.harnessBroke;
  const code = exitCode(results.map(graded), request.strict);
  return knownNoMore.length > 0 && !request.updateKnown ? 1 : code;
}

/**
 * The profile smoke against the built-in senders, its evidence kept. Whatever the senders score, the
 * demo has done its work.
 */
export async function demo(terminal: Terminal, jobs?: number): Promise<number> {
  const code = await run(
    {
      scenarios: [],
      profile: 'smoke',
      only: (scenario) => !waitsForTheFetch(scenario),
      senders: BUILT_IN,
      reporters: (await loadReporters()).has('html') ? ['text', 'html'] : ['text'],
      out: 'holdfast-out',
      jobs,
      keep: 'holdfast-evidence',
    },
    terminal,
  );
  terminal.write(
    `This was a part of the suite, chosen to end in seconds. All of it takes minutes:\n  holdfast run --sender ${BUILT_IN.join(',')}\n`,
  );
  return code === EXIT.harnessBroke ? code : 0;
}

/** A sender that sets a fetch no bound is waited for, for minutes (RFC 8461 §3.3). */
function waitsForTheFetch({ stages }: Scenario): boolean {
  return stages.some(({ awaits }) => awaits.includes('fetch-end'));
}

async function chooseReporters(
  { reporters, out, verbose }: RunRequest,
  terminal: Terminal,
): Promise<Reporters> {
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
  return openReporters(names, known, terminal, { outDir: out, isVerbose: verbose });
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
