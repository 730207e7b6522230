/**
 * The life of a trial: one scenario, tried on one sender. The only place that knows its order.
 *
 *   for each stage   the worlds of its legs are arranged, the sender is driven, and what the step
 *                    waits for has happened, or a bound is reached
 *   at the end       the lab says how fast it was, the evidence is frozen, the worlds are closed
 *
 * A sending stage has up to four legs, at the same time and each in a world of its own:
 *
 *   main         the domain under attack
 *   control      an honest domain, unless the sender was primed before: the positive control
 *   reporting    an honest domain that asks for reports, where reports are waited for
 *   unprotected  the same fault where no policy exists: the negative control
 *
 * Judging comes after, on the evidence alone.
 */

import { randomBytes } from 'node:crypto';
import { domainToASCII, domainToUnicode } from 'node:url';
import type { Lab } from '../lab/lab.ts';
import { createRecorder } from '../lab/recorder.ts';
import type { World } from '../lab/world.ts';
import { DEFAULT_DOMAIN, DEFAULT_POLICY, permittedMx } from '../model/baseline.ts';
import { outcomeOf, recipientDomains, tokensSubmitted } from '../model/evidence.ts';
import { composeMessage, type MessageForm, recipientsOf } from '../model/message.ts';
import { qualify } from '../model/names.ts';
import type { Event, Leg } from '../model/observation.ts';
import { type LabPlan, SENDER_DOMAIN, VICTIM } from '../model/plan.ts';
import type { TrialResult } from '../model/reporter.ts';
import { destinationsOf, type Scenario, type SendStep } from '../model/scenario.ts';
import {
  type OutgoingMessage,
  type Sender,
  type SenderDescription,
  SenderError,
  UncarriedError,
} from '../model/sender.ts';
import type { Stage } from '../model/stage.ts';
import { ofKind } from '../model/traffic.ts';
import type { Awaited } from '../model/verdict.ts';
import type { Instances } from './instances.ts';
import type { ArrangedLeg, Bounds, Running } from './running.ts';
import {
  fetchEnded,
  givenUp,
  hasOnlyLearned,
  isTried,
  isTriedItself,
  policyFetched,
  policyLookedFor,
  type Settling,
  settled,
  uncalledHosts,
} from './waiting.ts';

export interface TrialOptions {
  readonly scenario: Scenario;
  readonly sender: Sender;
  readonly instances: Instances;
  readonly lab: Lab;
  readonly bounds: Bounds;
  readonly signal?: AbortSignal;
  /** Resolves when the signal is given. */
  readonly stopped: Promise<void>;
}

/**
 * Every stage in order; then the evidence is frozen. Never rejects for what the sender does. With the
 * packets of its worlds, where the lab captures them.
 */
export async function runTrial(
  options: TrialOptions,
): Promise<Pick<TrialResult, 'trial' | 'packets'>> {
  const { scenario, sender, instances, lab, bounds, signal, stopped } = options;
  const began = performance.now();
  const recorder = createRecorder();
  const legOf = new Map<string, Leg>();
  const taken = await instances.take(scenario, (status) =>
    recorder.record(legOf.get(status.token) ?? 'main', { kind: 'sender-status', ...status }),
  );
  const running: Running = {
    scenario,
    recorder,
    lab,
    bounds,
    sender: taken.sender,
    hasQueue: sender.capabilities.includes('queue'),
    hasDsn: sender.capabilities.includes('dsn'),
    fetchesPolicies: [scenario.needs, sender.capabilities].every((has) => has.includes('mta-sts')),
    base: `x${randomBytes(4).toString('hex')}`,
    legs: new Map(),
    owns(token, leg) {
      legOf.set(token, leg);
      taken.expect(token);
    },
  };
  const died = Promise.race([taken.sender.died, lab.lost].filter((end) => end !== undefined)).then(
    (error): never => {
      throw error;
    },
  );
  died.catch(() => {});
  let packets: Uint8Array | undefined;
  let isWhole = false;
  try {
    for (const [index, stage] of scenario.stages.entries()) {
      if (signal?.aborted) break;
      recorder.enterStep(index);
      await Promise.race([runStage(running, stage, index), stopped, died, recorder.full]);
      if (recorder.isOver()) break;
      // Without its positive control a scenario proves nothing more.
      if (stage.step.kind === 'prime' && !isAllDelivered(running)) break;
    }
    isWhole = !recorder.isOver() && !signal?.aborted;
  } catch (error) {
    const kind =
      error instanceof UncarriedError
        ? 'message-uncarried'
        : error instanceof SenderError
          ? 'sender-failed'
          : 'lab-fault';
    const detail = error instanceof Error ? error.message : String(error);
    recorder.record('main', { kind, detail });
  } finally {
    // Evidence that does not say how fast the lab was decides nothing.
    const slowness = await lab.slowness(performance.now() - began).catch(() => undefined);
    if (slowness) recorder.record('main', { kind: 'lab-health', ...slowness });
    packets = await captured(running).catch(() => undefined);
    for (const { world } of running.legs.values()) world[Symbol.dispose]();
    await taken.release(isWhole);
  }
  const evidence = { observations: recorder.freeze() };
  return { trial: { scenario, sender: describe(sender), evidence }, packets };
}

