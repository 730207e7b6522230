/**
 * Runs that were written down: a result file (the json reporter's), a folder of kept evidence, or a
 * folder that holds both. What comes out can be told by every reporter again.
 *
 * A file is somebody's input: its shape is checked, and what is missing is said.
 */

import { stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { worstOf } from '../judge/grade.ts';
import { DEFAULT_DOMAIN, DEFAULT_POLICY } from '../model/baseline.ts';
import type { KnownFailure } from '../model/known.ts';
import { reachOf } from '../model/reach.ts';
import type { Result, RunInfo, RunSummary } from '../model/reporter.ts';
import type { Scenario } from '../model/scenario.ts';
import { selects } from '../model/selection.ts';
import type { SenderDescription } from '../model/sender.ts';
import { UsageError } from '../model/usage.ts';
import { gradeWord, type Trial, type Verdict } from '../model/verdict.ts';
import { printable } from '../protocol/printable.ts';
import { EvidenceError, findStores, readKept, readText, readTrials } from '../store.ts';
import { RESULT_VERSION, resultDocument } from './schema.ts';
import { suiteOf } from './suite.ts';

/** What the json reporter calls its file. */
export const RESULT_FILE = 'holdfast.json';

export interface PastRun {
  readonly summary: RunSummary;
  /**
   * The trial of one of its verdicts, from the evidence if that was kept. Otherwise all that is known
   * is who was tried with what, and there are no observations.
   */
  trialOf(verdict: Verdict): Promise<Trial>;
}

/** Reads what lies at `path`. Throws UsageError, with the place, for what was not written by a run. */
export async function readRun(path: string): Promise<PastRun> {
  try {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) throw new EvidenceError(`${path}: no such file or folder`);
    if (!found.isDirectory()) return await fromResult(path, []);
    const file = join(path, RESULT_FILE);
    const stores = await findStores(path);
    if (await stat(file).catch(() => undefined)) return await fromResult(file, stores);
    return await fromEvidence(path, stores);
  } catch (error) {
    throw error instanceof EvidenceError ? new UsageError(printable(error.message, 2000)) : error;
  }
}

// ---- from a result file ----

async function fromResult(file: string, stores: readonly string[]): Promise<PastRun> {
  const document = parseDocument(await readText(file), file);
  const { senders, verdicts, evidenceDir } = document;
  const run: RunInfo = {
    startedAt: document.startedAt,
    senders,
    scenarios: document.scenarios.map(withoutSteps),
    suite: document.suite,
    selected: document.selected,
    shard: document.shard,
    strict: document.strict,
    node: document.node,
    holdfast: document.holdfast,
  };
  checkWhole(document, file);
  checkVerdicts(document, file);
  const results = verdicts.map(({ known, isRun, reach, ...verdict }): Result => {
    return { verdict, known, isRun, reach };
  });
  return {
    summary: {
      run,
      results,
      knownLists: document.knownLists,
      knownNoMore: document.knownNoMore,
      skippedSenders: document.skippedSenders,
      interrupted: document.interrupted,
      evidenceDir: stores[0] ?? evidenceDir,
      elapsedMs: document.elapsedMs,
    },
    trialOf: trialsOf(run, stores),
  };
}

/**
 * No verdict says other than its findings, and no failure is known that no list of the file names:
 * whoever edits one of them has to be told.
 */
function checkVerdicts({ verdicts, knownLists }: ResultDocument, file: string): void {
  const wrong = ({ scenario, sender }: Verdict, what: string) =>
    new EvidenceError(
      `${file}: the verdict on ${scenario} with ${sender} ${what}: the file was changed, run again or judge the evidence`,
    );
  for (const verdict of verdicts) {
    const { scenario, sender, grade, findings, remarks, known } = verdict;
    const worst = worstOf(findings);
    // Of a lab that was slow or failed nothing is decided, and the remarks say so.
    const isTrouble = grade === 'inconclusive' && remarks.length > 0;
    if (grade !== worst && !isTrouble)
      throw wrong(verdict, `is ${gradeWord(grade)}, and its findings come to ${gradeWord(worst)}`);
    if (known === undefined) continue;
    if (grade !== 'fail') throw wrong(verdict, `is known to fail, and is ${gradeWord(grade)}`);
    const listed = knownLists.filter((list) => list.sender === sender);
    // Merged shards may have had the same list in different places.
    const isIt = ({ scenarios, reason, until }: KnownFailure) =>
      scenarios === known.scenarios && reason === known.reason && until === known.until;
    if (!selects(known.scenarios, scenario) || !listed.some(({ entries }) => entries.some(isIt)))
      throw wrong(verdict, 'is known by an entry that is in none of its lists');
  }
}

/**
 * A run that was not interrupted has one verdict on each scenario for each of its senders, and no
 * other. Whatever has less was cut, and nobody may take it for the whole.
 */
