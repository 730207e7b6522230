/**
 * Waiting for a sender: until it has said what became of the mail, has read its policy, has ended its
 * fetches or has given a message up. On events; each wait has a bound, and where that is reached the
 * evidence says so.
 */

import { settledWithin } from '../concurrency/wait.ts';
import type { Recorder } from '../lab/recorder.ts';
import type { World } from '../lab/world.ts';
import { exchangersOf } from '../model/changes.ts';
import {
  attemptsFor,
  inLeg,
  noticesOf,
  outcomeOf,
  policyDomains,
  tokensSubmitted,
} from '../model/evidence.ts';
import {
  heldPolicy,
  LONGEST_FETCH_SECONDS,
  openFetches,
  policyFetches,
  stsLookups,
} from '../model/held-policy.ts';
import { qualify } from '../model/names.ts';
import type { Observation } from '../model/observation.ts';
import { SENDER_DOMAIN } from '../model/plan.ts';
import type { Stage } from '../model/stage.ts';
import { isHome, ofKind } from '../model/traffic.ts';
import { isPermittedMx } from '../protocol/mx-match.ts';
import type { ArrangedLeg, Running } from './running.ts';

const IDLE_MS = 2_000;
const BOUNCE_MS = 5_000;
/** For what a sender logs of an attempt without a look-up or a connection. */
const UNTRIED_MS = 3_000;
const MOMENT_MS = 100;
/** The same, where there is a host that it has not called yet. */
const NEXT_HOST_MS = 1_000;

export interface Settling {
  readonly where: ArrangedLeg;
  readonly tokens: readonly string[];
  /** Place in the stream from which on a status counts. */
  readonly since: number;
  /** A status may be a late one of the attempt before. */
  readonly isRetry: boolean;
}

/**
 * Event-driven: until the sender has said of each message what became of it, or lists it after a
 * long silence, and is in the middle of nothing.
 */
export async function settled(running: Running, settling: Settling): Promise<void> {
  const { recorder, sender, bounds } = running;
  const { tokens, since, isRetry } = settling;
  const { leg, world } = settling.where;
  const recent = () => recorder.observations.slice(since).filter((seen) => seen.leg === leg);
  /** By a listing of the queue. */
  const toldByQueue = new Set<string>();
  const isTold = (token: string) => {
    const seen = recent();
    const status = lastStatus(token, seen);
    if (!status) return toldByQueue.has(token) || isReturned(seen, token);
    const isLate = isRetry && !isTried(running, token, seen);
    return !isLate || recorder.elapsedMs() - status.at > UNTRIED_MS;
  };
  // Some return a message and log no word of it. What a notice in free text means, the queue tells.
  const isReturned = (seen: readonly Observation[], token: string) => {
    const outcome = outcomeOf(seen, token);
    if (outcome.kind !== 'bounced') return false;
    const { by } = outcome;
    return !sender.queued || by.kind !== 'message-accepted' || by.dsnAction !== undefined;
  };
  const open = () => tokens.filter((token) => !isTold(token));
  const began = recorder.elapsedMs();
  const leftMs = () => {
    const sign = recent().findLast(({ kind }) => kind !== 'queue-listed')?.at ?? began;
    const deadline = Math.min(sign, began + bounds.settleMs) + bounds.settleMs;
    return deadline - recorder.elapsedMs();
  };
  const list = async (isLast = false) => {
    if (!sender.queued) return;
    const before = recorder.observations.length;
    const gone = tokens.filter((token) =>
      ['delivered', 'bounced'].includes(outcomeOf(recent(), token).kind),
    );
    const queued = await sender.queued();
    // Who has begun to try meanwhile was in the queue, and has not been put off.
    const isOvertaken = recorder.observations.slice(before).some((seen) => seen.leg === leg);
    if (isOvertaken && !isLast) return;
    recorder.record(leg, { kind: 'queue-listed', tokens: queued });
    for (const token of queued) toldByQueue.add(token);
    // What has arrived, or come back, and left the queue is done with, though the log does not say so.
    for (const token of gone) if (!queued.includes(token)) toldByQueue.add(token);
  };
  while (open().length > 0 && leftMs() > 0 && !recorder.isOver()) {
    if (
      sender.queued &&
      recorder.quietMs() >= bounds.quietMs &&
      !isUnanswered(recent()) &&
      (await isIdle(recorder, world, leftMs()))
    )
      await list();
    const pauseMs = Math.max(bounds.quietMs - recorder.quietMs(), bounds.quietMs / 10);
    // A status that came too early counts once nothing has followed it for a while.
    const waitMs = Math.min(pauseMs, isRetry ? UNTRIED_MS : pauseMs, leftMs());
    await recorder.until(() => open().length === 0, waitMs);
  }
  if (open().length > 0 && !recorder.isOver()) await list(true);
  // Some say so of each host that they tried, and go on to the next one.
  if (recent().some((seen) => seen.kind === 'sender-status' && seen.status === 'deferred'))
    do
      await silence(recorder, leftMs(), () =>
        uncalledHosts(running, settling).length > 0 ? NEXT_HOST_MS : MOMENT_MS,
      );
    while (
      leftMs() > 0 &&
      !recorder.isOver() &&
      !(await isIdle(recorder, world, Math.min(leftMs(), IDLE_MS)))
    );
  if (open().length > 0)
    recorder.record(leg, {
      kind: 'settle-timeout',
      tokens: open(),
      boundMs: bounds.settleMs,
    });
  await settledWithin(world.idle(), IDLE_MS);
}

