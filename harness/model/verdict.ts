/**
 * Finding and Verdict: what was wanted, what was seen, and which observations decided it.
 */

import type { StepView } from './evidence.ts';
import type { Evidence } from './observation.ts';
import type { ExpectationUse, Scenario } from './scenario.ts';
import type { SenderDescription } from './sender.ts';

/** harness/README.md says what each means and how it comes about. */
export const GRADES = ['pass', 'warn', 'fail', 'not-met', 'inconclusive', 'unsupported'] as const;
export type Grade = (typeof GRADES)[number];

/** As people read it: `not met`. */
export const gradeWord = (grade: string): string => grade.replace('-', ' ');

/** How much a channel that the policy forbids, or that nobody authenticated, saw. */
export type Exposure = 'none' | 'envelope' | 'content';

/** What one expectation says of one step. */
export interface Judgement {
  /** `unobserved`: what could have been seen was not, and nobody could have made it be seen. */
  readonly status: 'met' | 'unmet' | 'undecided' | 'unobserved' | 'unsupported';
  readonly actual: string;
  /** `seq` of the observations that decided it. */
  readonly because: readonly number[];
  /** What the sender's user lost by it. */
  readonly harm?: Harm;
  /** Instead of the expectation's own requirement. */
  readonly requirement?: string;
  /** Instead of a MUST that is asked about: what was broken is no more than this. */
  readonly insteadOfMust?: string;
  /** Unmet by a strictness that loses no mail: a warning, whatever the requirement says. */
  readonly strictness?: boolean;
  /** Unmet in what no MUST asks, and its requirement asks more as well: a warning. */
  readonly isMinor?: boolean;
  /** Why the policy that was broken may not have counted: a warning at most. */
  readonly doubt?: string | undefined;
  /** What became of the message is known, whether or not it was tried in this step. */
  readonly known?: boolean;
  /** It is why the positive control fails as well, and so decides in its place. */
  readonly explainsControl?: boolean;
  /** A report beside what the path saw. */
  readonly compared?: readonly Comparison[];
  /** It rests on the wire alone, and stands even where the positive control failed. */
  readonly standsAlone?: boolean;
}

/** What a report says of something, and what was seen of it; both may be the sender's words. */
export interface Comparison {
  readonly what: string;
  readonly reported: string;
  readonly seen: string;
  readonly differs: boolean;
}

/**
 * `clear`: content went over the wire in clear, though the policy the sender held forbade it.
 * `content`: over a channel that nobody authenticated, or that the policy does not allow.
 * `unheld`: content passed that a policy forbids which the sender could have held, and did not.
 * `returned`: a message was given up that could have been delivered.
 */
export type Harm = 'clear' | 'content' | 'unheld' | 'envelope' | 'mail-lost' | 'returned';

/** What a harm says that an attacker saw. */
export function exposureOf(harm: Harm | undefined): Exposure {
  if (harm === 'clear' || harm === 'content' || harm === 'unheld') return 'content';
  return harm === 'envelope' ? 'envelope' : 'none';
}

/** One file each in expectations/; the file name is the name in YAML. */
export interface Expectation<O = any> {
  readonly summary: string;
  readonly options: OptionSchema<O>;
  /** A bare scalar in YAML is this option. */
  readonly shorthand?: string;
  /** Options that name a host: a world of the scenario must have it. */
  readonly hosts?: readonly string[];
  /** As a list item of `expect` in YAML, for the documentation and a test of it. */
  readonly example: string;
  /** Default requirement id; else the scenario's first. */
  readonly requirement?: string;
  /** Requirements that its judgements may name by themselves. */
  cites?(options: O): readonly string[];
  /** Every judgement rests on the wire alone: see Judgement. */
  readonly standsAlone?: boolean;
  /**
   * A step that expects this is also run in a world without a policy, unless the attack has
   * nothing to do with the MX: what is refused there as well was not refused for a policy's sake.
   */
  readonly needsUnprotected?: boolean;
  /** What the step waits for before it ends. */
  readonly awaits?: readonly Awaited[];
  /** `deferred, nothing exposed` */
  describe(options: O): string;
  judge(view: StepView, options: O): Judgement;
}