async function captured({ lab, legs }: Running): Promise<Uint8Array | undefined> {
  if (!lab.packetsOf) return undefined;
  return lab.packetsOf(await Promise.all([...legs.values()].map(({ world }) => world.trace())));
}

export function describe({
  name,
  version,
  summary,
  capabilities,
  dkim,
}: Sender): SenderDescription {
  return { name, version, summary, capabilities, ...(dkim && { dkim }) };
}

// ---- a stage ----

async function runStage(running: Running, stage: Stage, index: number): Promise<void> {
  const { recorder, sender } = running;
  const { step } = stage;
  switch (step.kind) {
    case 'prime': {
      const main = await arrange(running, stage, index, 'main', stage.plan!);
      await send(running, main, PLAIN);
      if (stage.policy.mode !== 'absent') await policyFetched(running, main);
      return;
    }
    case 'send':
      return sendStage(running, stage, step, index);
    case 'flush':
      return flushStage(running, stage, index);
    case 'refresh':
      return refreshStage(running, stage, index);
    case 'recover':
      await arrange(running, stage, index, 'main', stage.plan!);
      await retry(running);
      await runDown(running);
      return listQueue(running);
    case 'publish':
      await arrange(running, stage, index, 'main', stage.plan!, step.keepConnections);
      return;
    case 'advance':
      if (!sender.advance) {
        if (step.isOptional) return;
        throw new SenderError('the sender declares time-travel and has no way to advance');
      }
      // What it does on waking it does at the new time.
      recorder.record('main', { kind: 'time-advanced', seconds: step.seconds });
      await sender.advance(step.seconds, domainsOf(running));
      return wearOut(running, step.seconds);
    case 'restart':
      if (!sender.restart)
        throw new SenderError('the sender declares restart and has no way to restart');
      await sender.restart();
      recorder.record('main', { kind: 'sender-restarted' });
      return;
    case 'wait':
      await new Promise((resolve) => setTimeout(resolve, step.seconds * 1000));
  }
}

async function flushStage(running: Running, stage: Stage, index: number): Promise<void> {
  const main = await arrange(running, stage, index, 'main', stage.plan!);
  await retry(running);
  await awaited(running, stage, main);
}

async function refreshStage(running: Running, stage: Stage, index: number): Promise<void> {
  const { sender, recorder } = running;
  if (!sender.refresh)
    throw new SenderError('the sender declares refresh and has no way to be told to');
  const main = await arrange(running, stage, index, 'main', stage.plan!);
  recorder.record('main', { kind: 'policies-refreshed' });
  await sender.refresh(domainsOf(running));
  await awaited(running, stage, main);
}

async function sendStage(
  running: Running,
  stage: Stage,
  step: SendStep,
  index: number,
): Promise<void> {
  const main = await arrange(running, stage, index, 'main', stage.plan!, step.keepConnections);
  const control = stage.control && (await arrange(running, stage, index, 'control', stage.control));
  const reporting =
    running.sender.report &&
    stage.reporting &&
    (await arrange(running, stage, index, 'reporting', stage.reporting));
  await Promise.all([
    send(running, main, { ...step, domains: destinationsOf(step) }),
    control && send(running, control, { ...PLAIN, message: controlForm(step) }),
    reporting && send(running, reporting, PLAIN),
    sendUnprotected(running, stage, step, index),
  ]);
  for (const honest of [control, reporting]) if (honest) await policyFetched(running, honest);
  await awaited(running, stage, main, reporting);
}

