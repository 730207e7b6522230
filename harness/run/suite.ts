/**
 * The life of a suite: every scenario on every sender of one lab. (Which senders share a lab, and
 * how many jobs each gets, is senders.ts's.)
 */

import { createPace, type Pace } from '../concurrency/limit.ts';
import { whenAborted } from '../concurrency/wait.ts';
import { isProved } from '../judge/grade.ts';
import { judge, wasLabSlow } from '../judge/judge.ts';
import type { Lab } from '../lab/lab.ts';
import type { TrialResult } from '../model/reporter.ts';
import { neededCapabilities, type Scenario } from '../model/scenario.ts';
import { type Capability, type Sender, SenderError } from '../model/sender.ts';
import { keepsWaiting } from '../model/stage.ts';
import type { Trial } from '../model/verdict.ts';
import type { Vocabulary } from '../scenario/language.ts';
import { type Instances, openInstances } from './instances.ts';
import { BOUNDS, type Bounds } from './running.ts';
import { describe, runTrial } from './trial.ts';

export interface SuiteOptions {
  readonly lab: Lab;
  readonly vocabulary: Vocabulary;
  readonly senders: readonly Sender[];
  readonly scenarios: readonly Scenario[];
  /** How many trials at once, at most: there are fewer while that makes the lab slow. */
  readonly jobs: number;
  /** Shared with the others that have this lab; default: its own. */
  readonly pace?: Pace;
  readonly bounds?: Partial<Bounds>;
  readonly signal?: AbortSignal;
  /** A trial begins. */
  onTrialStart?(scenario: Scenario, sender: string): void | Promise<void>;
  /** Each result as soon as it is known; nobody else keeps it, and its evidence is large. */
  onResult(result: TrialResult): void | Promise<void>;
}

/** Of one scenario; the lab was slow in each of them, the last with the fewest others beside it. */
const MOST_TRIES = 4;
/** Of a suite; where the lab was slow for more than these, the machine is too busy for it. */
const MOST_REPEATED = 200;

const hasLeaked = ({ verdict }: TrialResult) => verdict.findings.some(isProved);

/**
 * What each trial comes to, or undefined: its lab was slow, so that it decides nothing and says
 * nothing of the sender, and it is to be run again.
 */
export function secondChances(): (result: TrialResult) => TrialResult | undefined {
  const slow = new Map<Scenario, { readonly tries: number; readonly leak?: TrialResult }>();
  let repeated = 0;
  return (result) => {
    const { scenario } = result.trial;
    const { tries, leak } = slow.get(scenario) ?? { tries: 0 };
    const leaked = hasLeaked(result) ? result : leak;
    if (wasLabSlow(result.trial) && tries + 1 < MOST_TRIES && repeated++ < MOST_REPEATED) {
      slow.set(scenario, { tries: tries + 1, leak: leaked });
      return undefined;
    }
    slow.delete(scenario);
    // Content passed when the machine was busy, and not when it was calm: that decides nothing.
    return leaked && result.verdict.grade !== 'fail' ? leaked : result;
  };
}

/**
 * Runs every scenario on every sender, at most `jobs` at once. A trial whose lab was slow is run
 * again when its turn comes, with fewer beside it, but what leaked before does not pass by that.
 * Throws SenderError when a sender cannot be started at all, when it dies, and when the lab has gone.
 */
export async function runSuite(options: SuiteOptions): Promise<void> {
  const { lab, scenarios, senders, jobs, signal, pace = createPace(jobs) } = options;
  const stopped = whenAborted(signal);
  let labLost: SenderError | undefined;
  void lab.lost?.then(({ message }) => {
    labLost = new SenderError(message);
  });
  for (const sender of senders) {
    await using instances = await openInstances(lab, sender);
    const run = async (scenario: Scenario) => {
      if (signal?.aborted || labLost || instances.lost()) return undefined;
      await options.onTrialStart?.(scenario, sender.name);
      const result = await resultOf(scenario, sender, instances, stopped, options);
      return signal?.aborted ? undefined : result;
    };
    const decided = secondChances();
    await pace.each(longFirst(scenarios), jobs, async (scenario) => {
      const result = await run(scenario);
      if (!result) return 'done';
      const told = decided(result);
      if (!told) return 'crowded';
      await options.onResult(told);
      return 'done';
    });
    const lost = labLost ?? instances.lost();
    if (lost) throw lost;
  }
}

/** One scenario on one sender, judged. */
export async function resultOf(
  scenario: Scenario,
  sender: Sender,
  instances: Instances,
  stopped: Promise<void>,
  {
    lab,
    vocabulary,
    signal,
    bounds,
  }: Pick<SuiteOptions, 'lab' | 'vocabulary' | 'signal' | 'bounds'>,
): Promise<TrialResult> {
  const able = ableIn(lab, sender);
  const isGraded = has(able, neededCapabilities(scenario));
  const { trial, packets }: Pick<TrialResult, 'trial' | 'packets'> = canBeRun(scenario, able)
    ? await runTrial({
        scenario,
        sender: able,
        instances,
        lab,
        bounds: { ...BOUNDS, ...bounds, ...(!isGraded && ungraded(bounds)) },
        signal,
        stopped,
      })
    : { trial: notRun(scenario, able) };
  return { verdict: judge(trial, vocabulary.expectations, vocabulary.facts), trial, packets };
}

/**
 * What lacks MTA-STS is run all the same: what an attacker gets from it is worth knowing. What else a
 * sender has not, or has no way to do (DANE, time travel, restart, queue), is not tried on it.
 */
function canBeRun(scenario: Scenario, sender: Sender): boolean {
  const needs = scenario.needs.filter((needed) => !OF_MTA_STS.includes(needed));
  return has(sender, neededCapabilities({ ...scenario, needs }));
}

const has = ({ capabilities }: Sender, needed: readonly Capability[]): boolean =>
  needed.every((one) => capabilities.includes(one));

/** For what a sender does in a trial that grades nothing: what passes by then is told. */
const LONGEST_UNGRADED_MS = 15_000;
const ungraded = ({ settleMs = BOUNDS.settleMs }: Partial<Bounds> = {}) => ({
  settleMs: Math.min(settleMs, LONGEST_UNGRADED_MS),
});

const OF_MTA_STS: readonly string[] = ['mta-sts', 'testing-mode'];

/** Nobody can show IPv6 in a lab that has none. */
function ableIn(lab: Lab, sender: Sender): Sender {
  if (lab.hasIpv6) return sender;
  return { ...sender, capabilities: sender.capabilities.filter((one) => one !== 'ipv6') };
}

function notRun(scenario: Scenario, sender: Sender): Trial {
  return { scenario, sender: describe(sender), evidence: { observations: [] } };
}

const isLong = ({ stages }: Scenario) => stages.some(keepsWaiting);

/**
 * Where the lab keeps silent the sender has to wait: such scenarios begin first, so that the end of
 * a run does not wait for them.
 */
export function longFirst(scenarios: readonly Scenario[]): Scenario[] {
  return scenarios.toSorted((a, b) => Number(isLong(b)) - Number(isLong(a)));
}
