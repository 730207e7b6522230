/**
 * Two runs held against each other: what got worse, what got better, what is only told otherwise,
 * what is in one of them alone, and what fails in both.
 *
 * A pair is the same scenario and variant with the same sender; where each run has one sender, these
 * two are a pair whatever they are called. Findings and reach are compared, not grades alone, and
 * none of what differs from run to run: names, tokens, addresses, numbers, the server's own words.
 */

import { seenAs } from '../model/causes.ts';
import type { Result, RunSummary } from '../model/reporter.ts';
import {
  type Exposure,
  type Finding,
  type Grade,
  type Harm,
  judgedInNothing,
  type Verdict,
} from '../model/verdict.ts';
import { counted } from '../protocol/printable.ts';

/** In the order in which they are told. */
export const SHIFTS = [
  'worse',
  'undecided',
  'better',
  'reason',
  'appeared',
  'vanished',
  'both-fail',
] as const;
export type ShiftKind = (typeof SHIFTS)[number];

/** One thing that differs, or fails in both, and every scenario in which it does. */
export interface Shift {
  readonly kind: ShiftKind;
  /** The sender in the second run, or in the first where the second has none. */
  readonly sender: string;
  readonly before?: Grade;
  readonly after?: Grade;
  /** Of the finding that tells it, if one does. */
  readonly requirement?: string;
  /** What was seen, by the first of the scenarios; `was`: in the first run, where that differs. */
  readonly seen: string;
  readonly was?: string;
  readonly scenarios: readonly string[];
}

export interface Comparison {
  readonly before: RunSummary;
  readonly after: RunSummary;
  /** By kind, and of one kind what has most scenarios first. */
  readonly shifts: readonly Shift[];
  /** Pairs in which nothing differs, those that fail in both among them. */
  readonly same: number;
  /** Pairs in all. */
  readonly paired: number;
  /** What the comparison cannot know, in sentences. */
  readonly gaps: readonly string[];
}

/** Compares `after`, the candidate, with `before`. */
export function compareRuns(before: RunSummary, after: RunSummary): Comparison {
  const nameIn = pairSenders(before, after);
  const keyOf = ({ scenario, sender }: Verdict) => `${nameIn(sender)}\0${scenario}`;
  const first = new Map(before.results.map((result) => [keyOf(result.verdict), result]));
  const second = new Set(after.results.map(({ verdict }) => keyOf(verdict)));
  const pairs: Pair[] = [
    ...after.results.map((is) => ({ was: first.get(keyOf(is.verdict)), is })),
    ...before.results
      .filter(({ verdict }) => !second.has(keyOf(verdict)))
      .map((was) => ({ was, is: undefined })),
  ];
  const told = pairs.flatMap((pair) => {
    const kind = kindOf(pair);
    return kind === undefined ? [] : [tell(kind, pair)];
  });
  const paired = pairs.filter(({ was, is }) => was && is).length;
  const differing = told.filter(({ kind }) => SHIFTS.indexOf(kind) < SHIFTS.indexOf('appeared'));
  return {
    before,
    after,
    shifts: grouped(told),
    same: paired - differing.length,
    paired,
    gaps: [
      ...gapsOf(before, after),
      // Of a shard, the whole tells.
      ...(after.run.shard ? [] : judgedInNothing(after.results.map(({ verdict }) => verdict))).map(
        (sender) => `the second run judged ${sender} in nothing`,
      ),
      ...missingOf(pairs),
    ],
  };
}

/** Of one run, the senders beside `base` compared with it. */
export function compareSenders(run: RunSummary, base: string): Comparison {
  const only = (isOfIt: (sender: string) => boolean): RunSummary => ({
    ...run,
    run: { ...run.run, senders: run.run.senders.filter(({ name }) => isOfIt(name)) },
    results: run.results.filter(({ verdict }) => isOfIt(verdict.sender)),
    skippedSenders: run.skippedSenders.filter(({ name }) => isOfIt(name)),
  });
  return compareRuns(
    only((sender) => sender === base),
    only((sender) => sender !== base),
  );
}

