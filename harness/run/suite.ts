/**
 * The life of a suite and of a scenario; the only place that knows order.
 *
 * A trial is one scenario tried on one sender. In each step the plan is made (baseline, then
 * attacks), arranged in a world with fresh names, the sender is driven, and once everything has
 * settled the evidence is frozen. Judging comes after, on the evidence alone.
 *
 * A sending step has up to three legs, at the same time and each in a world of its own (DESIGN §4):
 *   main         the domain under attack
 *   control      an honest world, unless the sender was primed before: the positive control
 *   unprotected  the same fault where no policy exists: the negative control
 */

import { randomBytes } from 'node:crypto';
import { inParallel } from '../concurrency/limit.ts';
import { settledWithin, whenAborted } from '../concurrency/wait.ts';
import { judge } from '../judge/judge.ts';
import type { Lab } from '../lab/lab.ts';
import { createRecorder } from '../lab/recorder.ts';
import type { World } from '../lab/world.ts';
import { baselinePlan, DEFAULT_DOMAIN, DEFAULT_POLICY, withoutPolicy } from '../model/baseline.ts';
import { inLeg, ofKind, outcomeOf, policyFetches } from '../model/evidence.ts';
import { composeMessage } from '../model/message.ts';
import { qualify } from '../model/names.ts';
import type { ArrangedPlan, Leg } from '../model/observation.ts';
import { type LabPlan, SENDER_DOMAIN, VICTIM } from '../model/plan.ts';
import { neededCapabilities, type Scenario, type Step } from '../model/scenario.ts';
import type { Sender, SenderDescription } from '../model/sender.ts';
import { SenderError } from '../model/sender.ts';
import type { Trial, Verdict } from '../model/verdict.ts';
import type { Vocabulary } from '../scenario/language.ts';
import { type Arranged, type Course, openCourse } from './course.ts';
import { type Instances, openInstances } from './instances.ts';

export interface SuiteOptions {
  readonly lab: Lab;
  readonly vocabulary: Vocabulary;
  readonly senders: readonly Sender[];
  readonly scenarios: readonly Scenario[];
  /** How many trials at once. */
  readonly jobs: number;
  /** How long a message may be without a status, in milliseconds. */
  readonly settleMs?: number;
  readonly signal?: AbortSignal;
  /** Each result as soon as it is known. */
  onResult?(result: TrialResult): void | Promise<void>;
}

export interface TrialResult {
  readonly verdict: Verdict;
  readonly trial: Trial;
  readonly plans: readonly ArrangedPlan[];
}

/**
 * RFC 8461 §3.3 suggests a minute for the policy fetch, and a resolver that gets no answer may take
 * two and a half before the sender hears of it.
 */
const SETTLE_MS = 180_000;
const IDLE_MS = 2_000;
const FETCH_MS = 3_000;
const BOUNCE_MS = 5_000;

/**
 * Runs every scenario on every sender, `jobs` at once. Throws SenderError when a sender cannot be
 * started at all, and when it dies.
 */
export async function runSuite(options: SuiteOptions): Promise<TrialResult[]> {
  const results: TrialResult[] = [];
  const stopped = whenAborted(options.signal);
  for (const sender of options.senders) {
    await using instances = await openInstances(options.lab, sender);
    await inParallel(longFirst(options.scenarios), options.jobs, async (scenario) => {
      if (options.signal?.aborted || instances.lost()) return;
      const result = await runTrial(scenario, sender, instances, options, stopped);
      if (options.signal?.aborted) return;
      results.push(result);
      await options.onResult?.(result);
    });
    const lost = instances.lost();
    if (lost) throw lost;
  }
  return results;
}