/**
 * The same fault where no policy exists; and before it, where the sender knows the domain, an
 * honest delivery: it may remember more than policies.
 */
async function sendUnprotected(
  running: Running,
  stage: Stage,
  { to, message }: SendStep,
  index: number,
): Promise<void> {
  if (!stage.unprotected) return;
  const { before, plan } = stage.unprotected;
  const order = { ...PLAIN, domains: [to], message };
  if (before)
    await send(running, await arrange(running, stage, index, 'unprotected', before), order);
  await send(running, await arrange(running, stage, index, 'unprotected', plan), order);
}

/** The control is of the kind of what is asked, where that is a kind that not every sender has. */
function controlForm({ message }: SendStep): MessageForm | undefined {
  return message?.requiretls ? { requiretls: true } : undefined;
}

/**
 * Lets a leg's world obey the plan. Control legs get a new world in each step, the main leg keeps
 * its own.
 */
async function arrange(
  { recorder, lab, base, legs }: Running,
  stage: Stage,
  index: number,
  leg: Leg,
  plan: LabPlan,
  keepConnections = false,
): Promise<ArrangedLeg> {
  const label = leg === 'main' ? base : `${base}${leg[0]}${index}`;
  const nameOf = connectionsOf(label.slice(base.length));
  const world =
    legs.get(label)?.world ??
    lab.createWorld(label, (event) => recorder.record(leg, nameOf(event)));
  const published =
    leg === 'main'
      ? stage
      : { policy: DEFAULT_POLICY, permittedMx: permittedMx(DEFAULT_DOMAIN, DEFAULT_POLICY) };
  const permitted = qualify(published.permittedMx, label);
  const isEnforced = leg !== 'unprotected' && published.policy.mode === 'enforce';
  const arranged: ArrangedLeg = {
    leg,
    index,
    label,
    world,
    plan: qualify(plan, label),
    permittedMx: isEnforced ? permitted : undefined,
    isHonest:
      leg === 'main'
        ? stage.changes.length === 0
        : leg !== 'unprotected' || plan === stage.unprotected?.before,
  };
  legs.set(label, arranged);
  await world.arrange(arranged.plan, { keepConnections });
  recorder.record(leg, {
    kind: 'step-started',
    label,
    policy: published.policy,
    permittedMx: permitted,
  });
  return arranged;
}

/** Each world counts its connections by itself: those of legs beside the main one get its name. */
const connectionsOf =
  (world: string) =>
  (event: Event): Event =>
    world !== '' && 'connection' in event
      ? { ...event, connection: `${world}.${event.connection}` }
      : event;

/**
 * Of a sender that counts its tries instead of days: after days in the queue one try is left
 * (RFC 5321 §4.5.4.1 asks for four or five of them).
 */
async function wearOut(running: Running, seconds: number): Promise<void> {
  const { attempts } = running.sender;
  const [oldest] = stillQueued(running);
  if (attempts === undefined || oldest === undefined || seconds < FOUR_DAYS_SECONDS) return;
  const main = running.recorder.observations.filter(({ leg }) => leg === 'main');
  const since = main.findIndex(
    (seen) => seen.kind === 'message-submitted' && seen.token === oldest,
  );
  const made = 1 + ofKind(main.slice(since), 'queue-flushed').length;
  for (let left = attempts - made; left > 1; left--) await retry(running);
}

const FOUR_DAYS_SECONDS = 4 * 24 * 60 * 60;

// ---- mail ----

interface SendOrder extends Pick<SendStep, 'messages' | 'atOnce' | 'message'> {
  /** One recipient at each. */
  readonly domains: readonly string[];
}

const PLAIN: SendOrder = { messages: 1, domains: [VICTIM] };

