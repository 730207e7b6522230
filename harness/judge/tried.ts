/**
 * Tried: whether the sender met what a step has changed. One rule for every attack, for `patch` and
 * for a new policy, derived from the plans (model/changes.ts):
 *
 *   a step is tried where the sender asked every question that is answered otherwise, and came to
 *   every host that behaves otherwise, as far as the point from which it does
 *
 * It need not have come where the policy it holds forbids it to go, nor to a host behind the one
 * that took the message. Where it did not come for no such reason, what it did proves nothing: if
 * it lived on a policy that was still valid, or looked beside the delivery, as RFC 8461 §5.1 allows,
 * or had given the message up, put it off at another address, or was still waiting for the policy
 * host, which is judged elsewhere, the step is not met; else the evidence does not decide.
 */

import {
  type Change,
  exchangersOf,
  type Point,
  type PointOnConnection,
  type QuestionChange,
} from '../model/changes.ts';
import {
  isDnsAnswer,
  isPassedOver,
  outcomeIn,
  policyDomains,
  type StepView,
} from '../model/evidence.ts';
import { forbids, heldPolicy } from '../model/held-policy.ts';
import type { Observation } from '../model/observation.ts';
import { returnedUncalled } from '../model/requiretls.ts';
import {
  isBefore,
  isHome,
  namesOf,
  ofKind,
  type Seen,
  type Session,
  sessionsOf,
} from '../model/traffic.ts';
import { answerTo, plainName, ruleFor } from '../model/zone.ts';

export type Tried =
  | { readonly kind: 'met' }
  /** `what` was not met, and `why`. */
  | NotMet
  | { readonly kind: 'unexplained'; readonly what: string };

export interface NotMet {
  readonly kind: 'not-met';
  readonly what: string;
  readonly why: string;
  /** What was to be learned in this step is not known in the steps after it. */
  readonly isUnlearned: boolean;
  /** That there is no more to meet counts where another finding rests on one of these. */
  readonly judgedBy?: readonly number[];
}

/** `earlier`: the steps before, in order; what they met of the same world need not be met again. */
export function triedIn(view: StepView, earlier: readonly StepView[]): Tried {
  const { news } = view.stage;
  const published = earlier.findLastIndex(({ step }) => step.kind === 'publish');
  const sinceThen = [...earlier.slice(Math.max(published, 0)), view];
  const { changes } = view.stage;
  const missing =
    news.find((change) => isDue(change, view) && !sinceThen.some((one) => isMet(change, one))) ??
    changes.find(
      (change) =>
        isDue(change, view) &&
        !isMet(change, view) &&
        !wasMet(change, view, earlier) &&
        !changes.some((other) => isAnotherAddress(other, change) && isMet(other, view)),
    );
  if (missing === undefined) {
    const late = changes.find(
      (change) =>
        change.way === 'discovery' && !wasMet(change, view, earlier) && isTooLate(change, view),
    );
    return late ? lookedBeside(late, view) : { kind: 'met' };
  }
  const what = describe(missing, view);
  const notMet = (why: string, isUnlearned = false): NotMet => ({
    kind: 'not-met',
    what,
    why,
    isUnlearned,
  });
  if (missing.way === 'discovery' && isCovered(missing, view))
    return notMet('the sender kept to its cached policy, as RFC 8461 §5.1 allows', true);
  if (missing.kind === 'question' && isOverTcpAlone(missing, view))
    return notMet('the sender asked over TCP alone, where no stranger can answer');
  if (missing.kind === 'question' && missing.type === 'MX' && wentOverKept(view))
    return notMet('the sender sent over a connection that was open before, and asked for no MX');
  if (missing.way === 'delivery' && view.tokens.some((token) => returnedUncalled(view, token)))
    return notMet('what vouches for the hosts was too little to the sender');
  const judgedBy = signsOfGivingUp(view);
  if (missing.kind === 'host' && judgedBy.length > 0 && calledWithRequireTls(view))
    return notMet('the sender had given the message up at another host');
  if (missing.way === 'delivery' && missing.kind === 'host' && judgedBy.length > 0)
    return { ...notMet('the sender had given the message up'), judgedBy };
  if (missing.way === 'delivery' && isStillFetching(view))
    return notMet('the sender was still waiting for the policy host');
  if (missing.way === 'delivery' && missing.kind === 'host' && missing.mx !== undefined) {
    if (isBeside(missing.mx, view))
      return notMet('the sender delivered through another host of that preference');
  }
  const isDeferred = view.tokens.every((token) => outcomeIn(view, token).kind === 'deferred');
  if (isDeferred && missing.way === 'delivery' && earlier.some(isPutOffUnattacked))
    return notMet('the sender had put mail for that domain off before anything was attacked');
  const met = changes.filter((other) => isMet(other, view));
  if (isDeferred && met.some((other) => isOfSameMx(other, missing)))
    return notMet('the sender had put the message off at another address of that host');
  if (isDeferred && met.some((other) => isOfSameDomain(other, missing, view)))
    return notMet('the sender had put the message off at another host of that domain');
  return { kind: 'unexplained', what };
}

