/** What a trial holds while it runs, and how long it waits. */

import type { Lab } from '../lab/lab.ts';
import type { Recorder } from '../lab/recorder.ts';
import type { World } from '../lab/world.ts';
import type { Leg } from '../model/observation.ts';
import type { LabPlan } from '../model/plan.ts';
import type { Scenario } from '../model/scenario.ts';
import type { StartedSender } from '../model/sender.ts';

export interface Running {
  readonly scenario: Scenario;
  readonly recorder: Recorder;
  readonly lab: Lab;
  readonly bounds: Bounds;
  readonly sender: StartedSender;
  /** Its queue can be run. */
  readonly hasQueue: boolean;
  /** It returns mail. */
  readonly hasDsn: boolean;
  /** The scenario is about policies, and the sender declares that it has them. */
  readonly fetchesPolicies: boolean;
  /** The main leg's label; those of other legs begin with it. */
  readonly base: string;
  /** By label. */
  readonly legs: Map<string, ArrangedLeg>;
  /** What the sender says of this message belongs here. */
  owns(token: string, leg: Leg): void;
}

/** A leg's world, arranged. */
export interface ArrangedLeg {
  readonly leg: Leg;
  readonly index: number;
  readonly label: string;
  readonly world: World;
  /** Its names are those of this world. */
  readonly plan: LabPlan;
  /** The MX patterns of a policy that is to be enforced; undefined: there is none. */
  readonly permittedMx: readonly string[] | undefined;
  /** No attack is on. */
  readonly isHonest: boolean;
}

/** Of waiting, in milliseconds. */
export interface Bounds {
  /** How long a message may be without a status after the last sign of the sender; twice at most. */
  readonly settleMs: number;
  /**
   * After so long without a sign of life, a sender that does not log deferrals is asked for its
   * queue: what is listed there is deferred. Longer than it waits for name servers and policies.
   */
  readonly quietMs: number;
  /** How long a fetch beside the delivery, or after it, is waited for: RFC 8461 §5.1 sets no bound. */
  readonly fetchMs: number;
  /** The same, where the sender has looked for no policy at all: it may do so once a minute. */
  readonly lookMs: number;
  /** How long a notice is waited for once the sender has given the message up, without another sign. */
  readonly noticeMs: number;
}

export const BOUNDS: Bounds = {
  // RFC 8461 §3.3 suggests a minute for the policy fetch, and a resolver that gets no answer may
  // take two and a half before the sender hears of it.
  settleMs: 180_000,
  quietMs: 15_000,
  fetchMs: 8_000,
  lookMs: 60_000,
  noticeMs: 60_000,
};