function checkWhole(
  { senders, scenarios, verdicts, skippedSenders, interrupted }: ResultDocument,
  file: string,
): void {
  const wrong = (what: string) => new EvidenceError(`${file}: not a whole result: ${what}`);
  const keyOf = (sender: string, scenario: string) => `${sender}\0${scenario}`;
  const planned = new Set(
    senders.flatMap(({ name }) => scenarios.map(({ id }) => keyOf(name, id))),
  );
  const judged = new Set<string>();
  for (const { sender, scenario } of verdicts) {
    const key = keyOf(sender, scenario);
    if (!planned.has(key))
      throw wrong(
        `a verdict on ${scenario} with ${sender}, which is not among its scenarios and senders`,
      );
    if (judged.has(key)) throw wrong(`two verdicts on ${scenario} with ${sender}`);
    judged.add(key);
  }
  if (interrupted) return;
  const stopped = new Set(skippedSenders.map(({ name }) => name));
  for (const { name } of senders) {
    const missing = scenarios.filter(({ id }) => !judged.has(keyOf(name, id)));
    if (missing.length > 0 && !stopped.has(name))
      throw wrong(`no verdict on ${missing[0]!.id} with ${name}`);
  }
}

function withoutSteps(told: ResultDocument['scenarios'][number]): Scenario {
  return { ...told, domain: DEFAULT_DOMAIN, policy: DEFAULT_POLICY, stages: [] };
}

/** What the schema leaves open to later versions is of the types that this one knows. */
type ResultDocument = Pick<RunSummary, 'elapsedMs' | 'interrupted' | 'evidenceDir'> &
  Pick<RunSummary, 'skippedSenders' | 'knownLists' | 'knownNoMore'> &
  Pick<
    RunInfo,
    'holdfast' | 'node' | 'startedAt' | 'suite' | 'selected' | 'shard' | 'strict' | 'senders'
  > & {
    readonly scenarios: readonly Omit<Scenario, 'domain' | 'policy' | 'stages'>[];
    readonly verdicts: readonly (Verdict & Omit<Result, 'verdict'>)[];
  };

function parseDocument(text: string, file: string): ResultDocument {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new EvidenceError(`${file}: not JSON`);
  }
  const version = (value as { schemaVersion?: unknown } | null)?.schemaVersion;
  if (typeof version !== 'number')
    throw new EvidenceError(`${file}: not a result that the json reporter wrote`);
  if (version !== RESULT_VERSION)
    throw new EvidenceError(
      `${file}: its schemaVersion is ${version}, and this Holdfast reads ${RESULT_VERSION}: run again with the same version`,
    );
  const { error, data } = resultDocument.safeParse(value);
  if (error) {
    const [{ path, message }] = error.issues as [z.core.$ZodIssue];
    throw new EvidenceError(`${file}: not a whole result: ${path.join('.')}: ${message}`);
  }
  return data as unknown as ResultDocument;
}

/** From the first of the stores that has the very trial: one of another run has another verdict. */
function trialsOf(run: RunInfo, stores: readonly string[]): PastRun['trialOf'] {
  const scenarios = new Map(run.scenarios.map((scenario) => [scenario.id, scenario]));
  const senders = new Map(run.senders.map((sender) => [sender.name, sender]));
  return async (verdict) => {
    for (const store of stores) {
      const kept = await readKept(store, verdict);
      if (kept && isSame(kept.verdict, verdict)) return kept.trial;
    }
    return {
      scenario: scenarios.get(verdict.scenario)!,
      sender: senders.get(verdict.sender)!,
      evidence: { observations: [] },
    };
  };
}

const isSame = (kept: Verdict | undefined, told: Verdict) =>
  kept?.grade === told.grade &&
  kept.durationMs === told.durationMs &&
  isDeepStrictEqual(
    kept.findings.map(({ because }) => because),
    told.findings.map(({ because }) => because),
  );

// ---- from evidence alone ----

async function fromEvidence(path: string, stores: readonly string[]): Promise<PastRun> {
  const senders = new Map<string, SenderDescription>();
  const scenarios = new Map<string, Scenario>();
  const results: Result[] = [];
  const unjudged: string[] = [];
  for await (const { dir, trial, verdict } of readTrials(path)) {
    senders.set(trial.sender.name, trial.sender);
    scenarios.set(trial.scenario.id, trial.scenario);
    const isRun = trial.evidence.observations.length > 0;
    if (verdict) results.push({ verdict, isRun, reach: reachOf(trial) });
    else unjudged.push(relative('.', dir));
  }
  const run: RunInfo = {
    startedAt: new Date(0).toISOString(),
    senders: [...senders.values()],
    scenarios: [...scenarios.values()],
    suite: suiteOf([...scenarios.values()]),
    node: '',
    holdfast: '',
  };
  return {
    summary: {
      run,
      results,
      knownLists: [],
      knownNoMore: [],
      skippedSenders: [],
      interrupted: unjudged.length > 0,
      evidenceDir: path,
      elapsedMs: 0,
    },
    trialOf: trialsOf(run, stores),
  };
}