// ---- what has to be met ----

/**
 * Both are of one MX, at two of its addresses: a sender may try one of them at a time. An address
 * that does not answer need not be called; one that does may not be left out for it.
 */
function isAnotherAddress(other: Change, change: Change): boolean {
  return isOfSameMx(other, change) && (isSilent(change) || !isSilent(other));
}

function isOfSameMx(other: Change, change: Change): boolean {
  return (
    other.kind === 'host' &&
    change.kind === 'host' &&
    other.mx !== undefined &&
    other.mx === change.mx &&
    other.host !== change.host
  );
}

/** They are of two MX hosts that take mail for one domain: a sender may try one of them at a time. */
function isOfSameDomain(other: Change, change: Change, view: StepView): boolean {
  if (other.kind !== 'host' || change.kind !== 'host') return false;
  if (other.mx === undefined || change.mx === undefined || other.mx === change.mx) return false;
  const others = domainsOf(other.mx, view);
  return domainsOf(change.mx, view).some((domain) => others.includes(domain));
}

const isSilent = (change: Change): boolean =>
  change.kind === 'host' &&
  change.points.every(({ at }) => at === 'address' || at === 'connection');

function isDue(change: Change, view: StepView): boolean {
  switch (change.way) {
    case 'discovery':
      return true;
    case 'reporting':
      return (
        view.stage.awaits.includes('reports') &&
        view.trial.sender.capabilities.includes('tlsrpt') &&
        ofKind(view.now, 'reports-asked-for').length > 0
      );
    case 'delivery':
      return (
        change.mx === undefined || (!isKeptFrom(change.mx, view) && !isBehind(change.mx, view))
      );
  }
}

/**
 * The policy that the sender held when the step began, or that it has got in it, does not permit
 * this host (RFC 8461 §4.1).
 */
function isKeptFrom(mx: string, view: StepView): boolean {
  const host = { mx: view.qualified(mx), authenticated: true };
  const [start] = view.now;
  return domainsOf(mx, view).every((domain) => {
    const before = start && heldPolicy(view.history, domain, start);
    return [before, heldNow(view, domain)].some((held) => held && forbids(held, host));
  });
}

/** The recipient domains that this host takes mail for; all, where the world does not say. */
function domainsOf(mx: string, view: StepView): readonly string[] {
  const { dns } = view.stage.plan!;
  const own = view.domains.filter((domain) =>
    exchangersOf(dns, plainDomain(view, domain)).some((host) => isSame(host, mx)),
  );
  return own.length > 0 ? own : view.domains;
}

/** Every message arrived through a host that comes before this one (RFC 5321 §5.1). */
const isBehind = (mx: string, view: StepView): boolean =>
  allArrivedThrough(mx, view, (preference, here) => preference < here);

/** Or through another of its preference: a sender chooses by chance, and may keep the connection. */
const isBeside = (mx: string, view: StepView): boolean =>
  allArrivedThrough(mx, view, (preference, here) => preference === here);