/**
 * 1: something got worse. 2: nothing was compared, the candidate has an undecided verdict, or
 * something is not known (`gaps`). 0: nothing is worse.
 */
export function comparisonCode({ shifts, paired, after, gaps }: Comparison): 0 | 1 | 2 {
  if (shifts.some(({ kind }) => kind === 'worse')) return 1;
  const isOpen = after.results.some(({ verdict }) => verdict.grade === 'inconclusive');
  return isOpen || paired === 0 || gaps.length > 0 ? 2 : 0;
}

/** What each sender is called in the keys of pairs. */
function pairSenders(before: RunSummary, after: RunSummary): (name: string) => string {
  const names = (run: RunSummary) => [...new Set(run.results.map(({ verdict }) => verdict.sender))];
  const isOnePair = names(before).length === 1 && names(after).length === 1;
  return isOnePair ? () => '' : (name) => name;
}

function gapsOf(before: RunSummary, after: RunSummary): string[] {
  const sides = [
    { name: 'the first run', run: before },
    { name: 'the second run', run: after },
  ];
  return sides.flatMap(({ name, run }) => [
    ...(run.interrupted ? [`${name} was interrupted`] : []),
    ...run.skippedSenders.map((skipped) => `${name} could not run ${skipped.name}`),
  ]);
}

/** What only one of the runs has tried, where it matters: a gate must not open on a part. */
function missingOf(pairs: readonly Pair[]): string[] {
  const vanished = pairs.filter(({ was, is }) => !is && was!.verdict.grade !== 'unsupported');
  const failing = pairs.filter(({ was, is }) => !was && is!.verdict.grade === 'fail');
  return [
    ...(vanished.length > 0
      ? [`the second run has no verdict on ${counted(vanished.length, 'scenario')} of the first`]
      : []),
    ...(failing.length > 0
      ? [
          `${counted(failing.length, 'scenario')} failed in the second run that the first did not try`,
        ]
      : []),
  ];
}

// ---- one pair ----

/**
 * A pair that is at a later place of these is worse off. What is declared no more, and what is not
 * decided any more, is never better than it was.
 */
const RANKS: readonly (readonly Grade[])[] = [
  ['pass'],
  ['not-met', 'unsupported'],
  ['warn'],
  ['inconclusive'],
  ['fail'],
];
const rankOf = (grade: Grade) => RANKS.findIndex((rank) => rank.includes(grade));
const EXPOSURES: readonly Exposure[] = ['none', 'envelope', 'content'];
/** What an attacker saw, and what became of the mail: worse on either scale is worse. */
const HARMS: readonly (readonly (readonly Harm[])[])[] = [
  [['envelope'], ['content', 'unheld'], ['clear']],
  [['returned'], ['mail-lost']],
];

interface Pair {
  readonly was: Result | undefined;
  readonly is: Result | undefined;
}

function kindOf({ was, is }: Pair): ShiftKind | undefined {
  if (!was) return 'appeared';
  if (!is) return 'vanished';
  const [then, now] = [was.verdict.grade, is.verdict.grade];
  if (now === 'inconclusive' && then !== now) return 'undecided';
  if (now === 'unsupported' && then !== now) return 'worse';
  const step = rankOf(now) - rankOf(then);
  if (step !== 0) return step > 0 ? 'worse' : 'better';
  const steps = damageOf(is).map((level, scale) => level - damageOf(was)[scale]!);
  const isFailing = now === 'fail';
  const broken = brokenBy(was);
  const breaksMore = brokenBy(is).some((requirement) => !broken.includes(requirement));
  if (breaksMore || steps.some((one) => one > 0)) return 'worse';
  if (steps.some((one) => one < 0)) return 'better';
  const [gone, come] = [newIn(wordsOf(was), wordsOf(is)), newIn(wordsOf(is), wordsOf(was))];
  if (isFailing && gone.length === 0 && come.length > 0) return 'worse';
  if (isFailing && come.length === 0 && gone.length > 0) return 'better';
  if (gone.length + come.length > 0 || !isSameReach(was, is)) return 'reason';
  return isFailing ? 'both-fail' : undefined;
}