/** One scenario on one sender: every step in order, then the evidence is frozen and judged. */
async function runTrial(
  scenario: Scenario,
  sender: Sender,
  instances: Instances,
  options: SuiteOptions,
  stopped: Promise<void>,
): Promise<TrialResult> {
  // What lacks MTA-STS is run all the same: what an attacker gets from it is worth knowing.
  if (
    neededCapabilities({ ...scenario, needs: [] }).some(
      (needed) => !sender.capabilities.includes(needed),
    )
  )
    return notRun(scenario, sender, options);
  const began = performance.now();
  const recorder = createRecorder();
  const course = await openCourse({
    scenario,
    instances,
    recorder,
    lab: options.lab,
    vocabulary: options.vocabulary,
    settleMs: options.settleMs ?? SETTLE_MS,
  });
  const dead = (course.sender.died ?? new Promise<never>(() => {})).then((error): never => {
    throw error;
  });
  dead.catch(() => {});
  try {
    for (const [index, step] of scenario.steps.entries()) {
      if (options.signal?.aborted) break;
      recorder.enterStep(index);
      await Promise.race([takeStep(course, step, index), stopped, dead]);
      if (step.kind === 'prime' && !arrived(course)) break;
    }
  } catch (error) {
    const who = error instanceof SenderError ? 'sender-failed' : 'lab-fault';
    recorder.record('main', {
      kind: who,
      detail: error instanceof Error ? error.message : String(error),
    });
  } finally {
    // Evidence that does not say how fast the lab was decides nothing.
    const slowness = await options.lab.slowness(performance.now() - began).catch(() => undefined);
    if (slowness) recorder.record('main', { kind: 'lab-health', ...slowness });
    await course[Symbol.asyncDispose]();
  }
  const trial: Trial = {
    scenario,
    sender: describe(sender),
    evidence: { observations: recorder.freeze() },
  };
  return { verdict: judge(trial, options.vocabulary.expectations), trial, plans: course.plans };
}

// ---- a step ----

async function takeStep(course: Course, step: Step, index: number): Promise<void> {
  switch (step.kind) {
    case 'prime': {
      const main = await course.arrange('main', index, course.honest());
      await send(course, main, 1, VICTIM);
      if (course.policy.mode !== 'absent') await policyFetched(course, main, index);
      return;
    }
    case 'send': {
      const attacked = course.attacked(step.under);
      const main = await course.arrange('main', index, attacked);
      const control = course.primed
        ? undefined
        : await course.arrange('control', index, baselinePlan(DEFAULT_DOMAIN, DEFAULT_POLICY));
      const legs = [send(course, main, step.messages, step.to)];
      if (control) legs.push(send(course, control, 1, VICTIM));
      if (course.wants(step, 'negativeControl'))
        legs.push(sendUnprotected(course, index, attacked, step.to));
      await Promise.all(legs);
      if (control) await policyFetched(course, control, index);
      if (course.wants(step, 'wantsPolicy')) await policyFetched(course, main, index);
      if (course.wants(step, 'wantsBounce')) await givenUp(course);
      await askForReports(course, step);
      return;
    }
    case 'flush':
      await course.arrange('main', index, course.attacked(step.under));
      await retry(course);
      if (course.wants(step, 'wantsBounce')) await givenUp(course);
      await askForReports(course, step);
      return;
    case 'recover':
      await course.arrange('main', index, course.honest());
      await retry(course);
      if (course.sender.queued)
        course.recorder.record('main', {
          kind: 'queue-listed',
          tokens: await course.sender.queued(),
        });
      return;
    case 'publish':
      course.publish(step.policy, step.domain);
      await course.arrange('main', index, course.honest());
      return;
    case 'advance':
      if (!course.sender.advance)
        throw new SenderError('the sender declares time-travel and has no way to advance');
      await course.sender.advance(step.seconds, course.domains());
      course.recorder.record('main', { kind: 'time-advanced', seconds: step.seconds });
      return;
    case 'restart':
      if (!course.sender.restart)
        throw new SenderError('the sender declares restart and has no way to restart');
      await course.sender.restart();
      course.recorder.record('main', { kind: 'sender-restarted' });
      return;
    case 'wait':
      await new Promise((resolve) => setTimeout(resolve, step.seconds * 1000));
  }
}

/**
 * The same fault where no policy exists; and before it, where the sender knows the domain, an
 * honest delivery: it may remember more than policies.
 */
async function sendUnprotected(
  course: Course,
  index: number,
  attacked: LabPlan,
  to: string,
): Promise<void> {
  const isKnown = ofKind(course.recorder.observations, 'message-submitted').some(
    (seen) => seen.leg === 'main' && seen.step < index,
  );
  if (isKnown)
    await send(
      course,
      await course.arrange('unprotected', index, withoutPolicy(course.honest())),
      1,
      to,
    );
  await send(course, await course.arrange('unprotected', index, withoutPolicy(attacked)), 1, to);
}