/** Every message arrived through another host than this one, of such a preference. */
function allArrivedThrough(
  mx: string,
  view: StepView,
  isSuch: (preference: number, here: number) => boolean,
): boolean {
  const { dns } = view.stage.plan!;
  const hosts = view.domains.flatMap((domain) => exchangersOf(dns, plainDomain(view, domain)));
  const preferenceOf = (host: string) => {
    const answers = view.domains.map((domain) => answerTo(dns, plainDomain(view, domain), 'MX'));
    const records = answers.flatMap((answer) => (answer.kind === 'records' ? answer.records : []));
    const record = records.find(
      (one) => one.type === 'MX' && isSame(view.qualified(one.exchange), host),
    );
    if (record?.type === 'MX') return record.preference;
    // A host that the world does not name, by an answer of before, comes before no other.
    return hosts.includes(host) ? hosts.indexOf(host) : Number.POSITIVE_INFINITY;
  };
  const own = domainsOf(mx, view);
  const tokens = view.tokens.filter((token) =>
    policyDomains(view.history, [token]).some((domain) => own.includes(domain)),
  );
  const through = tokens.map((token) => {
    const outcome = outcomeIn(view, token);
    return outcome.kind === 'delivered' ? outcome.accepted.mx : undefined;
  });
  const here = preferenceOf(view.qualified(mx));
  return (
    through.length > 0 &&
    through.every(
      (host) =>
        host !== undefined && !isSame(host, view.qualified(mx)) && isSuch(preferenceOf(host), here),
    )
  );
}

/** All mail of the step went over connections of an earlier one. */
function wentOverKept({ now, tokens }: StepView): boolean {
  const arrived = ofKind(now, 'message-accepted').filter((seen) =>
    seen.tokens.some((token) => tokens.includes(token)),
  );
  const opened = ofKind(now, 'smtp-connection').map(({ connection }) => connection);
  return (
    arrived.length > 0 &&
    tokens.every((token) => arrived.some((seen) => seen.tokens.includes(token))) &&
    arrived.every(({ connection }) => !opened.includes(connection))
  );
}

/** Nothing is changed in that step, and all its mail was deferred without a call at any MX host. */
function isPutOffUnattacked(view: StepView): boolean {
  const { stage, tokens, now } = view;
  return (
    stage.plan !== undefined &&
    stage.changes.length === 0 &&
    tokens.length > 0 &&
    tokens.every((token) => outcomeIn(view, token).kind === 'deferred') &&
    ofKind(now, 'smtp-connection').every(({ mx }) => isHome(mx))
  );
}

/** By what each message is known to be given up; none: one of them is not. */
function signsOfGivingUp(view: StepView): number[] {
  const outcomes = view.tokens.map((token) => outcomeIn(view, token));
  const signs = outcomes.flatMap((outcome) => (outcome.kind === 'bounced' ? [outcome.by.seq] : []));
  return signs.length === view.tokens.length ? signs : [];
}

/** Of what asks for REQUIRETLS the return is what is asked for, and no finding is about it. */
function calledWithRequireTls({ now, tokens }: StepView): boolean {
  const asks = ofKind(now, 'message-submitted').filter(({ token }) => tokens.includes(token));
  const isCalled = ofKind(now, 'smtp-connection').some(({ mx }) => !isHome(mx));
  return isCalled && asks.length > 0 && asks.every(({ requiretls }) => requiretls === true);
}

/**
 * It came to the policy host and no further: the lab has not answered it whole, and it has not said
 * what becomes of the message.
 */
function isStillFetching({ now, tokens }: StepView): boolean {
  const last = now.findLast(
    (seen) => seen.kind === 'web-connection' && seen.service === 'policy-host',
  );
  const goesOn = (seen: Observation) =>
    seen.kind === 'smtp-connection' ||
    (seen.kind === 'policy-request' && seen.complete) ||
    (seen.kind === 'sender-status' && tokens.includes(seen.token));
  return last !== undefined && !now.some((seen) => goesOn(seen) && !isBefore(seen, last));
}

/**
 * Where a step has several messages, the last is there for senders that look beside the delivery:
 * what they meet only after it was on its way has decided nothing.
 */
function isTooLate(change: Change, view: StepView): boolean {
  const left = lastDeparture(view);
  const messages = view.step.kind === 'send' ? view.step.messages : view.tokens.length;
  if (left === undefined || messages < 2 || isCovered(change, view)) return false;
  return !isMet(change, { ...view, now: view.now.filter((seen) => isBefore(seen, left)) });
}

