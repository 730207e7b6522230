/**
 * Telling the reporters. One that throws does not stop a run: it is named on standard error, and
 * the exit code is that of a harness that broke.
 */

import { unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KnownFailure } from '../model/known.ts';
import { reachOf } from '../model/reach.ts';
import type {
  Reporter,
  ReporterContext,
  ReporterModule,
  Result,
  RunInfo,
  RunSummary,
  TrialResult,
} from '../model/reporter.ts';
import type { Scenario } from '../model/scenario.ts';
import type { SenderDescription } from '../model/sender.ts';
import { UsageError } from '../model/usage.ts';
import type { Trial, Verdict } from '../model/verdict.ts';
import { makeFolder } from '../process/make-folder.ts';
import { printable } from '../protocol/printable.ts';
import type { PastRun } from '../results/read.ts';
import { suiteOf } from '../results/suite.ts';
import { findPackage } from '../shipped.ts';
import { loadReporters } from '../vocabulary.ts';
import { nearestName } from '../yaml/problems.ts';
import { openFolder } from './folder.ts';
import type { Terminal } from './terminal.ts';

export interface Reporters {
  onStart(run: RunInfo): Promise<void>;
  onTrialStart(scenario: Scenario, sender: string): Promise<void>;
  onVerdict(verdict: Verdict, trial: Trial, known?: KnownFailure): Promise<void>;
  onEnd(summary: RunSummary): Promise<void>;
  /** Some reporter threw. */
  readonly broken: boolean;
}

/**
 * The reporters of these names, as one. When one breaks and nothing was told to people, the text
 * reporter tells the end. Trials of a run that was stopped may end later than its report: what comes
 * after `onEnd` is not told.
 */
export function openReporters(
  names: readonly string[],
  known: ReadonlyMap<string, ReporterModule>,
  terminal: Terminal,
  { outDir, isVerbose = false }: { readonly outDir?: string; readonly isVerbose?: boolean } = {},
): Reporters {
  const broken = new Set<string>();
  let isOver = false;
  const failed = (name: string, error: unknown) => {
    if (!broken.has(name))
      terminal.complain(
        `the reporter ${name} failed: ${printable(error instanceof Error ? error.message : String(error))}`,
      );
    broken.add(name);
  };
  const create = (name: string) =>
    known
      .get(name)!
      .create(contextOf(terminal, { isVerbose, outDir, onError: (error) => failed(name, error) }));
  const reporters = names.map((name) => ({ name, reporter: create(name) }));
  const tell = async (event: (reporter: Reporter) => void | Promise<void>) => {
    for (const { name, reporter } of reporters) {
      try {
        await event(reporter);
      } catch (error) {
        failed(name, error);
      }
    }
  };
  return {
    onStart: (run) => tell((reporter) => reporter.onStart?.(run)),
    async onTrialStart(scenario, sender) {
      if (!isOver) await tell((reporter) => reporter.onTrialStart?.(scenario, sender));
    },
    async onVerdict(verdict, trial, known) {
      if (!isOver) await tell((reporter) => reporter.onVerdict?.(verdict, trial, known));
    },
    async onEnd(summary) {
      isOver = true;
      await tell((reporter) => reporter.onEnd?.(summary));
      terminal.live?.(undefined);
      if (broken.size > 0 && !names.includes('text')) await create('text').onEnd?.(summary);
    },
    get broken() {
      return broken.size > 0;
    },
  };
}

export interface Telling {
  /** Names. */
  readonly reporters: readonly string[];
  /** The folder for what they write. */
  readonly out?: string;
  readonly verbose?: boolean;
}

/** The reporters that are asked for. Throws UsageError for a name that there is not, and where they
 * cannot write. */
export async function chooseReporters(
  { reporters, out, verbose }: Telling,
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
  const share = names.every((name) => known.get(name)!.sharesOutput);
  if (names.length > 1 && out === undefined && !share)
    throw new UsageError(
      'two reporters cannot share standard output: give --out DIR for the files',
    );
  if (out !== undefined) await openFolder(out, '--out');
  return openReporters(names, known, terminal, { outDir: out, isVerbose: verbose });
}

/** Where these reporters will write their files. */
export async function outFiles({ reporters, out }: Telling): Promise<string[]> {
  if (out === undefined) return [];
  const known = await loadReporters();
  return reporters.flatMap((name) => known.get(name)?.file ?? []).map((name) => join(out, name));
}

/**
 * Removes files that are to be written at the end: whatever ends this run early, nobody may take those
 * of an earlier run for its own.
 */
export async function removeOld(files: readonly string[]): Promise<void> {
  // What cannot be removed cannot be written either, and is told then.
  await Promise.all(files.map((file) => unlink(file).catch(() => {})));
}

/** Tells the reporters of a run that was written down as if it were run now. */
export async function retell({ summary, trialOf }: PastRun, reporters: Reporters): Promise<void> {
  await reporters.onStart(summary.run);
  for (const { verdict, known } of summary.results)
    await reporters.onVerdict(verdict, await trialOf(verdict), known);
  await reporters.onEnd(summary);
}

/** What is left of a trial when its evidence has been told and kept. */
export function resultOf({ verdict, trial }: TrialResult, known?: KnownFailure): Result {
  const isRun = trial.evidence.observations.length > 0;
  return { verdict, known, isRun, reach: reachOf(trial) };
}

/** As exitCode takes it. */
export const graded = ({ verdict, known }: Result) => ({
  sender: verdict.sender,
  grade: verdict.grade,
  known,
});

/**
 * What a run is told to begin with. `selected`: of what a shard runs a part, if it is one; else the
 * scenarios themselves.
 */
export function runInfo(
  senders: readonly SenderDescription[],
  scenarios: RunInfo['scenarios'],
  {
    shard,
    strict,
    selected = scenarios,
  }: Pick<RunInfo, 'shard' | 'strict'> & { selected?: RunInfo['scenarios'] } = {},
): RunInfo {
  return {
    suite: suiteOf(selected),
    selected: selected.length,
    shard,
    strict,
    startedAt: new Date().toISOString(),
    senders,
    scenarios,
    node: process.versions.node,
    holdfast: findPackage().version,
  };
}

function contextOf(
  terminal: Terminal,
  {
    isVerbose,
    outDir,
    onError,
  }: {
    readonly isVerbose: boolean;
    readonly outDir?: string;
    /** What is drawn live is drawn outside of any call. */
    onError(error: unknown): void;
  },
): ReporterContext {
  const { write, isTerminal, color, live } = terminal;
  const guarded = (lines: () => readonly string[]) => () => {
    try {
      return lines();
    } catch (error) {
      onError(error);
      return [];
    }
  };
  return {
    write,
    isTerminal,
    color,
    live: live && ((lines) => live(lines && guarded(lines))),
    // The window may be made wider or narrower while a run goes on.
    get columns() {
      return terminal.columns;
    },
    isVerbose,
    outDir,
    writeFile: (name, content) => writeInto(outDir ?? '.', name, content),
  };
}

/** A file in a folder that need not be there yet. */
export async function writeInto(folder: string, name: string, content: string): Promise<void> {
  await makeFolder(folder);
  await writeFile(join(folder, name), content);
}
