/**
 * A course: what one trial holds while it runs. Which plan is in force, which world obeys it, whose
 * a message is.
 */

import { randomBytes } from 'node:crypto';
import type { Lab } from '../lab/lab.ts';
import type { Recorder } from '../lab/recorder.ts';
import type { World } from '../lab/world.ts';
import type { Attack } from '../model/attack.ts';
import { baselinePlan, DEFAULT_DOMAIN, DEFAULT_POLICY, permittedMx } from '../model/baseline.ts';
import { qualify } from '../model/names.ts';
import type { ArrangedPlan, Leg } from '../model/observation.ts';
import { type LabPlan, VICTIM } from '../model/plan.ts';
import type { DomainSpec, PolicySpec, Scenario, Step, Use } from '../model/scenario.ts';
import type { StartedSender } from '../model/sender.ts';
import type { Vocabulary } from '../scenario/language.ts';
import type { Instances } from './instances.ts';

export interface CourseOptions {
  readonly scenario: Scenario;
  readonly instances: Instances;
  readonly recorder: Recorder;
  readonly lab: Lab;
  readonly vocabulary: Vocabulary;
  readonly settleMs: number;
}

export interface Arranged {
  readonly leg: Leg;
  readonly token: string;
  readonly world: World;
}

export interface Course extends AsyncDisposable {
  readonly recorder: Recorder;
  readonly sender: StartedSender;
  /** How long a message may be without a status. */
  readonly settleMs: number;
  readonly plans: ArrangedPlan[];
  readonly policy: PolicySpec;
  readonly primed: boolean;
  honest(): LabPlan;
  attacked(under: readonly Use[]): LabPlan;
  publish(policy: PolicySpec, domain: DomainSpec): void;
  /**
   * Lets a leg's world obey the plan. Control legs get a new world each time, the main leg keeps
   * its own.
   */
  arrange(leg: Leg, index: number, plan: LabPlan): Promise<Arranged>;
  /** The main leg's. */
  world(): World;
  owns(token: string, leg: Leg): void;
  /** Recipient domains of every leg. */
  domains(): string[];
  wants(
    step: Step,
    what: 'negativeControl' | 'wantsPolicy' | 'wantsBounce' | 'wantsReports',
  ): boolean;
  /** The scenario needs a sender that does MTA-STS. */
  readonly aboutSts: boolean;
}

export async function openCourse({
  scenario,
  instances,
  recorder,
  lab,
  vocabulary,
  settleMs,
}: CourseOptions): Promise<Course> {
  const legOf = new Map<string, Leg>();
  const started = await instances.take(scenario, (status) =>
    recorder.record(legOf.get(status.token) ?? 'main', { kind: 'sender-status', ...status }),
  );
  const base = randomBytes(4).toString('hex');
  const worlds = new Map<string, World>();
  const plans: ArrangedPlan[] = [];
  let { domain, policy } = scenario;
  let primed = false;

  return {
    recorder,
    sender: started.sender,
    settleMs,
    plans,
    get policy() {
      return policy;
    },
    get primed() {
      return primed;
    },
    honest: () => baselinePlan(domain, policy),
    attacked: (under) =>
      under.reduce(
        (plan, use) => (vocabulary.attacks.get(use.name) as Attack).apply(plan, use.options),
        baselinePlan(domain, policy),
      ),
    publish(nextPolicy, nextDomain) {
      policy = nextPolicy;
      domain = nextDomain;
    },
    async arrange(leg, index, plan) {
      if (scenario.steps[index]?.kind === 'prime') primed = true;
      const token = leg === 'main' ? `x${base}` : `x${base}${leg[0]}${index}`;
      const world =
        worlds.get(token) ?? lab.createWorld(token, (event) => recorder.record(leg, event));
      worlds.set(token, world);
      const qualified = qualify(plan, token);
      plans.push({ step: index, leg, token, plan: qualified });
      await world.arrange(qualified);
      const published = leg === 'main' ? policy : DEFAULT_POLICY;
      recorder.record(leg, {
        kind: 'step-started',
        token,
        policy: published,
        permittedMx: qualify(
          permittedMx(leg === 'main' ? domain : DEFAULT_DOMAIN, published),
          token,
        ),
      });
      return { leg, token, world };
    },
    world: () => worlds.get(`x${base}`)!,
    owns(token, leg) {
      legOf.set(token, leg);
      started.expect(token);
    },
    domains: () => [...worlds.keys()].map((token) => qualify(VICTIM, token)),
    wants: (step, what) =>
      (step.kind === 'send' || step.kind === 'flush') &&
      step.expect.some((use) => vocabulary.expectations.get(use.name)?.[what]),
    aboutSts: scenario.needs.includes('mta-sts'),
    async [Symbol.asyncDispose]() {
      for (const world of worlds.values()) world[Symbol.dispose]();
      await started.release();
    },
  };
}