/** Submits messages one after the other, each once the one before has settled, or all at once. */
async function send(
  running: Running,
  where: ArrangedLeg,
  { messages, atOnce, message: form, domains }: SendOrder,
): Promise<void> {
  const { leg, label, world } = where;
  const places = await Promise.all(
    domains.map((domain) => literalIn(qualify(domain, label), world)),
  );
  const batches = atOnce ? [messages] : Array.from({ length: messages }, () => 1);
  for (const size of batches) {
    const since = running.recorder.observations.length;
    const all = Array.from({ length: size }, () => {
      // A sender may sort the recipients, and no chance is to decide which of them comes first.
      const tokens = places.map(() => `hf${randomBytes(6).toString('hex')}`).sort();
      const recipients = places.map((place, index) => ({
        token: tokens[index]!,
        // RFC 6531 §3.3: where UTF-8 is asked for, a domain is written as people read it.
        to: `${tokens[index]}@${form?.smtputf8 ? inULabels(place) : place}`,
      }));
      const from = running.sender.from ?? `probe@${qualify(SENDER_DOMAIN, label)}`;
      return composeMessage({ recipients, from, form });
    });
    await Promise.all(all.map((message) => submit(running, leg, message, form)));
    const tokens = all.flatMap((message) => recipientsOf(message).map(({ token }) => token));
    await settled(running, { where, tokens, since, isRetry: false });
    await tryAgain(running, { where, tokens, since, isRetry: true });
  }
}

/** Of `[mx1.victim.test]` the address literal of that host (RFC 5321 §4.1.3); else the domain. */
async function literalIn(domain: string, world: World): Promise<string> {
  const host = /^\[(.+)\]$/.exec(domain)?.[1];
  if (!host) return domain;
  const address = await world.addressOf(host, 4);
  if (!address) throw new Error(`${host} is no host of this world: it has no address`);
  return `[${address}]`;
}

function inULabels(domain: string): string {
  return /(?:^|\.)xn--/i.test(domain) ? domainToUnicode(domain) : domain;
}

/** An address with its domain as that stands in DNS, by which the evidence is read. */
function inALabels(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  const domain = address.slice(at);
  return /[^\x00-\x7f]/.test(domain) ? address.slice(0, at) + domainToASCII(domain) : address;
}

async function submit(
  { sender, recorder, owns }: Running,
  leg: Leg,
  message: OutgoingMessage,
  { requiretls, tlsRequired }: MessageForm = {},
): Promise<void> {
  // Whose reverse-path is fixed can be given no other.
  if (sender.from !== undefined && message.from !== sender.from)
    throw new UncarriedError(`it takes mail from ${sender.from} only`);
  for (const { token, to } of recipientsOf(message)) {
    owns(token, leg);
    const marks = { ...(requiretls && { requiretls }), ...(tlsRequired && { tlsRequired }) };
    const submitted = { token, from: message.from, to: inALabels(to), ...marks };
    recorder.record(leg, { kind: 'message-submitted', ...submitted });
  }
  await sender.submit(message);
}

/**
 * A sender may find out only with the next message that a connection which it has kept was closed,
 * and defer that without a try; it was still at the try before when its queue was run; or it tries one
 * host in each run, and the next one in the next (RFC 5321 §5.1 wants it able to try each); or it puts
 * off what is for a new domain until it knows its policy. Then the queue is run once more, and where
 * nothing is attacked, after any deferral.
 */
async function tryAgain(running: Running, settling: Settling): Promise<void> {
  const { recorder, sender } = running;
  const { where, tokens, since } = settling;
  const { leg } = where;
  const recent = recorder.observations.slice(since).filter((seen) => seen.leg === leg);
  const deferred = tokens.filter((token) => outcomeOf(recent, token).kind === 'deferred');
  const left = uncalledHosts(running, settling);
  const isDone = (token: string) =>
    isTried(running, token, recent) &&
    (tokens.length === 1 || isTriedItself(running, token, recent));
  const untried = deferred.filter((token) => !isDone(token));
  const mayGoNow = where.isHonest || left.length > 0 || hasOnlyLearned(running, settling);
  const putAside = mayGoNow ? deferred : untried;
  if (putAside.length === 0 || !running.hasQueue) return;
  const before = recorder.observations.length;
  recorder.record(leg, { kind: 'queue-flushed' });
  // Where the queue is run by domain, what is under attack meanwhile is left alone.
  const domains =
    leg === 'main' ? domainsOf(running) : recipientDomains(recorder.observations, tokens);
  await sender.flush(domains);
  await settled(running, { ...settling, tokens: putAside, since: before });
  const isFurther = uncalledHosts(running, settling).length < left.length;
  if (isFurther) await tryAgain(running, settling);
}

