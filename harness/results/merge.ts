/**
 * Shards put together: what several machines found, as one run. What is missing, doubled or of
 * another run is an error, since a gate must not open on a part.
 */

import { isDeepStrictEqual } from 'node:util';
import { knownNoMoreOf } from '../model/known.ts';
import type { RunSummary } from '../model/reporter.ts';
import type { SenderDescription } from '../model/sender.ts';
import { UsageError } from '../model/usage.ts';
import { counted, printable } from '../protocol/printable.ts';

export interface ShardResult {
  /** Where it was read from. */
  readonly path: string;
  readonly summary: RunSummary;
}

/** `2026-11-25`, and every scenario there is, by which the lists of known failures are held. */
export interface MergeContext {
  readonly today: string;
  readonly ids: readonly string[];
}

/** The whole run. Throws UsageError that names the shards that are not as they should be. */
export function mergeShards(shards: readonly ShardResult[], context: MergeContext): RunSummary {
  const ordered = inOrder(shards);
  const summaries = ordered.map(({ summary }) => summary);
  const [first] = summaries;
  checkSame(ordered, 'suite', ({ run }) => run.suite);
  checkSame(ordered, 'Holdfast', ({ run }) => run.holdfast);
  checkWhole(ordered);
  checkLists(ordered);
  const senders = mergeSenders(ordered);
  const results = summaries
    .flatMap((summary) => summary.results)
    .sort((a, b) => compareText(a.verdict.scenario, b.verdict.scenario));
  return {
    run: {
      ...first!.run,
      startedAt: summaries.map(({ run }) => run.startedAt).sort()[0]!,
      senders,
      scenarios: summaries
        .flatMap(({ run }) => run.scenarios)
        .sort((a, b) => compareText(a.id, b.id)),
      shard: undefined,
    },
    results,
    knownLists: first!.knownLists,
    // An entry that selects scenarios of several shards is held against all of them.
    knownNoMore: knownNoMoreOf(
      first!.knownLists,
      results.map(({ verdict }) => verdict),
      context.ids,
      context.today,
    ),
    skippedSenders: ordered.flatMap(({ path, summary }) =>
      summary.skippedSenders.map((one) => ({ ...one, reason: `${path}: ${one.reason}` })),
    ),
    interrupted: summaries.some(({ interrupted }) => interrupted),
    elapsedMs: Math.max(...summaries.map(({ elapsedMs }) => elapsedMs)),
  };
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Each of the shards once, from the first to the last. */
function inOrder(shards: readonly ShardResult[]): ShardResult[] {
  const byIndex = new Map<number, ShardResult>();
  const ofs = new Set<number>();
  for (const shard of shards) {
    const { path, summary } = shard;
    if (!summary.run.shard)
      throw new UsageError(`${path}: not a shard: it was run without --shard`);
    const { index, of } = summary.run.shard;
    const other = byIndex.get(index);
    ofs.add(of);
    if (ofs.size > 1)
      throw new UsageError(`${path}: a shard of ${of}, and others are of ${[...ofs][0]}`);
    if (other) throw new UsageError(`${path}: shard ${index}/${of}, as ${other.path} is`);
    byIndex.set(index, shard);
  }
  const [of = 0] = ofs;
  const all = Array.from({ length: of }, (_, index) => index + 1);
  const missing = all.filter((index) => !byIndex.has(index));
  if (of === 0) throw new UsageError('no shards');
  if (missing.length > 0)
    throw new UsageError(
      `${counted(missing.length, 'shard')} of ${of} missing: ${missing.map((index) => `${index}/${of}`).join(', ')}`,
    );
  return all.map((index) => byIndex.get(index)!);
}

function checkSame(
  shards: readonly ShardResult[],
  what: string,
  valueIn: (summary: RunSummary) => string,
): void {
  const [first, ...others] = shards;
  const other = others.find(({ summary }) => valueIn(summary) !== valueIn(first!.summary));
  if (other)
    throw new UsageError(
      `${other.path}: of another ${what} than ${first!.path} (${printable(valueIn(other.summary), 40)}, not ${printable(valueIn(first!.summary), 40)})`,
    );
}

const SAME_DURATIONS =
  'give all shards the same --durations file, and let merge --durations update it';

/** Shards that were split by other durations share scenarios, and leave others out. */
function checkWhole(shards: readonly ShardResult[]): void {
  const found = new Map<string, string>();
  for (const { path, summary } of shards)
    for (const { id } of summary.run.scenarios) {
      const other = found.get(id);
      if (other !== undefined)
        throw new UsageError(
          `${path}: with ${printable(id, 120)}, as ${other} is, so they were split by different durations: ${SAME_DURATIONS}`,
        );
      found.set(id, path);
    }
  const silent = shards.find(({ summary }) => summary.run.selected === undefined);
  if (silent)
    throw new UsageError(
      `${silent.path}: does not say how many scenarios were selected, so nobody knows whether all are here: run the shards again with this Holdfast`,
    );
  const { selected } = shards[0]!.summary.run;
  if (found.size !== selected)
    throw new UsageError(
      `the shards have ${counted(found.size, 'scenario')}, and ${selected} were selected: ${SAME_DURATIONS}`,
    );
}

/** What one shard takes for known, and another does not, is known in neither. */
function checkLists(shards: readonly ShardResult[]): void {
  const listed = ({ knownLists }: RunSummary) =>
    knownLists.map(({ sender, entries }) => ({
      sender,
      entries: entries.map(({ file: _, line: __, ...entry }) => entry),
    }));
  const [first, ...others] = shards;
  const other = others.find(
    ({ summary }) => !isDeepStrictEqual(listed(summary), listed(first!.summary)),
  );
  if (other)
    throw new UsageError(
      `${other.path}: run with another list of known failures than ${first!.path}`,
    );
}

const declared = ({ capabilities }: SenderDescription) =>
  [...new Set(capabilities)].sort().join(', ') || 'none';

/** The senders, which all shards have, or could not run; each is the same in all of them. */
function mergeSenders(shards: readonly ShardResult[]): SenderDescription[] {
  const found = new Map<string, { readonly path: string; readonly sender: SenderDescription }>();
  for (const { path, summary } of shards)
    for (const sender of summary.run.senders) {
      const other = found.get(sender.name);
      if (other && other.sender.version !== sender.version)
        throw new UsageError(
          `${path}: of another version of ${printable(sender.name, 40)} than ${other.path} (${printable(sender.version, 40)}, not ${printable(other.sender.version, 40)})`,
        );
      if (other && declared(other.sender) !== declared(sender))
        throw new UsageError(
          `${path}: ${printable(sender.name, 40)} declares other capabilities there than in ${other.path} (${printable(declared(sender), 200)}, not ${printable(declared(other.sender), 200)}): run all shards with the same sender`,
        );
      found.set(sender.name, { path, sender });
    }
  for (const name of found.keys())
    for (const { path, summary } of shards) {
      const { run, skippedSenders } = summary;
      if (![...run.senders, ...skippedSenders].some((sender) => sender.name === name))
        throw new UsageError(
          `${path}: without ${printable(name, 40)}, with which ${found.get(name)!.path} was run`,
        );
    }
  return [...found.values()].map(({ sender }) => sender);
}
