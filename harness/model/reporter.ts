/**
 * Reporter: how verdicts are told. One file each in reporters/; the file name is the name on the
 * command line.
 *
 * A reporter is given finished values and a few ways to write; it cannot reach the lab, a sender or
 * Docker. One that throws does not stop a run: that is the runner's duty.
 */

import type { Scenario } from './scenario.ts';
import type { SenderDescription } from './sender.ts';
import { GRADES, type Grade, type Trial, type Verdict } from './verdict.ts';

export interface ReporterModule {
  /** One sentence on what it writes, and where. */
  readonly summary: string;
  create(context: ReporterContext): Reporter;
}

export interface Reporter {
  onStart?(run: RunInfo): void;
  /** Verdicts come in the order in which trials end. */
  onVerdict?(verdict: Verdict, trial: Trial): void;
  onEnd?(summary: RunSummary): void | Promise<void>;
}

export interface RunInfo {
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  /** The senders that are run; those that cannot be are in `skippedSenders`. */
  readonly senders: readonly SenderDescription[];
  readonly scenarios: readonly Scenario[];
  /** Versions. */
  readonly node: string;
  readonly holdfast: string;
}

export interface RunSummary {
  readonly run: RunInfo;
  readonly results: readonly TrialResult[];
  readonly skippedSenders: readonly { readonly name: string; readonly reason: string }[];
  /** Somebody stopped the run before every scenario was judged. */
  readonly interrupted: boolean;
  /** Where the evidence was kept, if it was. */
  readonly evidenceDir?: string;
  readonly elapsedMs: number;
}

export interface TrialResult {
  readonly verdict: Verdict;
  readonly trial: Trial;
}

export interface ReporterContext {
  /** To standard output. */
  write(text: string): void;
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly color: boolean;
  /** Where files go; undefined: a reporter that makes one document writes it to standard output. */
  readonly outDir?: string;
  /** A file in `outDir`. */
  writeFile(name: string, content: string): Promise<void>;
}

/** How many verdicts have each grade. */
export function countGrades(
  verdicts: readonly Pick<Verdict, 'grade'>[],
): Readonly<Record<Grade, number>> {
  const count = (grade: Grade) => verdicts.filter((verdict) => verdict.grade === grade).length;
  return Object.fromEntries(GRADES.map((grade) => [grade, count(grade)])) as Record<Grade, number>;
}

/**
 * A scenario's file, variants folded: `starttls/stripped@as-removed-line` → `starttls/stripped`.
 */
export function scenarioFileId(id: string): string {
  return id.split('@', 1)[0]!;
}
