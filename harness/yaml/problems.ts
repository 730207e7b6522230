/**
 * Problems: what is wrong in a scenario file, where, and what was probably meant. Wording and
 * finding are done elsewhere; this file knows what a problem looks like on a terminal.
 */

import { printable, printableJson } from '../protocol/printable.ts';
export interface Problem {
  readonly file: string;
  /** From 1; 0: the file as a whole. */
  readonly line: number;
  /** From 1, in UTF-16 units as editors count; 0: the file as a whole. */
  readonly column: number;
  readonly message: string;
  /** What stands there, as JSON. */
  readonly found?: string;
  /** Names that could stand there. */
  readonly allowed?: readonly string[];
  /** That of the allowed names which is probably meant. */
  readonly nearest?: string;
  /** The line of the file. */
  readonly source?: string;
}

/** Told of one file; finding the place of each takes time. */
export const MOST_PROBLEMS = 100;

/**
 * `file:line:column: message (found …; allowed …; did you mean …?)`, and below it the line with a
 * caret under the column.
 */
export function formatProblem(problem: Problem): string {
  const { file, line, column, message, found, allowed, nearest } = problem;
  const shown = printable(file, LONGEST_PATH);
  const place = line === 0 ? shown : `${shown}:${line}:${column}`;
  const details = [
    found !== undefined && `found ${found}`,
    allowed !== undefined && `allowed ${listNames(allowed)}`,
    nearest !== undefined && `did you mean ${nearest}?`,
  ].filter((detail) => detail !== false);
  return `${place}: ${message}${details.length > 0 ? ` (${details.join('; ')})` : ''}${frame(problem)}`;
}

/**
 * The allowed name that is the fewest edits away, when that is few enough for a slip of the
 * keyboard. What stands before a colon, slash or at-sign in both makes no name nearer.
 */
export function nearestName(name: string, allowed: readonly string[]): string | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  const near = allowed.flatMap((known) => {
    const [given, meant] = withoutShared(name.toLowerCase(), known.toLowerCase());
    const bound = Math.min(MOST_EDITS, Math.max(1, Math.round(given.length / 3)));
    const edits = editDistance(given, meant);
    return edits <= bound && edits < meant.length ? [{ known, edits }] : [];
  });
  return near.sort((a, b) => a.edits - b.edits)[0]?.known;
}

function withoutShared(a: string, b: string): [string, string] {
  const head = /^.*[:/@]/.exec(a)?.[0];
  return head !== undefined && b.startsWith(head)
    ? [a.slice(head.length), b.slice(head.length)]
    : [a, b];
}

/** A value as a problem shows it: JSON on one line, cut short. */
export function showValue(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : printableJson(value, 0);
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
}

/** By place in the file, each once: variants that share a line share its problem. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const once = new Map(
    problems.map((problem) => [
      `${problem.line}:${problem.column}:${problem.message}:${problem.found}`,
      problem,
    ]),
  );
  return [...once.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

const LONGEST_PATH = 400;
const LONGEST_NAME = 80;
const MOST_EDITS = 3;
const LONGEST_VALUE = 60;
const MOST_NAMES = 16;
const LONGEST_LINE = 120;
const ACTIVE = /(?!\t)[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|#(?=#\w*\[)/gu;

function listNames(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return more > 0 ? `${names.slice(0, MOST_NAMES).join(', ')} and ${more} more` : names.join(', ');
}

function frame({ line, column, source }: Problem): string {
  if (source === undefined) return '';
  const from = Math.max(0, column - LONGEST_LINE / 2);
  // Nothing of a file acts on a terminal or a CI runner (protocol/printable.ts), and all columns
  // stay where they are.
  const shown = source
    .slice(from, from + LONGEST_LINE)
    .replace(ACTIVE, ({ length }) => '·'.repeat(length));
  const indent = shown.slice(0, column - 1 - from).replace(/[^\t]/g, ' ');
  const gutter = String(line).length;
  return `\n  ${line} | ${shown}\n  ${' '.repeat(gutter)} | ${indent}^`;
}

/**
 * Letters put in, left out, changed, or swapped with their neighbour (optimal string alignment).
 */
function editDistance(a: string, b: string): number {
  let [before, last] = [
    [] as number[],
    Array.from({ length: b.length + 1 }, (_, column) => column),
  ];
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const swapped =
        row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const edits = Math.min(
        last[column]! + 1,
        current[column - 1]! + 1,
        last[column - 1]! + (same ? 0 : 1),
      );
      current.push(swapped ? Math.min(edits, before[column - 2]! + 1) : edits);
    }
    [before, last] = [last, current];
  }
  return last[b.length]!;
}
