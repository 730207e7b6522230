/**
 * `judge`: kept evidence is judged again, without a lab, and compared with what was found when it
 * was run.
 */

import { isDeepStrictEqual } from 'node:util';
import { judge as judgeTrial } from '../judge/judge.ts';
import { isJudged } from '../model/scenario.ts';
import { UsageError } from '../model/usage.ts';
import { exitCode, type Trial, type Verdict } from '../model/verdict.ts';
import { printable } from '../protocol/printable.ts';
import type { Vocabulary } from '../scenario/language.ts';
import { EvidenceError, type KeptTrial, readTrials } from '../store.ts';
import { loadReporters, loadVocabulary } from '../vocabulary.ts';
import { openReporters, resultOf, runInfo } from './tell.ts';
import { EXIT, type Terminal } from './terminal.ts';

/**
 * Tells the verdicts as a run does and, of each trial, whether it is the verdict of then. Throws
 * UsageError when nothing can be read.
 */
export async function judge(
  dir: string,
  { strict }: { readonly strict?: boolean },
  terminal: Terminal,
): Promise<number> {
  const began = performance.now();
  const vocabulary = await loadVocabulary();
  const kept = await readAll(dir);
  const results = kept.map((each) => ({ ...each, verdict: judgeKept(each, vocabulary) }));
  const senders = new Map(kept.map(({ trial }) => [trial.sender.name, trial.sender]));
  const scenarios = new Map(kept.map(({ trial }) => [trial.scenario.id, trial.scenario]));
  const info = runInfo([...senders.values()], [...scenarios.values()], { strict });

  const reporters = openReporters(['text'], await loadReporters(), terminal);
  await reporters.onStart(info);
  for (const { verdict, trial } of results) await reporters.onVerdict(verdict, trial);
  await reporters.onEnd({
    run: info,
    results: results.map((result) => resultOf(result)),
    knownLists: [],
    knownNoMore: [],
    skippedSenders: [],
    interrupted: false,
    evidenceDir: dir,
    elapsedMs: performance.now() - began,
  });

  terminal.write('\nAgainst the verdicts kept\n');
  for (const [index, { trial, verdict: then, problems }] of kept.entries()) {
    terminal.write(
      `  ${printable(trial.scenario.id, 120)} · ${printable(trial.sender.name, 40)}: ${compare(results[index]!.verdict, then)}\n`,
    );
    for (const problem of problems) terminal.write(`    ${printable(problem)}\n`);
  }
  if (reporters.broken) return EXIT.harnessBroke;
  return exitCode(
    results.map(({ verdict }) => verdict),
    strict,
  );
}

async function readAll(dir: string): Promise<KeptTrial[]> {
  try {
    return await Array.fromAsync(readTrials(dir));
  } catch (error) {
    throw error instanceof EvidenceError ? new UsageError(error.message) : error;
  }
}

/** The verdict of today. Throws UsageError for evidence that this Holdfast cannot judge. */
export function judgeKept(
  { trial, dir }: Pick<KeptTrial, 'trial' | 'dir'>,
  { expectations, facts }: Pick<Vocabulary, 'expectations' | 'facts'>,
): Verdict {
  const unknown = usedExpectations(trial).find((name) => !expectations.has(name));
  if (unknown !== undefined)
    throw new UsageError(`${dir}: this Holdfast has no expectation ${printable(unknown, 80)}`);
  try {
    return judgeTrial(trial, expectations, facts);
  } catch (error) {
    throw new UsageError(
      `${dir}: this is no evidence that Holdfast wrote: ${(error as Error).message}`,
    );
  }
}

function usedExpectations({ scenario }: Trial): string[] {
  return scenario.stages.flatMap(({ step }) =>
    isJudged(step) ? step.expect.map(({ name }) => name) : [],
  );
}

/** A verdict as it comes back from JSON has no member that is undefined. */
function compare(now: Verdict, then: Verdict | undefined): string {
  if (then === undefined) return `${now.grade}; none was kept`;
  if (isDeepStrictEqual(JSON.parse(JSON.stringify(now)), then))
    return `${now.grade}, the same verdict`;
  return now.grade === then.grade
    ? `${now.grade}, as then, but other findings`
    : `${now.grade}, was ${then.grade}`;
}