/** By scale, how bad it was; more is worse. */
function damageOf({ verdict: { exposure, grade, findings } }: Result): number[] {
  // What is not decided has done no harm that anybody could prove.
  if (grade === 'inconclusive') return [0, ...HARMS.map(() => -1)];
  const harms = findings.flatMap(({ harm }) => harm ?? []);
  const worstOn = (scale: (typeof HARMS)[number]) =>
    Math.max(-1, ...harms.map((harm) => scale.findIndex((level) => level.includes(harm))));
  return [EXPOSURES.indexOf(exposure), ...HARMS.map(worstOn)];
}

/** The requirements that it fails. */
const brokenBy = ({ verdict: { grade, findings } }: Result): string[] =>
  findings
    .filter((finding) => grade === 'fail' && finding.grade === 'fail')
    .map(({ requirement }) => requirement);

const isSameReach = (was: Result, is: Result) => was.reach.join() === is.reach.join();

interface Words {
  readonly requirement?: string;
  readonly grade: Grade;
  readonly seen: string;
}
const keyOfWords = ({ requirement, grade, seen }: Words) =>
  [requirement, grade, seenAs(seen)].join('\0');

const TOLD: readonly Grade[] = ['fail', 'inconclusive', 'warn', 'not-met'];

/** What is to be said of a verdict, the worst first; a pass has nothing. */
function wordsOf({ verdict }: Result): Words[] {
  const told = TOLD.flatMap((grade) =>
    verdict.findings.filter((finding: Finding) => finding.grade === grade),
  );
  if (told.length > 0)
    return told.map(({ requirement, grade, actual }) => ({ requirement, grade, seen: actual }));
  const { grade, remarks } = verdict;
  return grade === 'pass' ? [] : [{ grade, seen: remarks[0] ?? grade }];
}

/** Those that the others have nothing like. */
function newIn(words: readonly Words[], others: readonly Words[]): Words[] {
  const known = new Set(others.map(keyOfWords));
  return words.filter((one) => !known.has(keyOfWords(one)));
}

function tell(kind: ShiftKind, { was, is }: Pair): Shift {
  const [then, now] = [was ? wordsOf(was) : [], is ? wordsOf(is) : []];
  const before = newIn(then, now)[0] ?? then[0];
  const after = newIn(now, then)[0] ?? now[0];
  const main = kind === 'better' || kind === 'vanished' ? (before ?? after) : (after ?? before);
  const isOnlyReach = newIn(then, now).length + newIn(now, then).length === 0;
  return {
    kind,
    sender: (is ?? was)!.verdict.sender,
    before: was?.verdict.grade,
    after: is?.verdict.grade,
    requirement: main?.requirement,
    ...(kind === 'reason' && isOnlyReach
      ? { seen: reached(is!), was: reached(was!) }
      : { seen: main?.seen ?? '', ...(kind === 'reason' && { was: before?.seen }) }),
    scenarios: [(is ?? was)!.verdict.scenario],
  };
}

const reached = ({ reach }: Result) =>
  reach.length === 0 ? 'came to nothing under attack' : reach.join(', ');

/** What says the same is one shift of several scenarios. */
function grouped(shifts: readonly Shift[]): Shift[] {
  const same = Map.groupBy(shifts, ({ kind, sender, before, after, requirement, seen, was }) =>
    [kind, sender, before, after, requirement, seenAs(seen), was && seenAs(was)].join('\0'),
  );
  return [...same.values()]
    .map((all): Shift => ({ ...all[0]!, scenarios: all.flatMap(({ scenarios }) => scenarios) }))
    .sort(
      (a, b) =>
        SHIFTS.indexOf(a.kind) - SHIFTS.indexOf(b.kind) || b.scenarios.length - a.scenarios.length,
    );
}
