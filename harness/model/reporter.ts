/**
 * Reporter: how verdicts are told. One file each in reporters/; the file name is the name on the
 * command line.
 *
 * A reporter is given finished values and a few ways to write; it cannot reach the lab, a sender or
 * Docker. One that throws does not stop a run: that is the runner's duty.
 */

import { counted } from '../protocol/printable.ts';
import type { KnownFailure, KnownList, KnownNoMore } from './known.ts';
import type { Reach } from './reach.ts';
import type { Scenario } from './scenario.ts';
import type { SenderDescription } from './sender.ts';
import { GRADES, type Grade, type Trial, type Verdict } from './verdict.ts';

export interface ReporterModule {
  /** One sentence on what it writes, and where. */
  readonly summary: string;
  /** The only file that it writes in the output folder, if any. */
  readonly file?: string;
  /** It writes lines to standard output, and others that do may be there too. */
  readonly sharesOutput?: boolean;
  create(context: ReporterContext): Reporter;
}

export interface Reporter {
  onStart?(run: RunInfo): void;
  /** A trial begins; `sender` is a name. A run that was written down has no such moments. */
  onTrialStart?(scenario: Scenario, sender: string): void;
  /**
   * Verdicts come in the order in which trials end. A trial's evidence is kept for no longer than
   * this call.
   */
  onVerdict?(verdict: Verdict, trial: Trial, known?: KnownFailure): void;
  onEnd?(summary: RunSummary): void | Promise<void>;
}

export interface RunInfo {
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  /** The senders that are run; those that cannot be are in `skippedSenders`. */
  readonly senders: readonly SenderDescription[];
  readonly scenarios: readonly Scenario[];
  /** The part of the suite that this is. */
  readonly shard?: Shard;
  /** Warnings, and what was not met, count as failures. */
  readonly strict?: boolean;
  /** Of all that was selected, whatever the shard: the same for the same scenarios (results/suite.ts). */
  readonly suite: string;
  /** How many those are. Not known of evidence alone, nor of what an older Holdfast wrote. */
  readonly selected?: number;
  /** Versions. */
  readonly node: string;
  readonly holdfast: string;
}

/** The `index`th of `of` parts, from 1. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

export interface RunSummary {
  readonly run: RunInfo;
  readonly results: readonly Result[];
  /** What the lists of known failures hold for each sender. */
  readonly knownLists: readonly KnownList[];
  /** What they name wrongly. */
  readonly knownNoMore: readonly KnownNoMore[];
  readonly skippedSenders: readonly SkippedSender[];
  /** By name: what stands for each sender on the command line. */
  readonly givenAs?: Readonly<Record<string, string>>;
  /** Somebody stopped the run before every scenario was judged. */
  readonly interrupted: boolean;
  /** Where the evidence was kept, if it was. */
  readonly evidenceDir?: string;
  /** Why it was not kept to the end, if it was not. */
  readonly evidenceProblem?: string;
  /** 0: not known, as of evidence alone. */
  readonly elapsedMs: number;
}

export interface SkippedSender {
  readonly name: string;
  readonly reason: string;
  /** It broke, or could not be started; else something lacks on this machine. */
  readonly isBroken?: boolean;
}

/** How many scenarios were not judged of this sender, as the run was stopped or the sender broke. */
export function notJudgedOf(
  { run, results, interrupted, skippedSenders }: RunSummary,
  sender: string,
): number {
  if (!interrupted && !skippedSenders.some(({ name }) => name === sender)) return 0;
  return run.scenarios.length - results.filter(({ verdict }) => verdict.sender === sender).length;
}

/** Of all senders together. */
export const notJudged = (summary: RunSummary): number =>
  summary.run.senders.reduce((sum, { name }) => sum + notJudgedOf(summary, name), 0);

/** The grades that count as failures. */
export const failing = ({ strict }: RunInfo): readonly Shown[] =>
  strict ? ['fail', 'warn', 'not-met'] : ['fail'];

/** `130 verdicts in 12.3 s` */
export function verdictsIn({ results, elapsedMs }: Pick<RunSummary, 'results' | 'elapsedMs'>) {
  const took = elapsedMs === 0 ? '' : ` in ${(elapsedMs / 1000).toFixed(1)} s`;
  return `${counted(results.length, 'verdict')}${took}`;
}

export interface TrialResult {
  readonly verdict: Verdict;
  readonly trial: Trial;
  /** What was captured on the wire, as pcapng with the TLS secrets in it. */
  readonly packets?: Uint8Array;
}

/** What is left of a trial once it has been told. */
export interface Result {
  readonly verdict: Verdict;
  /** The failure is listed: it is shown as known, and does not fail the run. */
  readonly known?: KnownFailure;
  /** What a sender does not support may have been run all the same: an attacker does not ask. */
  readonly isRun: boolean;
  /** What the sender came to under attack. */
  readonly reach: readonly Reach[];
}

export interface ReporterContext {
  /** To standard output. */
  write(text: string): void;
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly color: boolean;
  /**
   * On a terminal that can be drawn on: lines that stay below all that is written and are drawn
   * again with each call and each second; undefined takes them away. They are cut to the width.
   */
  live?(lines: (() => readonly string[]) | undefined): void;
  /** All that was judged is told while the run goes on, passes too. */
  readonly isVerbose: boolean;
  /** Where files go; undefined: a reporter that makes one document writes it to standard output. */
  readonly outDir?: string;
  /** A file in `outDir`. */
  writeFile(name: string, content: string): Promise<void>;
}

/** A verdict as it is shown: a failure that is listed is `known`, and nothing else. */
export type Shown = Grade | 'known';
export const SHOWN: readonly Shown[] = GRADES.flatMap((grade) =>
  grade === 'fail' ? [grade, 'known'] : [grade],
);

export const shownAs = ({ verdict, known }: Pick<Result, 'verdict' | 'known'>): Shown =>
  known ? 'known' : verdict.grade;

/** How many verdicts are shown as what. */
export function countShown(
  results: readonly Pick<Result, 'verdict' | 'known'>[],
): Readonly<Record<Shown, number>> {
  const shown = results.map(shownAs);
  const count = (one: Shown) => shown.filter((other) => other === one).length;
  return Object.fromEntries(SHOWN.map((one) => [one, count(one)])) as Record<Shown, number>;
}

/**
 * A scenario's file, variants folded: `starttls/stripped@as-removed-line` → `starttls/stripped`.
 */
export function scenarioFileId(id: string): string {
  return id.split('@', 1)[0]!;
}
