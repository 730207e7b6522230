/**
 * Known failures: which failures of a sender its owner has listed, and why; and what keeps such a
 * list honest: what it lists has to fail still, and only until its day.
 */

import { selects } from './selection.ts';
import type { Verdict } from './verdict.ts';

/** The name by which a list is found beside a `sender.yaml`. */
export const KNOWN_FILE = 'known.yaml';

/** An entry of a list. */
export interface KnownFailure {
  /** A scenario, a variant, a folder or a pattern (selection.ts). */
  readonly scenarios: string;
  readonly reason: string;
  /** Where more is said: an http or https URL. */
  readonly link?: string;
  /** The last day on which it is known (2027-06-30), or the first version that must not fail. */
  readonly until?: string;
  /** Where it stands. */
  readonly file: string;
  readonly line: number;
}

/** All that is known of one sender. */
export interface KnownList {
  readonly sender: string;
  readonly entries: readonly KnownFailure[];
}

/** Why the run does not end well though every failure is listed. */
export interface KnownNoMore {
  readonly sender: string;
  /** `passes`: the line can go. `past`: it fails still, after its day or in the version named. */
  readonly kind: 'passes' | 'past';
  readonly entry: KnownFailure;
}

/** That of which an entry is asked whether it is past. */
export interface Moment {
  /** `2027-06-30`, UTC. */
  readonly today: string;
  /** Of the sender; empty: not known. */
  readonly version: string;
}

/** The first entry that lists this failure and is not past; a verdict other than fail has none. */
export function knownBy(
  entries: readonly KnownFailure[],
  { scenario, grade }: Pick<Verdict, 'scenario' | 'grade'>,
  moment: Moment,
): KnownFailure | undefined {
  if (grade !== 'fail') return undefined;
  return entries.find((entry) => selects(entry.scenarios, scenario) && !isPast(entry, moment));
}

/**
 * The entries that are known no more, by the verdicts of one sender. An entry passes once every
 * scenario that it selects, of all there are (`ids`), was run, one passed and none failed: a run of a
 * part of them says nothing of the others. What the sender lacks, or did not meet, keeps no entry: it
 * is no failure.
 */
export function knownNoMore(
  entries: readonly KnownFailure[],
  verdicts: readonly Pick<Verdict, 'scenario' | 'sender' | 'grade'>[],
  ids: readonly string[],
  { moment, sender }: { readonly moment: Moment; readonly sender: string },
): KnownNoMore[] {
  const gradeOf = new Map(verdicts.map(({ scenario, grade }) => [scenario, grade]));
  return entries.flatMap((entry): KnownNoMore[] => {
    const grades = ids.filter((id) => selects(entry.scenarios, id)).map((id) => gradeOf.get(id));
    if (grades.includes('fail'))
      return isPast(entry, moment) ? [{ sender, kind: 'past', entry }] : [];
    const passes = grades.some(isGood) && grades.every((grade) => isGood(grade) || isBeside(grade));
    return passes ? [{ sender, kind: 'passes', entry }] : [];
  });
}

type Judged = Verdict['grade'] | undefined;
const isGood = (grade: Judged) => grade === 'pass' || grade === 'warn';
const isBeside = (grade: Judged) => grade === 'unsupported' || grade === 'not-met';

/**
 * The same for all senders of a run. An entry that several of them share (`run --known`) can go only
 * once no sender fails what it selects.
 */
export function knownNoMoreOf(
  lists: readonly KnownList[],
  verdicts: readonly Pick<Verdict, 'scenario' | 'sender' | 'senderVersion' | 'grade'>[],
  ids: readonly string[],
  today: string,
): KnownNoMore[] {
  const bySender = Map.groupBy(verdicts, ({ sender }) => sender);
  const isNeeded = ({ file, line, scenarios }: KnownFailure) =>
    lists.some(
      ({ sender, entries }) =>
        entries.some((entry) => entry.file === file && entry.line === line) &&
        bySender
          .get(sender)
          ?.some(({ grade, scenario }) => grade === 'fail' && selects(scenarios, scenario)),
    );
  return lists
    .flatMap(({ sender, entries }) => {
      const own = bySender.get(sender) ?? [];
      const moment = { today, version: own[0]?.senderVersion ?? '' };
      return knownNoMore(entries, own, ids, { moment, sender });
    })
    .filter(({ kind, entry }) => kind !== 'passes' || !isNeeded(entry));
}

/** `2027-06-30` */
export const DAY = /^\d{4}-\d\d-\d\d$/;

/** A version that nobody can tell is past: no list is good for ever because of that. */
export function isPast(
  { until }: Pick<KnownFailure, 'until'>,
  { today, version }: Moment,
): boolean {
  if (until === undefined) return false;
  if (DAY.test(until)) return today > until;
  const own = versionIn(version);
  return own === undefined || compareVersions(own, until) >= 0;
}

/** Those that come before the release that they are named like, in order. */
const BEFORE_RELEASE = ['dev', 'snapshot', 'alpha', 'beta', 'pre', 'rc'];
const EARLY = `(?<![a-z])(?:${BEFORE_RELEASE.join('|')})(?![a-z])`;

/** Where a version begins, the surest first: numbers may be of a name (`m3ta 2.0`) as well. */
const BEGINNINGS = [
  /(?<![^\s(])v?(?=\d+\.\d)/i,
  /(?<![\w.])v?(?=\d+\.\d)/i,
  /(?<![^\s(])v?(?=\d)/i,
  /(?<![\w.])v?(?=\d)/i,
];

/** The version in what a sender says of its version: `mail2go 5.0 (Linux)`; undefined: there is none. */
function versionIn(text: string): string | undefined {
  const found = BEGINNINGS.map((pattern) => pattern.exec(text)).find((match) => match !== null);
  if (found === undefined) return undefined;
  const rest = text.slice(found.index + found[0].length);
  return new RegExp(`^[^\\s,;()/]+(?:\\s+${EARLY}[^\\s,;()/]*)?`, 'i').exec(rest)![0];
}

/** By the numbers in them: `3.10` is after `3.9`, `3.10.2` after `3.10`, and `3.10-rc2` before it. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map(partsOf);
  const length = Math.max(left!.length, right!.length);
  for (let i = 0; i < length; i++) {
    const difference = (left![i] ?? 0) - (right![i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function partsOf(version: string): number[] {
  const parts = version.match(new RegExp(`\\d+|${EARLY}`, 'gi')) ?? [];
  return parts.map((part) =>
    /\d/.test(part)
      ? Number(part)
      : BEFORE_RELEASE.indexOf(part.toLowerCase()) - BEFORE_RELEASE.length,
  );
}
