/**
 * The gate of a run: the lists of known failures of its senders, held against what was found.
 */

import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { loadKnown } from '../known/load.ts';
import { updateKnown } from '../known/update.ts';
import {
  type KnownFailure,
  type KnownList,
  type KnownNoMore,
  knownBy,
  knownNoMoreOf,
} from '../model/known.ts';
import type { Result } from '../model/reporter.ts';
import type { Scenario } from '../model/scenario.ts';
import { selects } from '../model/selection.ts';
import { UsageError } from '../model/usage.ts';
import type { Verdict } from '../model/verdict.ts';
import { counted, printable } from '../protocol/printable.ts';
import type { Vocabulary } from '../scenario/language.ts';
import { knownFileOf } from '../senders/find.ts';
import { formatProblem } from '../yaml/problems.ts';
import { checkFile } from './folder.ts';
import { loadShipped } from './select.ts';

export interface GateRequest {
  /** The names that were given, each with that of its sender. */
  readonly senders: readonly { readonly given: string; readonly name: string }[];
  /** Lists in place of those beside the senders. */
  readonly known?: readonly string[];
  /** The lists are brought up to date after the run. */
  readonly updateKnown?: boolean;
  readonly scenarios: readonly Scenario[];
}

export interface Gate {
  /** What is listed, by sender. */
  readonly lists: readonly KnownList[];
  /** The entry that lists this failure. */
  knownBy(verdict: Verdict): KnownFailure | undefined;
  /** What the lists name wrongly, once everything is judged. */
  noMore(results: readonly Pick<Result, 'verdict'>[]): readonly KnownNoMore[];
  /** Writes each entry back to its own list, if that was asked for, and says what of each. */
  update(results: readonly Result[], tell: (line: string) => void): Promise<void>;
}

/**
 * Reads the lists. Throws UsageError for every problem in them, and where a list is to be written
 * and there is no telling where.
 */
export async function openGate(request: GateRequest, vocabulary: Vocabulary): Promise<Gate> {
  const today = new Date().toISOString().slice(0, 10);
  const files = new Map(request.senders.map((sender) => [sender.name, filesOf(sender, request)]));
  const lists = new Map<string, readonly KnownFailure[]>();
  const named = [...new Set([...files.values()].flat())];
  const ids = named.length === 0 ? [] : await idsOf(request.scenarios, vocabulary);
  for (const file of named) {
    if (request.updateKnown && !existsSync(file)) continue;
    const { entries, problems } = await loadKnown(file, process.cwd(), ids);
    if (problems.length > 0) throw new UsageError(problems.map(formatProblem).join('\n'));
    lists.set(file, entries);
  }
  if (request.updateKnown) for (const file of named) await checkFile(file, '--known');
  const entriesOf = (sender: string) =>
    (files.get(sender) ?? []).flatMap((file) => lists.get(file) ?? []);
  const all = request.senders.map(({ name }) => ({ sender: name, entries: entriesOf(name) }));
  const noMore: Gate['noMore'] = (results) =>
    knownNoMoreOf(
      all,
      results.map(({ verdict }) => verdict),
      ids,
      today,
    );
  return {
    lists: all,
    knownBy: (verdict) =>
      knownBy(entriesOf(verdict.sender), verdict, { today, version: verdict.senderVersion }),
    noMore,
    async update(results, tell) {
      if (!request.updateKnown) return;
      const wrong = noMore(results);
      for (const file of named) {
        // What is not listed goes to the first list of its sender; several senders can share one.
        const senders = new Set(
          [...files].filter(([, [first]]) => first === file).map(([sender]) => sender),
        );
        const isOf = (kind: KnownNoMore['kind']) =>
          unique(
            wrong
              .filter((one) => one.kind === kind && lists.get(file)?.includes(one.entry))
              .map(({ entry }) => entry.scenarios),
          );
        const failed = unique(
          results
            .filter(({ verdict }) => senders.has(verdict.sender))
            .filter(({ verdict, known }) => verdict.grade === 'fail' && known === undefined)
            // What is past is listed all the same: only its day goes.
            .filter(({ verdict }) => !isListed(verdict, wrong))
            .map(({ verdict }) => verdict.scenario),
        );
        const [healed, past] = [isOf('passes'), isOf('past')];
        if (senders.size === 0 && healed.length + past.length === 0) continue;
        const text = existsSync(file) ? await readFile(file, 'utf8') : '';
        await writeFile(file, updateKnown(text, { failed, healed, past }));
        tell(
          `${printable(file, 200)}: ${counted(failed.length, 'failure')} put in, ${healed.length} taken out, ${past.length} past ${past.length === 1 ? 'its' : 'their'} day`,
        );
      }
    },
  };
}

/** By an entry that is past. */
const isListed = ({ sender, scenario }: Verdict, wrong: readonly KnownNoMore[]) =>
  wrong.some(
    (one) => one.kind === 'past' && one.sender === sender && selects(one.entry.scenarios, scenario),
  );

const unique = (texts: readonly string[]) => [...new Set(texts)];

function filesOf(
  { given, name }: GateRequest['senders'][number],
  { known, updateKnown }: GateRequest,
): readonly string[] {
  if (known && known.length > 0) return known;
  const beside = knownFileOf(given);
  if (beside === undefined) {
    if (updateKnown)
      throw new UsageError(
        `${printable(name, 40)} has no folder of its own: say with --known FILE where its list is`,
      );
    return [];
  }
  return updateKnown || existsSync(beside) ? [beside] : [];
}

async function idsOf(scenarios: readonly Scenario[], vocabulary: Vocabulary): Promise<string[]> {
  const shipped = await loadShipped(vocabulary);
  return [...new Set([...shipped, ...scenarios].map(({ id }) => id))];
}
