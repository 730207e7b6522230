/**
 * A comparison for people, on a terminal and as Markdown, and for programs. What the senders said is
 * hostile; every line here is safe where it goes.
 */

import { citation, requirementOf } from '../model/citation.ts';
import type { RunSummary } from '../model/reporter.ts';
import { gradeWord } from '../model/verdict.ts';
import { markdownCode, markdownText } from '../protocol/markdown.ts';
import { counted, fewOf, printable, printableJson } from '../protocol/printable.ts';
import { type Comparison, SHIFTS, type Shift, type ShiftKind } from './compare.ts';

const HEADINGS: Readonly<Record<ShiftKind, string>> = {
  worse: 'Got worse',
  undecided: 'Not decided in the second run',
  better: 'Got better',
  reason: 'The same grade, for another reason or from another place',
  appeared: 'Only in the second run',
  vanished: 'Only in the first run',
  'both-fail': 'Fail in both runs, in the same way',
};
const SYMBOLS: Readonly<Record<ShiftKind, string>> = {
  worse: '✗',
  undecided: '?',
  better: '✓',
  reason: '≈',
  appeared: '+',
  vanished: '-',
  'both-fail': '=',
};
/** Scenarios named below one thing that differs. */
const MOST_NAMED = 12;
/** Things told of one kind; GitHub's job summaries have an end. */
const MOST_SHIFTS = 200;

/** Lines, each ended. */
export function comparisonText(comparison: Comparison): string {
  const { before, after, shifts, gaps } = comparison;
  const lines = [
    `${whoOf(before, printable)} → ${whoOf(after, printable)}`,
    ...sections(shifts).flatMap(({ kind, own, scenarios }) => [
      '',
      `${HEADINGS[kind]} (${counted(scenarios, 'scenario')})`,
      ...own.slice(0, MOST_SHIFTS).flatMap((shift) => shiftLines(shift)),
      ...(own.length > MOST_SHIFTS ? [`  and ${own.length - MOST_SHIFTS} more like these`] : []),
    ]),
    ...(gaps.length === 0 ? [] : ['', 'Not known', ...gaps.map((gap) => `  ${printable(gap)}`)]),
    '',
    totals(comparison),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function shiftLines(shift: Shift): string[] {
  const { kind, sender, requirement, seen, was } = shift;
  const seenLabel = was === undefined ? 'seen' : 'now';
  return [
    `  ${SYMBOLS[kind]} ${gradesOf(shift)} · ${printable(sender, 40)} · ${counted(shift.scenarios.length, 'scenario')}${levelOf(requirement)}`,
    ...(requirement === undefined ? [] : [`    ${citation(requirement)}`]),
    ...(was === undefined ? [] : [`    before  ${printable(was)}`]),
    ...(isToldBefore(shift) ? [] : [`    ${seenLabel.padEnd(6)}  ${printable(seen)}`]),
    `    in      ${named(shift, (id) => printable(id, 120))}`,
  ];
}

/** By the grades: `unsupported`, where nothing more is known. */
const isToldBefore = ({ seen, before, after }: Shift) =>
  seen === '' || seen === before || seen === after;

/** For a job summary: below GitHub's limit of 1 MiB whatever the runs. */
export function comparisonMarkdown(comparison: Comparison): string {
  const { before, after, shifts, gaps } = comparison;
  const text = (words: string, limit?: number) => markdownText(words, limit);
  const lines = [
    `## ${whoOf(before, text)} → ${whoOf(after, text)}`,
    '',
    totals(comparison),
    ...gaps.map((gap) => `\n**Not known:** ${text(gap)}`),
    ...sections(shifts).flatMap(({ kind, own, scenarios }) => [
      '',
      `### ${HEADINGS[kind]} (${counted(scenarios, 'scenario')})`,
      '',
      ...own.slice(0, MOST_SHIFTS).flatMap((shift) => {
        const { requirement, seen, was } = shift;
        return [
          `- **${gradesOf(shift)}** · ${text(shift.sender, 40)} · ${counted(shift.scenarios.length, 'scenario')}${levelOf(requirement)}`,
          ...(requirement === undefined ? [] : [`  - ${text(citation(requirement))}`]),
          ...(was === undefined ? [] : [`  - before: ${text(was)}`]),
          ...(isToldBefore(shift)
            ? []
            : [`  - ${was === undefined ? 'seen' : 'now'}: ${text(seen)}`]),
          `  - in: ${named(shift, (id) => markdownCode(id, 120))}`,
        ];
      }),
      ...(own.length > MOST_SHIFTS ? [`- and ${own.length - MOST_SHIFTS} more like these`] : []),
    ]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** One document for programs; its `schemaVersion` is as that of results, a count of its own. */
export function comparisonJson(comparison: Comparison): string {
  const { before, after, shifts, same, paired, gaps } = comparison;
  const side = ({ run }: RunSummary) => ({
    holdfast: run.holdfast,
    startedAt: run.startedAt,
    suite: run.suite,
    senders: run.senders.map(({ name, version }) => ({ name, version })),
  });
  const document = {
    schemaVersion: 1,
    before: side(before),
    after: side(after),
    paired,
    same,
    counts: Object.fromEntries(SHIFTS.map((kind) => [kind, countOf(shifts, kind)])),
    shifts,
    gaps,
  };
  return `${printableJson(document)}\n`;
}

function sections(shifts: readonly Shift[]) {
  return SHIFTS.map((kind) => ({
    kind,
    own: shifts.filter((shift) => shift.kind === kind),
    scenarios: countOf(shifts, kind),
  })).filter(({ own }) => own.length > 0);
}

function countOf(shifts: readonly Shift[], kind: ShiftKind): number {
  return shifts
    .filter((shift) => shift.kind === kind)
    .reduce((sum, { scenarios }) => sum + scenarios.length, 0);
}

/** `416 pairs, 393 of them the same · 4 worse · 2 better` */
function totals({ shifts, same, paired }: Comparison): string {
  const words: Readonly<Partial<Record<ShiftKind, string>>> = {
    reason: 'told otherwise',
    'both-fail': 'fail in both',
  };
  return [
    `${counted(paired, 'pair')}, ${same} of them the same`,
    ...SHIFTS.flatMap((kind) => {
      const count = countOf(shifts, kind);
      return count === 0 ? [] : [`${count} ${words[kind] ?? kind}`];
    }),
  ].join(' · ');
}

function gradesOf({ before, after }: Shift): string {
  const grades = [before, after].filter((grade) => grade !== undefined).map(gradeWord);
  return [...new Set(grades)].join(' → ');
}

function levelOf(id: string | undefined): string {
  const requirement = id === undefined ? undefined : requirementOf(id);
  return requirement ? ` · ${requirement.level}` : '';
}

function whoOf(run: RunSummary, show: (text: string, limit: number) => string): string {
  const senders = run.run.senders.map(({ name, version }) => show(`${name} ${version}`.trim(), 60));
  return senders.length === 0 ? 'no sender' : senders.join(', ');
}

function named({ scenarios }: Shift, show: (id: string) => string): string {
  return fewOf(scenarios.map(show), MOST_NAMED).join(', ');
}
