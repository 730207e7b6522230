/**
 * The scenario × sender matrix, and what an attacker would have got. Not a reporter; pure rendering
 * for the text reporter.
 *
 *                         reference  postfix
 *   starttls/stripped     ✓ 5        ✗ 2/5        all five variants passed · two of five failed
 *   dane/no-rescue        –          ? 1          the sender declares no DANE · one inconclusive
 *   pass                  5          3
 *   fail                             2
 */

import type { Result, RunSummary, Shown } from '../model/reporter.ts';
import { countShown, SHOWN, scenarioFileId, shownAs } from '../model/reporter.ts';
import { isJudged, type Scenario } from '../model/scenario.ts';
import { type Exposure, gradeWord, type Verdict } from '../model/verdict.ts';
import { counted, printable } from '../protocol/printable.ts';
import { SYMBOL } from './failure-text.ts';

const ROW_NAME_MIN = 24;
const ROW_NAME_MAX = 56;
const COLUMN_MIN = 7;
const COLUMN_MAX = 16;
const GAP = 2;
const WORST_NAMED = 3;

/** Worst first: a cell is shown as the first of these that any variant is shown as. */
const WORST_FIRST: readonly Shown[] = [
  'fail',
  'inconclusive',
  'known',
  'warn',
  'not-met',
  'pass',
  'unsupported',
];

/**
 * Lines of at most `width` columns; with too many senders for one table, several tables. A sender
 * without verdicts has an empty column.
 */
export function renderMatrix({ run, results }: RunSummary, width: number): string[] {
  const files = [...new Set(run.scenarios.map(({ id }) => scenarioFileId(id)))];
  const senders = run.senders.map(({ name }) => name);
  const columnWidth = clamp(
    Math.max(0, ...senders.map((name) => name.length)),
    COLUMN_MIN,
    COLUMN_MAX,
  );
  const longestName = clamp(
    Math.max(0, ...files.map((file) => file.length)),
    ROW_NAME_MIN,
    ROW_NAME_MAX,
  );
  const fitting = Math.max(1, Math.floor((width - ROW_NAME_MIN) / (columnWidth + GAP)));
  const columns = Math.min(senders.length, fitting);
  const nameWidth = Math.max(
    ROW_NAME_MIN,
    Math.min(longestName, width - columns * (columnWidth + GAP)),
  );
  const line = (name: string, cells: readonly string[]) =>
    [
      printable(name, nameWidth).padEnd(nameWidth),
      ...cells.map((cell) => printable(cell, columnWidth).padEnd(columnWidth)),
    ]
      .join(' '.repeat(GAP))
      .trimEnd();

  return chunks(senders, fitting).flatMap((group, index) => {
    const own = group.map((sender) => results.filter(({ verdict }) => verdict.sender === sender));
    return [
      ...(index === 0 ? [] : ['']),
      line('', group),
      ...files.map((file) =>
        line(
          file,
          own.map((column) =>
            cell(column.filter(({ verdict }) => scenarioFileId(verdict.scenario) === file)),
          ),
        ),
      ),
      ...SHOWN.map((shown) => ({ shown, counts: own.map((column) => countShown(column)[shown]) }))
        .filter(({ counts }) => counts.some((count) => count > 0))
        .map(({ shown, counts }) =>
          line(
            gradeWord(shown),
            counts.map((count) => (count === 0 ? '' : String(count))),
          ),
        ),
    ];
  });
}

/**
 * All variants of one file for one sender: `✓ 5`, `✗ 2/5`. Unsupported variants are not counted
 * beside judged ones.
 */
function cell(results: readonly Result[]): string {
  const judged = results.filter((result) => shownAs(result) !== 'unsupported');
  if (judged.length === 0) return results.length === 0 ? '' : SYMBOL.unsupported;
  const counts = countShown(judged);
  const worst = WORST_FIRST.find((shown) => counts[shown] > 0)!;
  return `${SYMBOL[worst]} ${counts[worst]}${counts[worst] === judged.length ? '' : `/${judged.length}`}`;
}

/**
 * For each sender, how many attacked scenarios gave an attacker content, envelope, nothing; and the
 * worst of them by name. Where the evidence does not decide, having seen nothing is not knowing.
 */
export function renderExposure({ run, results }: RunSummary): string[] {
  const nameWidth = Math.min(
    COLUMN_MAX,
    Math.max(0, ...run.senders.map(({ name }) => name.length)),
  );
  const attacks = new Set(run.scenarios.filter(isAttack).map(({ id }) => id));
  return run.senders.flatMap(({ name }) => {
    const attacked = results.filter(
      ({ verdict, isRun }) => verdict.sender === name && attacks.has(verdict.scenario) && isRun,
    );
    if (attacked.length === 0) return [];
    const verdicts = attacked
      .map(({ verdict }) => verdict)
      .filter((verdict) => !isUnknown(verdict));
    const unknown = attacked.length - verdicts.length;
    const tallies = (['content', 'envelope', 'none'] as const).map((exposure) =>
      tally(verdicts, exposure),
    );
    if (unknown > 0) tallies.push(`not known in ${unknown}`);
    const worst = verdicts
      .filter((verdict) => verdict.exposure !== 'none' && !isConformant(verdict))
      .sort((a, b) => severity(b) - severity(a))
      .slice(0, WORST_NAMED);
    return [
      `${printable(name, nameWidth).padEnd(nameWidth)}  ${tallies.join(' · ')}, of ${counted(attacked.length, 'scenario')} on a changed path`,
      ...worst.map(
        (verdict) =>
          `${' '.repeat(nameWidth)}  ${SYMBOL[verdict.grade]} ${verdict.exposure} in ${printable(verdict.scenario, 60)}`,
      ),
    ];
  });
}

const EXPOSED: Readonly<Record<Exposure, string>> = {
  content: 'whole messages',
  envelope: 'only envelopes',
  none: 'nothing',
};
const isUnknown = (verdict: Verdict) =>
  verdict.grade === 'inconclusive' && verdict.exposure === 'none';

/**
 * `whole messages in 7 (4 as the RFCs ask)`: under testing, or on first contact, mail has to be
 * delivered whatever the path does.
 */
function tally(verdicts: readonly Verdict[], exposure: Exposure): string {
  const own = verdicts.filter((verdict) => verdict.exposure === exposure);
  const asAsked = exposure === 'none' ? 0 : own.filter(isConformant).length;
  return `${EXPOSED[exposure]} in ${own.length}${asAsked === 0 ? '' : ` (${asAsked} as the RFCs ask)`}`;
}

const isConformant = (verdict: Verdict) => verdict.grade === 'pass';
const severity = (verdict: Verdict) =>
  (verdict.grade === 'fail' ? 2 : 0) + (verdict.exposure === 'content' ? 1 : 0);

function isAttack({ stages }: Scenario): boolean {
  return stages.some(({ step }) => isJudged(step) && step.under.length > 0);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
