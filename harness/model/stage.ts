/**
 * Stage: one step of a scenario, compiled. Everything that can be worked out without a sender is
 * worked out here, once: which worlds there are, what was changed in them, what is waited for. The
 * run arranges them, the judge holds the evidence against them, `explain` and `lab` tell them.
 */

import type { Attack } from './attack.ts';
import {
  baselinePlan,
  DEFAULT_DOMAIN,
  DEFAULT_POLICY,
  permittedMx,
  withoutPolicy,
} from './baseline.ts';
import { type Change, changesBetween, type Destination } from './changes.ts';
import { nextHopOf } from './names.ts';
import { type LabPlan, type MxPlan, type RawBytes, type ReplyPlan, VICTIM } from './plan.ts';
import { PlanError } from './plan-changes.ts';
import {
  type DomainSpec,
  destinationsOf,
  isJudged,
  type PolicySpec,
  type Step,
  type Use,
} from './scenario.ts';
import type { Awaited, Expectation } from './verdict.ts';
import { asTaken } from './zone.ts';

export interface Stage {
  readonly step: Step;
  /** What the domain honestly publishes while the step lasts. */
  readonly policy: PolicySpec;
  /** The mx patterns of that policy. */
  readonly permittedMx: readonly string[];
  /** The main leg's world; undefined: the step leaves it as it was. */
  readonly plan?: LabPlan;
  /** The positive control, at the same time: an honest domain. */
  readonly control?: LabPlan;
  /** The positive control of reporting, at the same time: an honest domain that asks for reports. */
  readonly reporting?: LabPlan;
  /** The negative control, at the same time: the main leg's world where no policy exists. */
  readonly unprotected?: Unprotected;
  /** A prime step, or an earlier one, is the positive control of this one. */
  readonly isPrimed: boolean;
  /** Where the world differs from the honest one. */
  readonly changes: readonly Change[];
  /** Where the world differs from the honest one before the last publish step: what is new. */
  readonly news: readonly Change[];
  readonly awaits: readonly Awaited[];
}

export interface Unprotected {
  /** An honest delivery first: the sender knows the domain, and may remember more than policies. */
  readonly before?: LabPlan;
  readonly plan: LabPlan;
}

/** What compiling takes from the vocabulary. */
export interface Words {
  readonly attacks: ReadonlyMap<string, Attack>;
  readonly expectations: ReadonlyMap<string, Pick<Expectation, 'awaits' | 'needsUnprotected'>>;
}

/** An attack asks for something that the plan does not have: the `nth` of this step, from 0. */
export class AttackError extends Error {
  readonly step: number;
  readonly nth: number;
  constructor(step: number, nth: number, message: string) {
    super(message);
    this.step = step;
    this.nth = nth;
  }
}

/**
 * The stages of a scenario, in order. An attack that cannot be applied is told to `onProblem`, and
 * left out; without that, it is thrown.
 */
export function compileStages(
  start: { readonly domain: DomainSpec; readonly policy: PolicySpec },
  steps: readonly Step[],
  words: Words,
  onProblem: (problem: AttackError) => void = (problem) => {
    throw problem;
  },
): Stage[] {
  let { domain, policy } = start;
  let isPrimed = false;
  let isKnown = false;
  let old: LabPlan | undefined;
  const knownIds = new Set<string>();
  return steps.map((step, index): Stage => {
    if (step.kind === 'publish') {
      old = baselinePlan(domain, policy);
      ({ domain, policy } = step);
    }
    const honest = baselinePlan(domain, policy);
    const attacked = isJudged(step)
      ? attackedPlan(honest, step.under, words, (nth, message) =>
          onProblem(new AttackError(index, nth, message)),
        )
      : honest;
    const destination: Destination = {
      domains: destinationsOf(step).map(nextHopOf),
      knownIds: [...knownIds],
    };
    const changes = changesBetween(honest, attacked, destination);
    const stage: Stage = {
      step,
      policy,
      permittedMx: permittedMx(domain, policy),
      ...(arranges(step) && { plan: attacked }),
      ...controls(step, { domain, isPrimed, isKnown, honest, attacked, changes, words }),
      isPrimed: isPrimed || step.kind === 'prime',
      changes,
      news: old ? changesBetween(old, attacked, destination) : [],
      awaits: awaitsOf(step, words),
    };
    if (step.kind === 'prime') isPrimed = true;
    if (step.kind === 'prime' || step.kind === 'send') {
      isKnown = true;
      // Under attack the sender may have learned nothing.
      if (changes.every(({ way }) => way !== 'discovery')) knownIds.add(policy.id);
    }
    return stage;
  });
}

function attackedPlan(
  honest: LabPlan,
  under: readonly Use[],
  { attacks }: Words,
  onProblem: (nth: number, message: string) => void,
): LabPlan {
  return under.reduce((plan, { name, options }, nth) => {
    try {
      return attacks.get(name)!.apply(plan, options);
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      onProblem(nth, error.message);
      return plan;
    }
  }, honest);
}

