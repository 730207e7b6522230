/**
 * Durations: how long a trial of each scenario takes, for shards. A JSON object of seconds by
 * scenario; the one that comes with the suite is of Postfix, sendmail, Courier and chasquid, and of
 * the reference sender where none of them can be asked.
 */

import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Result } from '../model/reporter.ts';
import { UsageError } from '../model/usage.ts';
import { printable } from '../protocol/printable.ts';
import type { Durations } from './shard.ts';

const shape = z.record(z.string(), z.number().nonnegative());

/** Throws UsageError where it is no such file; one that is not there yet knows nothing. */
export async function readDurations(file: string): Promise<Durations> {
  if (!existsSync(file)) return {};
  try {
    return shape.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    throw new UsageError(
      `${printable(file, 200)}: not durations, which are a JSON object of seconds by scenario`,
    );
  }
}

/** Puts what these results took beside what the file knows of other scenarios. Throws UsageError. */
export async function learnDurations(file: string, results: readonly Result[]): Promise<void> {
  const run = results.filter(({ isRun }) => isRun);
  const learned = [...Map.groupBy(run, ({ verdict }) => verdict.scenario)].map(
    ([scenario, own]) => [scenario, meanSeconds(own)] as const,
  );
  const all = { ...(await readDurations(file)), ...Object.fromEntries(learned) };
  const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFile(file, `${JSON.stringify(sorted, null, 2)}\n`).catch((error: Error) => {
    throw new UsageError(`the durations cannot be written: ${printable(error.message)}`);
  });
}

/** To a tenth: what is finer differs from run to run. */
function meanSeconds(results: readonly Result[]): number {
  const sum = results.reduce((ms, { verdict }) => ms + verdict.durationMs, 0);
  return Math.round(sum / results.length / 100) / 10;
}
