/**
 * Finding and Verdict: what was wanted, what was seen, and which observations decided it.
 */

import type { StepView } from './evidence.ts';
import type { Evidence } from './observation.ts';
import type { Scenario } from './scenario.ts';
import type { SenderDescription } from './sender.ts';

export type Grade = 'pass' | 'warn' | 'fail' | 'unsupported' | 'inconclusive';

/** How much a channel that the policy forbids, or that nobody authenticated, saw. */
export type Exposure = 'none' | 'envelope' | 'content';

/** What one expectation says of one step. */
export interface Judgement {
  readonly status: 'met' | 'unmet' | 'undecided' | 'unsupported';
  readonly actual: string;
  /** `seq` of the observations that decided it. */
  readonly because: readonly number[];
  /** What the sender's user lost by it. */
  readonly harm?: 'content' | 'envelope' | 'mail-lost';
  /** Instead of the expectation's own requirement. */
  readonly requirement?: string;
}

/** One file each in expectations/; the file name is the name in YAML. */
export interface Expectation<O = any> {
  readonly summary: string;
  readonly options: OptionSchema<O>;
  /** A bare scalar in YAML is this option. */
  readonly shorthand?: string;
  /** Default requirement id; else the scenario's first. */
  readonly requirement?: string;
  /** The finding rests on the wire alone: it stands even where the positive control failed. */
  readonly standsAlone?: boolean;
  /**
   * A step that expects this is also run in a world without a policy, and must be delivered there
   * (DESIGN: negative control).
   */
  readonly negativeControl?: boolean;
  /** The step waits for the policy to be fetched before it ends. */
  readonly wantsPolicy?: boolean;
  /** The step waits for its messages to be given up before it ends. */
  readonly wantsBounce?: boolean;
  /** The step asks the sender for its TLSRPT reports before it ends. */
  readonly wantsReports?: boolean;
  /** `deferred, nothing exposed` */
  describe(options: O): string;
  judge(view: StepView, options: O): Judgement;
}

/** What model may know of a zod schema. */
export interface OptionSchema<O> {
  parse(value: unknown): O;
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
  readonly harm?: Judgement['harm'];
}

export interface Verdict {
  readonly scenario: string;
  readonly sender: string;
  readonly senderVersion: string;
  readonly grade: Grade;
  readonly findings: readonly Finding[];
  /** Sentences that do not change the grade: `also refused without a policy`. */
  readonly remarks: readonly string[];
  /** The worst that an attacker saw of any attacked message. */
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

/**
 * DESIGN §3: 0 nothing failed · 1 a failure · 2 inconclusive, or nothing ran. `strict` counts
 * warnings as failures.
 */
export function exitCode(verdicts: readonly Pick<Verdict, 'grade'>[], strict = false): 0 | 1 | 2 {
  const has = (grade: Grade) => verdicts.some((verdict) => verdict.grade === grade);
  if (has('fail') || (strict && has('warn'))) return 1;
  const judged = verdicts.some((verdict) => verdict.grade !== 'unsupported');
  return has('inconclusive') || !judged ? 2 : 0;
}