/** Runs the queue: what is still queued must get a new status. */
async function retry(running: Running): Promise<void> {
  const { recorder, sender } = running;
  const queued = stillQueued(running);
  const since = recorder.observations.length;
  recorder.record('main', { kind: 'queue-flushed' });
  await sender.flush(domainsOf(running));
  const where = running.legs.get(running.base)!;
  const settling: Settling = { where, tokens: queued, since, isRetry: true };
  await settled(running, settling);
  await tryAgain(running, settling);
}

/**
 * Some put off at once what is for a host that has just failed, and some send one message in each run:
 * once more, and again as long as the queue gets shorter.
 */
async function runDown(running: Running, before = Number.POSITIVE_INFINITY): Promise<void> {
  const { length } = stillQueued(running);
  if (length === 0 || length >= before) return;
  await retry(running);
  await runDown(running, length);
}

function stillQueued({ recorder: { observations } }: Running): string[] {
  return ofKind(observations, 'message-submitted')
    .filter(
      ({ leg, token }) => leg === 'main' && outcomeOf(observations, token).kind === 'deferred',
    )
    .map(({ token }) => token);
}

/** Once more where a message is missing: it may have been between two places of the queue. */
async function listQueue(running: Running): Promise<void> {
  const { recorder, sender } = running;
  if (!sender.queued) return;
  const list = async () => {
    const tokens = await sender.queued!();
    recorder.record('main', { kind: 'queue-listed', tokens });
    return tokens;
  };
  const listed = await list();
  if (stillQueued(running).some((token) => !listed.includes(token))) await list();
}

/**
 * Recipient domains of every leg, that of the scenario first; and those of their senders, to which
 * bounces go: one that was put off is tried again with the rest of the queue.
 */
function domainsOf({ legs, recorder }: Running): string[] {
  const { observations } = recorder;
  return [
    ...new Set([
      ...[...legs.keys()].map((label) => qualify(VICTIM, label)),
      ...[...legs.keys()].map((label) => qualify(SENDER_DOMAIN, label)),
      ...recipientDomains(observations, tokensSubmitted(observations)),
    ]),
  ];
}

function isAllDelivered({ recorder: { observations } }: Running): boolean {
  return ofKind(observations, 'message-submitted').every(
    ({ token }) => outcomeOf(observations, token).kind === 'delivered',
  );
}

// ---- the end of a stage ----

/** What a stage waits for before it ends. */
async function awaited(
  running: Running,
  stage: Stage,
  main: ArrangedLeg,
  reporting?: ArrangedLeg,
): Promise<void> {
  await policyLookedFor(running, stage, main);
  const waitFor: Readonly<Record<Awaited, () => Promise<void>>> = {
    policy: () => policyFetched(running, main),
    'fetch-end': () => fetchEnded(running),
    bounce: () => givenUp(running),
    reports: () => askForReports(running, reporting),
  };
  for (const what of ORDER.filter((one) => stage.awaits.includes(one))) await waitFor[what]();
}

const ORDER = ['policy', 'fetch-end', 'bounce', 'reports'] as const satisfies readonly Awaited[];

/** Of the honest domain too: who reports nothing there shows nothing by silence here. */
async function askForReports(running: Running, reporting?: ArrangedLeg): Promise<void> {
  if (!running.sender.report) return;
  const date = new Date().toISOString();
  running.recorder.record('main', { kind: 'reports-asked-for', date });
  const main = running.recorder.observations.filter(({ leg }) => leg === 'main');
  const recipients = recipientDomains(main, tokensSubmitted(main));
  const labels = [running.base, ...(reporting ? [reporting.label] : [])];
  await running.sender.report([
    ...new Set([...labels.map((label) => qualify(VICTIM, label)), ...recipients]),
  ]);
}