const lastStatus = (token: string, seen: readonly Observation[]) =>
  ofKind(seen, 'sender-status').findLast((one) => one.token === token);

/** The message was tried, and where there is a word of it, before that. */
export function isTried(
  { recorder, scenario }: Running,
  token: string,
  seen: readonly Observation[],
): boolean {
  const status = lastStatus(token, seen);
  return attemptsFor(token, seen, recorder.observations, scenario).some(
    (one) => !status || seen.indexOf(one) < seen.indexOf(status),
  );
}

/**
 * The same of a recipient among others, who may share its host: its domain was asked about, or it was
 * named.
 */
export function isTriedItself(
  { recorder: { observations } }: Running,
  token: string,
  seen: readonly Observation[],
): boolean {
  const names = policyDomains(observations, [token]).flatMap((domain) => [
    domain,
    `_mta-sts.${domain}`,
    `mta-sts.${domain}`,
  ]);
  return seen.some(
    (one) =>
      (one.kind === 'dns-query' && names.includes(one.name.toLowerCase())) ||
      (one.kind === 'smtp-command' && one.line.toLowerCase().includes(token)),
  );
}

/** A resolver without an answer asks again, at longer and longer intervals. */
function isUnanswered(recent: readonly Observation[]): boolean {
  return ofKind(recent, 'dns-query').at(-1)?.answer === 'dropped';
}

/** The silence is the sender's, and not of a connection that the lab has let stall. */
async function isIdle(recorder: Recorder, world: World, withinMs: number): Promise<boolean> {
  const { length } = recorder.observations;
  await settledWithin(world.idle(), withinMs);
  return recorder.observations.length === length;
}

/** Nothing has happened for a moment. */
async function silence(
  recorder: Recorder,
  withinMs: number,
  momentMs: () => number,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const waitMs = Math.min(momentMs() - recorder.quietMs(), deadline - performance.now());
    if (waitMs <= 0 || recorder.isOver()) return;
    const { length } = recorder.observations;
    await recorder.until(() => recorder.observations.length > length, waitMs);
  }
}

/**
 * MX hosts of these messages that could be called, also by who holds the policy, and were not (RFC 5321
 * §5.1).
 */
export function uncalledHosts(
  { recorder }: Running,
  { where: { leg, plan, permittedMx }, tokens, since }: Settling,
): string[] {
  const hosts = policyDomains(recorder.observations, tokens).flatMap((domain) =>
    exchangersOf(plan.dns, domain),
  );
  if (hosts.length < 2) return [];
  const recent = recorder.observations.slice(since).filter((seen) => seen.leg === leg);
  const called = ofKind(recent, 'smtp-connection').map(({ mx }) => mx.toLowerCase());
  // A host that refuses sees nobody; who looks for its address goes there.
  const looked = ofKind(recent, 'dns-query').map(({ name }) => name.toLowerCase());
  const isCalled = (host: string) =>
    called.includes(host) || (plan.mxHosts[host]?.reach === 'refused' && looked.includes(host));
  return hosts.filter(
    (host) =>
      !isCalled(host.toLowerCase()) &&
      (permittedMx === undefined || isPermittedMx(permittedMx, host)),
  );
}

/** A policy of theirs has come, and no MX host was called. */
export function hasOnlyLearned(
  { recorder: { observations } }: Running,
  { where: { leg }, tokens, since }: Settling,
): boolean {
  const recent = observations.slice(since).filter((seen) => seen.leg === leg);
  const isCalled = ofKind(recent, 'smtp-connection').some(({ mx }) => !isHome(mx));
  return !isCalled && policyFetches(recent, policyDomains(observations, tokens)).length > 0;
}