/** What the last message went out on: the last connection made for it, or one that was open. */
function lastDeparture({ now }: StepView): Observation | undefined {
  const submitted = now.findLast(({ kind }) => kind === 'message-submitted');
  const after = submitted ? now.filter((seen) => isBefore(submitted, seen)) : [];
  return (
    after.findLast(({ kind }) => kind === 'smtp-connection') ??
    after.find(({ kind }) => kind === 'smtp-data')
  );
}

function lookedBeside(change: Change, view: StepView): NotMet {
  return {
    kind: 'not-met',
    what: `${hostOrName(change, view)} was met only after the last message had gone out`,
    why: 'the sender looked beside the delivery, as RFC 8461 §5.1 allows',
    isUnlearned: false,
  };
}

const hostOrName = (change: Change, view: StepView): string =>
  change.kind === 'question'
    ? `the ${change.type} of ${view.qualified(change.name)}`
    : view.qualified(change.mx ?? change.host);

/** A recipient domain as the plan writes it. */
function plainDomain(view: StepView, domain: string): string {
  const label = ofKind(view.history, 'step-started').at(-1)?.label ?? '';
  return domain.replace(`.${label}.test`, '.test');
}

/** The sender lives on a policy that it fetched before this step, for the domain of this change. */
function isCovered(change: Change, view: StepView): boolean {
  const name = change.kind === 'question' ? change.name : change.host;
  const own = view.domains.filter((domain) =>
    `.${view.qualified(name).toLowerCase()}`.endsWith(`.${domain}`),
  );
  return (own.length > 0 ? own : view.domains).some((domain) => {
    const held = heldNow(view, domain);
    return held !== undefined && held.fetch.step < view.index;
  });
}

function heldNow(view: StepView, domain: string) {
  const end = view.now.at(-1);
  return end && heldPolicy(view.history, domain, { at: end.at + 1 });
}

/**
 * RFC 8461 §3.3: what failed under an id need not be tried again for a while; and a question that was
 * answered so need not be asked again as long as no time has passed and nothing was published.
 */
function wasMet(change: Change, view: StepView, earlier: readonly StepView[]): boolean {
  const text = JSON.stringify(change);
  const isSame = (one: StepView) =>
    one.stage.changes.some((other) => JSON.stringify(other) === text) && isMet(change, one);
  if (change.kind === 'host') return change.way === 'discovery' && earlier.some(isSame);
  const since = earlier.findLastIndex(
    ({ step, index }) => MOVES_ON.includes(step.kind) && !isPassedOver(view, index),
  );
  // The last answer counts: it may have been another one.
  const last = earlier.slice(since + 1).findLast((one) => timesAsked(change, one) > 0);
  return (
    last !== undefined &&
    isSame(last) &&
    (change.nth?.includes(timesAsked(change, last)) ?? true) &&
    isAnsweredAlike(change, last, view)
  );
}

const MOVES_ON: readonly string[] = ['advance', 'publish', 'restart', 'wait'];

function isAnsweredAlike({ name, type }: QuestionChange, ...views: StepView[]): boolean {
  const answers = views.map(({ stage }) => {
    const { dns } = stage.plan!;
    return JSON.stringify([ruleFor(dns, name, type), answerTo(dns, name, type)]);
  });
  return new Set(answers).size === 1;
}

// ---- what was met ----

/** What the sender did in the world of this step: until the lab obeys, it is in the one before. */
function inWorld({ now }: StepView): readonly Observation[] {
  return now.slice(now.findLastIndex(({ kind }) => kind === 'step-started') + 1);
}

function isMet(change: Change, view: StepView): boolean {
  if (change.kind === 'question')
    return (change.nth ?? [1]).some((nth) => timesAsked(change, view) >= nth);
  const host = view.qualified(change.host);
  const isAddress = change.points.some(({ at }) => at === 'address');
  const address = { name: change.mx ?? change.host, type: 'A' };
  if (isAddress && questions(view, address).length > 0) return true;
  if (change.service !== 'mx') {
    return change.points.some(({ nth = 1, at }) => {
      const there = inWorld(view).filter((seen) => isAtWebHost(seen, host, at));
      return there.length >= nth;
    });
  }
  return sessionsOf(inWorld(view))
    .filter(({ opened, mx }) => isSame(opened.host ?? mx, host))
    .some((session) => {
      const point = pointOf(change.points, session.nth);
      return point !== undefined && reaches(session, point);
    });
}

