/** `merge`: the shards of a run put together: results, evidence, and what the reporters make. */

import { cp, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { RunSummary } from '../model/reporter.ts';
import { UsageError } from '../model/usage.ts';
import { exitCode } from '../model/verdict.ts';
import { printable } from '../protocol/printable.ts';
import { learnDurations } from '../results/durations.ts';
import { mergeShards } from '../results/merge.ts';
import { RESULT_FILE, readRun } from '../results/read.ts';
import { clearTrials, EvidenceError, findStores } from '../store.ts';
import { loadVocabulary } from '../vocabulary.ts';
import { loadShipped } from './select.ts';
import { chooseReporters, graded, outFiles, removeOld, retell } from './tell.ts';
import { EXIT, type Terminal } from './terminal.ts';

export interface MergeRequest {
  /** A folder or result file each. */
  readonly shards: readonly string[];
  readonly reporters: readonly string[];
  /** The folder for what reporters write, and for the evidence, if any was kept. */
  readonly out: string;
  readonly strict?: boolean;
  /** The file that learns how long each scenario took. */
  readonly durations?: string;
}

/**
 * Tells the whole run as if it had been run in one piece, and returns its exit code. Throws UsageError
 * for shards that do not make a whole.
 */
export async function merge(request: MergeRequest, terminal: Terminal): Promise<number> {
  const { shards, reporters: names, out, strict, durations } = request;
  const reporters = await chooseReporters({ reporters: names, out }, terminal);
  const files = await outFiles({ reporters: names, out });
  const given = await Promise.all(
    shards.flatMap((path) => [realPath(path), realPath(join(path, RESULT_FILE))]),
  );
  const written = await Promise.all(files.map(realPath));
  if (written.some((file) => given.includes(file))) throw isShard(out);
  await removeOld(files);
  const runs = await Promise.all(
    shards.map(async (path) => ({ path: printable(path, 200), ...(await readRun(path)) })),
  );
  const shipped = await loadShipped(await loadVocabulary());
  const scenarios = runs.flatMap(({ summary }) => summary.run.scenarios);
  const ids = [...new Set([...shipped, ...scenarios].map(({ id }) => id))];
  const merged = mergeShards(runs, { today: new Date().toISOString().slice(0, 10), ids });
  const summary: RunSummary = {
    ...merged,
    run: { ...merged.run, strict },
    evidenceDir: await gather(shards, merged, out),
  };

  const ran = new Map(
    runs.flatMap((run) => run.summary.results.map(({ verdict }) => [verdict, run] as const)),
  );
  await retell({ summary, trialOf: (verdict) => ran.get(verdict)!.trialOf(verdict) }, reporters);
  if (durations) await learnDurations(durations, summary.results);
  // It broke, or ran in part, in some shard or in all of them: the whole is not known.
  const isBroken = summary.skippedSenders.some(
    ({ name, isBroken }) => isBroken || summary.run.senders.some((sender) => sender.name === name),
  );
  if (reporters.broken || isBroken) return EXIT.harnessBroke;
  if (summary.interrupted) return 2;
  if (summary.knownNoMore.length > 0) return 1;
  return (
    exitCode(summary.results.map(graded), strict) || (summary.skippedSenders.length > 0 ? 2 : 0)
  );
}

/** Whatever links lead to it; it need not be there. */
async function realPath(path: string): Promise<string> {
  const folder = dirname(resolve(path));
  return realpath(path).catch(async () =>
    join(await realpath(folder).catch(() => folder), basename(path)),
  );
}

const isShard = (out: string) =>
  new UsageError(`--out ${printable(out, 200)}: is one of the shards: give a new folder`);

/** Puts the evidence of all shards into one folder, if there is any, and returns that. */
async function gather(
  shards: readonly string[],
  { run }: RunSummary,
  out: string,
): Promise<string | undefined> {
  const found = await Promise.all(shards.map((path) => findStores(path).catch(() => [])));
  const stores = found.flat();
  if (stores.length === 0) return undefined;
  const target = join(out, 'evidence');
  if (stores.some((store) => `${resolve(store)}${sep}`.startsWith(`${resolve(target)}${sep}`)))
    throw isShard(out);
  try {
    await clearTrials(
      target,
      run.senders.map(({ name }) => name),
    );
    for (const store of stores) await cp(store, target, { recursive: true });
  } catch (error) {
    if (error instanceof EvidenceError) throw new UsageError(error.message);
    throw new UsageError(`evidence cannot be copied: ${printable((error as Error).message)}`);
  }
  return target;
}
