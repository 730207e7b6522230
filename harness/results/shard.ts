/**
 * Shards: a suite in parts that take about as long, each to be run on a machine of its own. The same
 * scenarios and durations are split in the same way everywhere.
 */

import type { Shard } from '../model/reporter.ts';
import type { Scenario } from '../model/scenario.ts';
import { UsageError } from '../model/usage.ts';

/** Seconds that a trial takes, by scenario. */
export type Durations = Readonly<Record<string, number>>;

/** Of every trial; so those that take no time at all are dealt out too. */
const OVERHEAD_SECONDS = 0.1;

/**
 * The scenarios of one shard, in the order given: the longest is dealt first, each to the shard that
 * has least to do. One whose duration is not known counts as the middle one of those that are. Throws
 * UsageError when nothing is left for it.
 */
export function partOf(
  scenarios: readonly Scenario[],
  { index, of }: Shard,
  durations: Durations,
): Scenario[] {
  const known = Object.values(durations).sort((a, b) => a - b);
  const usual = known[Math.floor(known.length / 2)] ?? 1;
  const lasts = ({ id }: Scenario) => (durations[id] ?? usual) + OVERHEAD_SECONDS;
  const load = Array.from({ length: of }, () => 0);
  const own = new Set<Scenario>();
  for (const scenario of scenarios.toSorted(
    (a, b) => lasts(b) - lasts(a) || (a.id < b.id ? -1 : 1),
  )) {
    const least = load.indexOf(Math.min(...load));
    load[least]! += lasts(scenario);
    if (least === index - 1) own.add(scenario);
  }
  if (of > scenarios.length)
    throw new UsageError(
      `--shard ${index}/${of}: ${scenarios.length} scenarios are not enough for ${of} shards`,
    );
  return scenarios.filter((scenario) => own.has(scenario));
}

/** What takes longest first, so that the end of a run does not wait for it. */
export function longestFirst(scenarios: readonly Scenario[], durations: Durations): Scenario[] {
  const lasts = ({ id }: Scenario) => durations[id] ?? 0;
  return scenarios.toSorted((a, b) => lasts(b) - lasts(a));
}

/** `2/5`; undefined: it is not of this form. */
export function parseShard(text: string): Shard | undefined {
  const [, index, of] = (/^([1-9]\d{0,3})\/([1-9]\d{0,3})$/.exec(text) ?? []).map(Number);
  return index === undefined || of === undefined || index > of ? undefined : { index, of };
}