/** Steps that tell the lab what the world is like now. */
function arranges({ kind }: Step): boolean {
  return ['prime', 'send', 'publish', 'flush', 'refresh', 'recover'].includes(kind);
}

interface Circumstances {
  readonly domain: DomainSpec;
  readonly isPrimed: boolean;
  /** The sender has been sent to the domain before. */
  readonly isKnown: boolean;
  readonly honest: LabPlan;
  readonly attacked: LabPlan;
  readonly changes: readonly Change[];
  readonly words: Words;
}

function controls(
  step: Step,
  { domain, isPrimed, isKnown, honest, attacked, changes, words }: Circumstances,
) {
  if (step.kind !== 'send') return {};
  const requiretls = step.message?.requiretls === true;
  // What holds mail back without a policy too is no fact about policies.
  const wanted =
    step.observe !== undefined ||
    step.expect.some(({ name }) => words.expectations.get(name)?.needsUnprotected);
  // What leads to the MX and what is there are honest: without a policy there is nothing to refuse.
  const isOnTheWay = changes.some(({ way }) => way === 'delivery');
  const unprotected: Unprotected = {
    ...(isKnown && { before: withoutPolicy(honest) }),
    plan: withoutPolicy(attacked),
  };
  return {
    // What a sender does with a plain message says nothing of one that asks for REQUIRETLS.
    ...((!isPrimed || requiretls) && {
      control: baselinePlan({ ...DEFAULT_DOMAIN, requiretls }, DEFAULT_POLICY),
    }),
    ...(awaitsOf(step, words).includes('reports') && {
      reporting: baselinePlan({ ...DEFAULT_DOMAIN, ...reportedLike(domain) }, DEFAULT_POLICY),
    }),
    ...(wanted && isOnTheWay && { unprotected }),
  };
}

/** It asks for its reports by the same way, in a record that is plain. */
function reportedLike({ tlsrpt, dane }: DomainSpec): Partial<DomainSpec> {
  const record = [tlsrpt].flat().join('');
  const isByMail = /mailto:/i.test(record) && !/https:/i.test(record);
  return {
    ...(isByMail && { tlsrpt: `v=TLSRPTv1; rua=mailto:tlsrpt@${VICTIM}` }),
    ...(dane !== undefined && dane !== false && { dane: true }),
  };
}

function awaitsOf(step: Step, { expectations }: Words): Awaited[] {
  if (!isJudged(step)) return step.kind === 'prime' ? ['policy'] : [];
  return [...new Set(step.expect.flatMap(({ name }) => expectations.get(name)?.awaits ?? []))];
}

/** The lab keeps silent, and the sender has to wait; or the lab has, for what may never come. */
export function keepsWaiting({ step, plan, awaits }: Stage): boolean {
  if (step.kind === 'wait' || step.kind === 'restart') return true;
  if (!plan || !isJudged(step)) return false;
  // Somebody's copy is to be given up, and who knows whether another's will be.
  if (awaits.includes('bounce') && step.expect.some((use) => use.for !== undefined)) return true;
  const hosts = Object.values({ ...plan.mxHosts, ...plan.policyHosts, ...plan.reportHosts });
  const pages = Object.values(plan.policyHosts).flatMap((host) => Object.values(host.pages));
  return (
    hosts.some(isSilent) ||
    Object.values(plan.mxHosts).some(({ connections = [] }) =>
      connections.some(({ change }) => isSilent(change)),
    ) ||
    plan.dns.rules.some((rule) => asTaken(rule)?.answer === 'drop') ||
    pages.some(({ transfer = 'whole' }) => SILENT_TRANSFERS.includes(transfer))
  );
}

const SILENT_TRANSFERS: readonly string[] = ['slow', 'none', 'endless'];

function isSilent({ reach, tls, greeting, starttls, beforeTls, afterTls }: MxPlan): boolean {
  const replies = [
    greeting,
    starttls?.reply,
    ...[beforeTls, afterTls].flatMap((part) => Object.values(part?.replies ?? {})),
  ];
  return (
    reach === 'silent' ||
    tls?.handshake === 'stall' ||
    tls?.flight?.then === 'stall' ||
    replies.some((reply) => reply !== undefined && isSilentIn(reply))
  );
}

function isSilentIn({ then = 'continue', untilSpoken, pace, bytes }: ReplyPlan): boolean {
  if (then !== 'continue') return then === 'stall';
  return untilSpoken === true || pace !== undefined || (bytes !== undefined && !isWhole(bytes));
}

/** It ends with a line, or never: the sender does not wait for more. */
function isWhole(bytes: RawBytes): boolean {
  const last = typeof bytes === 'string' ? bytes : bytes.at(-1)!;
  return typeof last === 'string' ? last.endsWith('\n') : last.times === undefined;
}
