/** Findings: what of a report is not as RFC 8460 has it, and where. */

import { printable, printableJson } from '../protocol/printable.ts';

/**
 * `must`: what the RFC demands, by keyword, in its grammar, or as the type of a member; `should`:
 * what it recommends, or what contradicts itself; `seen`: what the RFC has otherwise, but large
 * senders or the RFC's own example are known to write, and what is read all the same.
 */
export type Level = 'must' | 'should' | 'seen';
/** The worst first. */
export const LEVELS: readonly Level[] = ['must', 'should', 'seen'];

export interface Finding {
  /** `policies[0].policy.mx-host`; of a mail `header Subject` or `attachment filename`; of the file `name`. */
  readonly path: string;
  readonly level: Level;
  /** `RFC 8460 §4.4` */
  readonly section: string;
  /** `an array of strings` */
  readonly expected: string;
  /** What stands there, in a form that is safe to show: `the string "*.example"`, `nothing`. */
  readonly found: string;
}

/** Findings as they are made. Beyond MOST_FINDINGS of a level they are only counted. */
export interface Findings {
  readonly list: readonly Finding[];
  /** Of all that were made, by level. */
  readonly counts: Readonly<Record<Level, number>>;
  add(level: Level, path: string, section: string, expected: string, found: string): void;
}

export const MOST_FINDINGS = 100;

export function openFindings(): Findings {
  const list: Finding[] = [];
  const counts: Record<Level, number> = { must: 0, should: 0, seen: 0 };
  return {
    list,
    counts,
    add(level, path, section, expected, found) {
      counts[level]++;
      if (counts[level] <= MOST_FINDINGS)
        list.push({ path: printable(path), level, section, expected, found });
    },
  };
}

/** A value as a finding shows it, cut short. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return `the string ${quote(value)}`;
  if (typeof value === 'number') return `the number ${value}`;
  const length = Array.isArray(value) ? value.length : Object.keys(value).length;
  const kind = Array.isArray(value) ? 'an array' : 'an object';
  return length === 0 ? `${kind}, empty` : kind;
}

/** A text in quotes, cut short, safe to show. */
export function quote(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
  return printable(printableJson(cut, 0), 2 * LONGEST);
}

const LONGEST = 80;