/**
 * RFC 8461 §5.1 lets a sender fetch the policy beside the delivery; it is held to the policy from
 * when it has it, the answer read.
 */
export async function policyFetched(
  { recorder, fetchesPolicies, bounds }: Running,
  { leg, index, world }: ArrangedLeg,
): Promise<void> {
  if (!fetchesPolicies) return;
  const isFetched = () => policyFetches(inLeg(recorder.observations, leg, index)).length > 0;
  const hasLooked = () =>
    ofKind(recorder.observations, 'dns-query').some(({ name }) => /^_mta-sts\./i.test(name));
  if (await recorder.until(() => isFetched() || hasLooked(), bounds.lookMs))
    await recorder.until(isFetched, bounds.fetchMs);
  await settledWithin(world.idle(), IDLE_MS);
}

/**
 * Where discovery is attacked, who holds no policy has to come to it, be it beside the delivery or after
 * it (RFC 8461 §5.1); and who holds one before it reports of it.
 */
export async function policyLookedFor(
  { recorder, fetchesPolicies, bounds }: Running,
  { changes, awaits }: Stage,
  { leg, index }: ArrangedLeg,
): Promise<void> {
  if (!fetchesPolicies || changes.every(({ way }) => way !== 'discovery')) return;
  const own = recorder.observations.filter((seen) => seen.leg === leg);
  const now = { at: recorder.elapsedMs() };
  const domains = policyDomains(own, tokensSubmitted(own)).filter(
    (domain) => awaits.includes('reports') || !heldPolicy(own, domain, now),
  );
  const isLookedFor = () =>
    stsLookups(inLeg(recorder.observations, leg, index), domains).length > 0;
  if (domains.length === 0 || isLookedFor()) return;
  if (await recorder.until(isLookedFor, bounds.fetchMs))
    await silence(recorder, bounds.fetchMs, () => MOMENT_MS);
}

/** RFC 8461 §3.3 suggests a minute for the fetch; who takes two of them has no bound. */
export async function fetchEnded({ recorder }: Running): Promise<void> {
  const open = () => openFetches(recorder.observations);
  await recorder.until(() => open().length === 0, LONGEST_FETCH_SECONDS * 1000);
  for (const { leg, connection } of open())
    recorder.record(leg, { kind: 'fetch-open', connection, seconds: LONGEST_FETCH_SECONDS });
}

/**
 * A sender may say that the last try failed, and only then give the message up, and then be busy
 * with the notice, which has a way through a queue of its own: it is waited for while there is a sign
 * of it.
 */
export async function givenUp(running: Running): Promise<void> {
  const { recorder, legs, base, bounds, hasDsn, hasQueue, sender } = running;
  const main = () => recorder.observations.filter((seen) => seen.leg === 'main');
  const isOpen = (token: string) => {
    const { kind } = outcomeOf(main(), token);
    return (
      kind === 'deferred' || (kind === 'bounced' && hasDsn && noticesOf(main(), token).length === 0)
    );
  };
  const open = () => ofKind(main(), 'message-submitted').some(({ token }) => isOpen(token));
  const isOnItsWay = () => ofKind(main(), 'smtp-connection').some(({ mx }) => isHome(mx));
  const isNoticeDue = () =>
    !isOnItsWay() &&
    ofKind(main(), 'message-submitted').some(
      ({ token }) => outcomeOf(main(), token).kind === 'bounced' && isOpen(token),
    );
  /** A notice may rest in a queue before it goes out, and gives no sign of itself there. */
  const patienceMs = () => (isNoticeDue() ? bounds.noticeMs : BOUNCE_MS);
  const deadline = recorder.elapsedMs() + bounds.settleMs;
  let isQueueRun = !hasQueue;
  let waitMs = Math.min(patienceMs(), BOUNCE_MS);
  while (waitMs > 0 && recorder.elapsedMs() < deadline && !recorder.isOver()) {
    if (await recorder.until(() => !open(), waitMs)) break;
    // Its first try may have been put off.
    if (!isQueueRun && isNoticeDue()) {
      isQueueRun = true;
      recorder.record('main', { kind: 'queue-flushed' });
      await sender.flush([qualify(SENDER_DOMAIN, base)]);
    }
    waitMs = patienceMs() - recorder.quietMs();
  }
  await settledWithin(legs.get(base)!.world.idle(), IDLE_MS);
}