type Question = Pick<QuestionChange, 'name' | 'type' | 'nth'>;

function timesAsked(change: Question, view: StepView): number {
  const asked = questions(view, change);
  return (isOfStranger(change, view) ? asked.filter(isOverUdp) : asked).length;
}

/** Nobody off the path can put a packet into a TCP connection. */
function isOverTcpAlone(change: Question, view: StepView): boolean {
  const asked = questions(view, change);
  return isOfStranger(change, view) && asked.length > 0 && !asked.some(isOverUdp);
}

const isOverUdp = ({ transport }: Seen<'dns-query'>): boolean => transport === 'udp';

const isOfStranger = (change: Question, view: StepView): boolean =>
  ruleOf(change, view)?.followed === true;

const ruleOf = ({ name, type }: Question, { stage }: StepView) =>
  stage.plan && ruleFor(stage.plan.dns, name, type);

/**
 * Queries of this type, also at the end of an alias; and those that went no further: of any type that told
 * of an alias, where the attack has put one in place for all types, and of the domain itself, where it
 * failed before the MX was asked for.
 */
function questions(view: StepView, change: Question): Seen<'dns-query'>[] {
  const isForAll = ruleOf(change, view)?.type === '*';
  const types = change.type === 'A' ? ADDRESS_TYPES : [change.type];
  const isLast = ({ type, target, answer }: Seen<'dns-query'>) =>
    (isForAll && target !== undefined) ||
    (change.type === 'MX' && ADDRESS_TYPES.includes(type) && !isDnsAnswer(answer));
  const queries = ofKind(inWorld(view), 'dns-query');
  const [name, ...ends] = namesOf(queries, view.qualified(change.name));
  // Those that are counted are counted by the lab, each name for itself.
  const others = change.nth ? [] : ends;
  return queries.filter((seen) => {
    const asked = plainName(seen.name);
    if (asked === name) return types.includes(seen.type) || isLast(seen);
    return types.includes(seen.type) && others.includes(asked);
  });
}

/** An address can be asked for in several ways. */
const ADDRESS_TYPES: readonly string[] = ['A', 'AAAA', 'CNAME', 'ANY'];

function isAtWebHost(seen: Observation, host: string, at: Point): boolean {
  switch (seen.kind) {
    case 'web-connection':
      return at === 'connection' && isSame(seen.host, host);
    case 'tls-handshake':
      return at === 'handshake' && isSame(seen.host, host) && seen.hello;
    case 'policy-request':
    case 'report-received':
      return at === 'request' && isSame(seen.host, host);
    default:
      return false;
  }
}

function pointOf(points: readonly PointOnConnection[], nth: number): Point | undefined {
  return (
    points.find((point) => point.nth === nth) ?? points.find((point) => point.nth === undefined)
  )?.at;
}

function reaches({ seen, commands, handshake }: Session, at: Point): boolean {
  const said = (verb: string, secure?: boolean) =>
    commands.some((one) => one.verb === verb && (secure === undefined || one.secure === secure));
  switch (at) {
    case 'address':
    case 'connection':
      return true;
    case 'handshake':
      return handshake?.hello === true;
    case 'EHLO':
    case 'STARTTLS':
      return said(at, false);
    case 'EHLO-inside':
      return said('EHLO', true);
    case '.':
      return ofKind(seen, 'smtp-data').length > 0;
    default:
      return said(at);
  }
}

// ---- words ----

function describe(change: Change, view: StepView): string {
  if (change.kind === 'question') {
    const which = change.nth ? ` (query ${change.nth.join(', ')})` : '';
    return `${change.type} of ${view.qualified(change.name)} was never asked for${which}`;
  }
  const host = view.qualified(change.mx ?? change.host);
  const words = new Set(change.points.map(({ at }) => FAR[at] ?? `was never told ${at}`));
  return `${host} ${[...words].join(', or ')}`;
}

const FAR: Readonly<Record<string, string>> = {
  address: 'was never called',
  connection: 'was never called',
  handshake: 'never came to a TLS handshake',
  request: 'was never asked for the policy',
  EHLO: 'never heard EHLO',
  STARTTLS: 'never heard STARTTLS',
  'EHLO-inside': 'never heard EHLO within TLS',
  '.': 'never got content',
};

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