/** `to other.test: delivered` */
export function describeUse(
  use: ExpectationUse,
  { describe }: Pick<Expectation, 'describe'>,
): string {
  return `${use.for === undefined ? '' : `to ${use.for}: `}${describe(use.options)}`;
}

/**
 * `policy`: the policy is fetched. `fetch-end`: the sender is done with the policy host, or does
 * not come to an end. `bounce`: the messages are given up. `reports`: the sender is asked for its
 * TLSRPT reports, and they come.
 */
export type Awaited = 'policy' | 'fetch-end' | 'bounce' | 'reports';

/** What model may know of a zod schema. */
export interface OptionSchema<O> {
  parse(value: unknown): O;
}

/**
 * What a sender does where the RFCs leave a point open, or say no more than SHOULD. It grades
 * nothing. One file each in facts/; the file name is the name in YAML.
 */
export interface Fact {
  readonly summary: string;
  /** The open point; default: the title of the scenario. */
  readonly point?: string;
  /** undefined: the evidence does not show it. */
  observe(view: StepView): Pick<SeenFact, 'seen' | 'because'> | undefined;
}

export interface SeenFact {
  readonly fact: string;
  /** Index of the step. */
  readonly step: number;
  readonly point: string;
  /** In a few words that read on from the point: `applied`. */
  readonly seen: string;
  readonly because: readonly number[];
}

export interface Finding {
  /** Index of the step. */
  readonly step: number;
  readonly expectation: string;
  readonly requirement: string;
  readonly grade: Grade;
  readonly expected: string;
  readonly actual: string;
  readonly because: readonly number[];
  readonly harm?: Harm;
  readonly compared?: readonly Comparison[];
}

export interface Verdict {
  readonly scenario: string;
  readonly sender: string;
  readonly senderVersion: string;
  readonly grade: Grade;
  readonly findings: readonly Finding[];
  /** Sentences that do not change the grade: `also refused without a policy`. */
  readonly remarks: readonly string[];
  /** What was seen at points that the RFCs leave open. */
  readonly facts?: readonly SeenFact[];
  /** The worst that an attacker saw of any message of the main leg. */
  readonly exposure: Exposure;
  /** Milliseconds from the first step to the last observation. */
  readonly durationMs: number;
}

/** All that judging needs, and all that `--keep` stores. */
export interface Trial {
  readonly scenario: Scenario;
  readonly sender: SenderDescription;
  readonly evidence: Evidence;
}

/** Senders on which all that was tried is unsupported or not met: nothing is known of them. */
export function judgedInNothing(verdicts: readonly Pick<Verdict, 'sender' | 'grade'>[]): string[] {
  const isJudged = (grade: Grade) => grade !== 'unsupported' && grade !== 'not-met';
  return [...Map.groupBy(verdicts, ({ sender }) => sender)].flatMap(([sender, own]) =>
    own.some(({ grade }) => isJudged(grade)) ? [] : [sender],
  );
}

/**
 * 0 nothing failed that is not known · 1 a failure · 2 inconclusive, nothing ran, or a sender was
 * judged in nothing. `strict` counts warnings, and what was not met, as failures.
 */
export function exitCode(
  verdicts: readonly (Pick<Verdict, 'sender' | 'grade'> & { readonly known?: unknown })[],
  strict = false,
): 0 | 1 | 2 {
  const has = (grade: Grade) =>
    verdicts.some((verdict) => verdict.grade === grade && !verdict.known);
  if (has('fail') || (strict && (has('warn') || has('not-met')))) return 1;
  const isEmpty = verdicts.length === 0 || judgedInNothing(verdicts).length > 0;
  return has('inconclusive') || isEmpty ? 2 : 0;
}