/** Submits messages one after the other, each once the one before has settled. */
async function send(
  course: Course,
  { leg, token: label, world }: Arranged,
  messages: number,
  to: string,
): Promise<void> {
  for (let i = 0; i < messages; i++) {
    const token = `hf${randomBytes(6).toString('hex')}`;
    const from = `probe@${qualify(SENDER_DOMAIN, label)}`;
    const recipient = `${token}@${qualify(to, label)}`;
    course.owns(token, leg);
    course.recorder.record(leg, { kind: 'message-submitted', token, from, to: recipient });
    await course.sender.submit(composeMessage({ token, from, to: recipient }));
    await settled(course, leg, [token], 0, world);
  }
}

/** Runs the queue: what is still queued must get a new status. */
async function retry(course: Course): Promise<void> {
  const { recorder } = course;
  const since = recorder.observations.length;
  const queued = ofKind(recorder.observations, 'message-submitted')
    .filter(
      (seen) =>
        seen.leg === 'main' && outcomeOf(recorder.observations, seen.token).kind === 'deferred',
    )
    .map((seen) => seen.token);
  recorder.record('main', { kind: 'queue-flushed' });
  await course.sender.flush(course.domains());
  await settled(course, 'main', queued, since, course.world());
}

/**
 * Event-driven: until the sender has said of each message what became of it, and has closed its
 * connections.
 */
async function settled(
  course: Course,
  leg: Leg,
  tokens: readonly string[],
  since: number,
  world: World,
): Promise<void> {
  const { recorder, settleMs } = course;
  const open = () =>
    tokens.filter(
      (token) =>
        !recorder.observations.some(
          (seen) => seen.seq > since && seen.kind === 'sender-status' && seen.token === token,
        ),
    );
  if (!(await recorder.until(() => open().length === 0, settleMs))) {
    recorder.record(leg, { kind: 'settle-timeout', tokens: open(), boundMs: settleMs });
  }
  await settledWithin(world.idle(), IDLE_MS);
}

/** A sender may say that the last try failed, and only then give the message up. */
async function givenUp({ recorder, world }: Course): Promise<void> {
  const main = () => recorder.observations.filter((seen) => seen.leg === 'main');
  const queued = () =>
    ofKind(main(), 'message-submitted').filter(
      ({ token }) => outcomeOf(main(), token).kind === 'deferred',
    );
  await recorder.until(() => queued().length === 0, BOUNCE_MS);
  await settledWithin(world().idle(), IDLE_MS);
}

async function askForReports(course: Course, step: Step): Promise<void> {
  if (!course.wants(step, 'wantsReports') || !course.sender.report) return;
  course.recorder.record('main', { kind: 'reports-asked-for' });
  await course.sender.report(course.domains().slice(0, 1));
}

/**
 * RFC 8461 §5.1 lets a sender fetch the policy beside the delivery; it is held to the policy from
 * when it has it, the answer read.
 */
async function policyFetched(
  { recorder, aboutSts }: Course,
  { leg, world }: Arranged,
  index: number,
): Promise<void> {
  if (!aboutSts) return;
  await recorder.until(
    () => policyFetches(inLeg(recorder.observations, leg, index)).length > 0,
    FETCH_MS,
  );
  await settledWithin(world.idle(), IDLE_MS);
}

function arrived(course: Course): boolean {
  const { observations } = course.recorder;
  return ofKind(observations, 'message-submitted').every(
    (seen) => outcomeOf(observations, seen.token).kind === 'delivered',
  );
}

/**
 * What a sender has no way to do (time travel, restart, queue) is not tried on it; judging says
 * which capability that is.
 */
function notRun(scenario: Scenario, sender: Sender, { vocabulary }: SuiteOptions): TrialResult {
  const trial: Trial = { scenario, sender: describe(sender), evidence: { observations: [] } };
  return { verdict: judge(trial, vocabulary.expectations), trial, plans: [] };
}

function describe({ name, version, summary, capabilities }: Sender): SenderDescription {
  return { name, version, summary, capabilities };
}

/**
 * Where the lab keeps silent the sender has to wait: such scenarios begin first, so that the end of
 * a run does not wait for them.
 */
function longFirst(scenarios: readonly Scenario[]): Scenario[] {
  const isLong = ({ steps }: Scenario) =>
    /"(silent|stall|drop|slow|wait|restart)"|"transfer":"none"/.test(JSON.stringify(steps));
  return [...scenarios.filter(isLong), ...scenarios.filter((scenario) => !isLong(scenario))];
}
