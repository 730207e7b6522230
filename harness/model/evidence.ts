/**
 * Reading evidence: small pure views that expectations share. Nothing here grades.
 */

import { failedJustBefore, heldPolicy, senderSeconds, stsLookups } from './held-policy.ts';
import { labelOf, nextHopOf, qualifyName } from './names.ts';
import { CLOSED_WHILE_IDLE, type Leg, type Observation } from './observation.ts';
import { offeredPolicy } from './offered-policy.ts';
import { SENDER_DOMAIN, VICTIM } from './plan.ts';
import type { Scenario, Step } from './scenario.ts';
import type { Stage } from './stage.ts';
import {
  isBefore,
  isHome,
  namesOf,
  ofKind,
  type Seen,
  sessionsOf,
  tokensNamed,
  transactionsOf,
} from './traffic.ts';
import type { Trial } from './verdict.ts';
import { plainName } from './zone.ts';

/** Observations of one leg: in this step, up to its end, and all there are. */
export interface Span {
  readonly now: readonly Observation[];
  readonly history: readonly Observation[];
  /** Later steps too: what a sender that is late did in the end. */
  readonly whole: readonly Observation[];
}

/**
 * One step of one trial, as an expectation sees it: the main leg, and in it what has to do with
 * this step's recipients.
 */
export interface StepView extends Span {
  readonly trial: Trial;
  readonly index: number;
  readonly stage: Stage;
  readonly step: Step;
  /** What the sender does for itself: its bounces and reports on their way home. */
  readonly own: Span;
  /**
   * Tokens of the messages this step is about: those it submitted, or, when it submitted none, all
   * still queued.
   */
  readonly tokens: readonly string[];
  /**
   * Recipient domains of those messages, as they were in this run, in lower case; the scenario's
   * domain when there is no message.
   */
  readonly domains: readonly string[];
  /** A scenario's name (`mx1.victim.test`) as it was in this run. */
  qualified(name: string): string;
  /** Patterns of the policy the domain honestly publishes, as they were in this run. */
  readonly permittedMx: readonly string[];
}

/** `domain`: only what has to do with this recipient domain, as the scenario writes it. */
export function viewStep(trial: Trial, index: number, domain?: string): StepView {
  const all = trial.evidence.observations.filter((seen) => seen.leg === 'main');
  const started = ofKind(all, 'step-started').findLast((seen) => seen.step <= index);
  const leg = all.filter((seen) => !isForeign(seen, started?.label));
  const before = leg.filter((seen) => seen.step < index);
  const qualified = (name: string) => (started ? qualifyName(name, started.label) : name);
  const history = leg.filter((seen) => seen.step <= index);
  const submitted = tokensSubmitted(history.filter((seen) => seen.step === index));
  const wanted = domain && qualified(domain).toLowerCase();
  const tokens = (
    submitted.length > 0
      ? submitted
      : tokensSubmitted(before).filter((token) => outcomeOf(before, token).kind !== 'delivered')
  ).filter((token) => !wanted || policyDomains(history, [token]).includes(wanted));
  const found = policyDomains(history, tokens);
  const domains = found.length > 0 ? found : [wanted ?? qualified(VICTIM).toLowerCase()];
  const others = tokensSubmitted(leg).filter(
    (token) => !policyDomains(leg, [token]).some((domain) => domains.includes(domain)),
  );
  const home = qualified(SENDER_DOMAIN).toLowerCase();
  const [own, theirs] = [[], []] as [Observation[], Observation[]];
  const strangers = connectionsOf(leg, tokensSubmitted(leg), others);
  for (const seen of leg) {
    if (isOwn(seen, home)) own.push(seen);
    else if (!('connection' in seen && strangers.has(seen.connection))) theirs.push(seen);
  }
  return {
    trial,
    index,
    stage: trial.scenario.stages[index]!,
    step: trial.scenario.stages[index]!.step,
    ...spanOf(theirs, index),
    own: spanOf(own, index),
    tokens,
    domains,
    qualified,
    permittedMx: started?.permittedMx ?? [],
  };
}

function spanOf(whole: readonly Observation[], index: number): Span {
  return {
    now: whole.filter((seen) => seen.step === index),
    history: whole.filter((seen) => seen.step <= index),
    whole,
  };
}

/** About a name of another world. */
function isForeign(seen: Observation, label: string | undefined): boolean {
  const name = nameIn(seen);
  const own = name === undefined ? undefined : labelOf(name);
  return own !== undefined && label !== undefined && own !== label;
}

/** The host or domain that it is about. */
function nameIn(seen: Observation): string | undefined {
  if (seen.kind === 'dns-query') return seen.name;
  if (seen.kind === 'tls-handshake') return seen.host;
  return 'mx' in seen ? seen.mx : undefined;
}

/** Any text may be asked for as a name; `domain` is one, in lower case. */
const isWithin = (name: string, domain: string): boolean =>
  `.${name.toLowerCase()}`.endsWith(`.${domain}`);

/** At the exchanger of the sender's own domain, or asked for on the way there. */
function isOwn(seen: Observation, domain: string): boolean {
  if (seen.kind === 'dns-query') return isWithin(seen.name, domain);
  if (seen.kind === 'tls-handshake') return isHome(seen.host);
  return 'mx' in seen && isHome(seen.mx);
}

/** Connections on which there were messages of these tokens and of no others. */
function connectionsOf(
  leg: readonly Observation[],
  all: readonly string[],
  tokens: readonly string[],
): Set<string> {
  if (tokens.length === 0) return new Set();
  const rest = all.filter((token) => !tokens.includes(token));
  const transactions = Map.groupBy(transactionsOf(sessionsOf(leg)), ({ connection }) => connection);
  return new Set(
    [...transactions].flatMap(([connection, own]) =>
      own.some((one) => tokensNamed(one, tokens).length > 0) &&
      own.every((one) => tokensNamed(one, rest).length === 0)
        ? [connection]
        : [],
    ),
  );
}

export function inLeg(observations: readonly Observation[], leg: Leg, step: number): Observation[] {
  return observations.filter((seen) => seen.leg === leg && seen.step === step);
}

export function tokensSubmitted(observations: readonly Observation[]): string[] {
  return ofKind(observations, 'message-submitted').map((seen) => seen.token);
}

/** Recipient domains of these messages, in lower case. */
export function recipientDomains(
  observations: readonly Observation[],
  tokens: readonly string[],
): string[] {
  const submitted = ofKind(observations, 'message-submitted').filter((seen) =>
    tokens.includes(seen.token),
  );
  return [...new Set(submitted.map(({ to }) => to.slice(to.lastIndexOf('@') + 1).toLowerCase()))];
}

/** The domains whose MX hosts, and policies, these messages are for (RFC 8461 §1.1, §3.4). */
export function policyDomains(
  observations: readonly Observation[],
  tokens: readonly string[],
): string[] {
  return [...new Set(recipientDomains(observations, tokens).map(nextHopOf))];
}

// ---- what became of a message ----

export type Outcome =
  | { readonly kind: 'delivered'; readonly accepted: Seen<'message-accepted'> }
  /** `by`: the first sign of it. */
  | { readonly kind: 'deferred' | 'bounced'; readonly by: Observation }
  | { readonly kind: 'pending' };

/**
 * Delivered only if the honest exchanger accepted it; bounced if a DSN came home or the sender gave
 * it up; deferred if the sender says so last, or lists it as queued.
 */
export function outcomeOf(observations: readonly Observation[], token: string): Outcome {
  const arrived = arrivalOf(observations, token);
  if (arrived) return { kind: 'delivered', accepted: arrived };
  const status = ofKind(observations, 'sender-status').findLast((seen) => seen.token === token);
  const listed = ofKind(observations, 'queue-listed').findLast(({ tokens }) =>
    tokens.includes(token),
  );
  // A notice in free text may be a warning of delay: the log says "deferred", or the queue still has it.
  const returned = bouncesOf(observations, token).find(
    (dsn) =>
      dsn.dsnAction !== undefined ||
      (status?.status !== 'deferred' && !(listed && isBefore(dsn, listed))),
  );
  const givenUp = status?.status === 'bounced' ? status : undefined;
  const signs = [returned, givenUp].filter((sign) => sign !== undefined);
  if (signs.length > 0) {
    // Log and DSN come by two ways, in either order.
    const [first] = signs.sort((a, b) => a.at - b.at);
    return { kind: 'bounced', by: first! };
  }
  if (status?.status === 'deferred') return { kind: 'deferred', by: status };
  return listed && status === undefined ? { kind: 'deferred', by: listed } : { kind: 'pending' };
}

/**
 * What became of a message by the end of this step. A deferral counts once the sender has tried in
 * this step: a line that is late tells of the attempt before.
 */
export function outcomeIn(view: StepView, token: string): Outcome {
  const { now, history } = together(view);
  const outcome = outcomeOf(history, token);
  if (outcome.kind !== 'deferred') return outcome;
  const recent = outcomeOf(now, token);
  if (recent.kind !== 'deferred') return { kind: 'pending' };
  const isNew = tokensSubmitted(now).includes(token);
  const isTried = attemptsFor(token, now, history, view.trial.scenario).some((seen) =>
    isBefore(seen, recent.by),
  );
  return isNew || isTried ? recent : { kind: 'pending' };
}

/** Everything of the main leg, the sender's own traffic too. */
function together({ now, history, own }: StepView): Pick<Span, 'now' | 'history'> {
  return { now: [...now, ...own.now], history: [...history, ...own.history] };
}

/**
 * What the sender may have done for a message: more than to keep a connection, or to take leave of
 * it, more than to find out that the lab has closed it, and not at a host that is another
 * recipient's alone. `history` tells of the recipients, the scenario of the hosts that they share.
 */
export function attemptsFor(
  token: string,
  observations: readonly Observation[],
  history: readonly Observation[],
  scenario: Scenario,
): Observation[] {
  const own = policyDomains(history, [token]);
  const others = policyDomains(history, tokensSubmitted(history));
  const hosts = own.flatMap((domain) => mxHostsOf(scenario, domain));
  const isOf = (names: readonly string[], seen: Observation) =>
    names.some((name) => isWithin(nameIn(seen) ?? '', name));
  // An address literal is a host, whatever its name (RFC 5321 §4.1.3).
  const isLiteral = own.some((domain) => domain.startsWith('['));
  return attemptsIn(observations).filter(
    (seen) => isLiteral || isOf([...own, ...hosts], seen) || !isOf(others, seen),
  );
}

/** Of a domain as it was in this run: the hosts that its MX records name in any step. */
export function mxHostsOf({ stages }: Scenario, domain: string): string[] {
  const label = labelOf(domain) ?? '';
  const records = stages.flatMap(({ plan }) => plan?.dns.records ?? []);
  return records.flatMap((record) =>
    record.type === 'MX' && qualifyName(record.name, label).toLowerCase() === domain
      ? [qualifyName(record.exchange, label).toLowerCase()]
      : [],
  );
}

function attemptsIn(observations: readonly Observation[]): Observation[] {
  const closed = ofKind(observations, 'smtp-closed')
    .filter(({ how }) => how === CLOSED_WHILE_IDLE)
    .map(({ connection }) => connection);
  return observations.filter((seen) =>
    seen.kind === 'smtp-command'
      ? !KEEPING.includes(seen.verb) && !closed.includes(seen.connection)
      : seen.kind === 'dns-query' || seen.kind === 'smtp-connection',
  );
}

const KEEPING: readonly string[] = ['RSET', 'NOOP', 'QUIT'];

/** The honest exchanger took it, for its recipient. */
function arrivalOf(
  observations: readonly Observation[],
  token: string,
): Seen<'message-accepted'> | undefined {
  return arrivalsOf(observations, token)[0];
}

/** Each time that the honest exchanger took it, for its recipient. */
function arrivalsOf(
  observations: readonly Observation[],
  token: string,
): Seen<'message-accepted'>[] {
  return ofKind(observations, 'message-accepted').filter(
    (seen) =>
      seen.tokens.includes(token) &&
      !isHome(seen.mx) &&
      seen.rcptTo.some((recipient) => recipient.toLowerCase().includes(token)),
  );
}

/**
 * DSNs that came home for the message and say that it failed. RFC 3464 §2.3.3: an action other than
 * `failed` is no bounce, however much a warning of delay looks like one; a notice in some form of
 * its own names no action.
 */
export function bouncesOf(
  observations: readonly Observation[],
  token: string,
): Seen<'message-accepted'>[] {
  return noticesOf(observations, token).filter(({ mailFrom }) => mailFrom === '');
}

/** The same, whatever the reverse-path. */
export function noticesOf(
  observations: readonly Observation[],
  token: string,
): Seen<'message-accepted'>[] {
  const status = ofKind(observations, 'sender-status').findLast((seen) => seen.token === token);
  const isLonger = (seen: Observation) =>
    status?.status === 'bounced' &&
    // In a later step: in its own the queue may be run while the log is behind.
    observations.some(
      (one) => STARTS_A_TRY.includes(one.kind) && one.step > seen.step && isBefore(one, status),
    );
  return ofKind(observations, 'message-accepted').filter(
    (seen) =>
      isHome(seen.mx) &&
      seen.tokens.includes(token) &&
      (seen.dsnFailed?.includes(token) ?? isAboutAll(seen)) &&
      // One in free text, after which the message was kept for longer, told of a delay.
      !(seen.dsnAction === undefined && isLonger(seen)),
  );
}

const STARTS_A_TRY: readonly Observation['kind'][] = ['queue-flushed', 'time-advanced'];

/** A notice that names no recipient is of one message; of several recipients it says nothing. */
function isAboutAll({ tokens, dsnAction = 'failed' }: Seen<'message-accepted'>): boolean {
  return dsnAction === 'failed' && tokens.length === 1;
}

// ---- time ----

/** An optional advance that this sender cannot do: no time has passed. */
export function isPassedOver({ trial }: StepView, index: number): boolean {
  const { observations } = trial.evidence;
  return (
    trial.scenario.stages[index]?.step.kind === 'advance' &&
    !ofKind(observations, 'time-advanced').some(({ step }) => step === index)
  );
}

// ---- where the sender went ----

/** In this step, connections to MX hosts. */
export function connectionsTo(view: StepView): Seen<'smtp-connection'>[] {
  return ofKind(view.now, 'smtp-connection');
}

/** MX look-ups for one of the domains. */
export function mxLookups(
  observations: readonly Observation[],
  domains: readonly string[],
): Seen<'dns-query'>[] {
  const queries = ofKind(observations, 'dns-query');
  const names = domains.flatMap((domain) => namesOf(queries, domain));
  return queries.filter((seen) => seen.type === 'MX' && names.includes(plainName(seen.name)));
}

/**
 * Look-ups of the domains themselves that got no answer: some senders ask whether a domain is an alias, or
 * has an address, before they ask for its MX.
 */
export function failedLookups(
  observations: readonly Observation[],
  domains: readonly string[],
): Seen<'dns-query'>[] {
  return ofKind(observations, 'dns-query').filter(
    ({ name, answer }) => domains.includes(plainName(name)) && !isDnsAnswer(answer),
  );
}

/** There are such records, or there are none. */
export function isDnsAnswer(answer: string): boolean {
  return /^(NOERROR|NXDOMAIN)\b/.test(answer);
}

/**
 * RFC 8461 §5: "first checked for the presence of a new policy". §3.3 has a sender ask no more
 * often than every five minutes for one id, so that a look within that time is one.
 */
export const LOOK_LASTS_SECONDS = 5 * 60;

/** TXT look-ups before this, so late that they tell whether there is a new policy. */
export function looksBefore(view: StepView, sign: Observation): Seen<'dns-query'>[] {
  return stsLookups(view.whole, view.domains).filter(
    (lookup) =>
      isBefore(lookup, sign) && senderSeconds(view.whole, lookup, sign) <= LOOK_LASTS_SECONDS,
  );
}

/**
 * RFC 8461 §3.3: as this step's record was looked up, a fetch had just failed, in a world that offered no
 * policy to every sound sender. Who fails by itself may not leave it at that.
 */
export function isLeftAlone({ trial, whole, domains }: StepView, index: number): boolean {
  const { stages } = trial.scenario;
  const [look] = stsLookups(
    whole.filter(({ step }) => step === index),
    domains,
  );
  return domains.some((domain) => {
    const failed = look && failedJustBefore(whole, domain, look);
    const plan = stages.findLast((stage, nth) => failed && nth <= failed.step && stage.plan)?.plan;
    return plan !== undefined && offeredPolicy(plan, VICTIM) === undefined;
  });
}

/** The sender held a policy to be enforced on this message when this was seen. */
export function isEnforced(view: StepView, token: string, sign: Observation): boolean {
  return policyDomains(view.history, [token]).some(
    (domain) => heldPolicy(view.history, domain, sign)?.policy.mode === 'enforce',
  );
}

/** What became of the mail under the same fault without a policy; undefined: it was not tried. */
export function outcomeUnprotected({ trial, index }: StepView): Outcome['kind'] | undefined {
  const unprotected = inLeg(trial.evidence.observations, 'unprotected', index);
  // The last is the one under the fault; an honest one may have gone before.
  const attacked = ofKind(unprotected, 'message-submitted').at(-1);
  return attacked && outcomeOf(unprotected, attacked.token).kind;
}

/** Whether the same fault stopped the mail without a policy too. */
export function isRefusedUnprotected(view: StepView): boolean {
  const outcome = outcomeUnprotected(view);
  return outcome === 'deferred' || outcome === 'bounced';
}

/**
 * In the world with the same fault and no policy the sender came to an MX: it was the policy that
 * kept it from one here.
 */
export function comesUnprotected({ trial, index }: StepView): boolean {
  const unprotected = inLeg(trial.evidence.observations, 'unprotected', index);
  const attacked = ofKind(unprotected, 'message-submitted').at(-1);
  return (
    attacked !== undefined &&
    ofKind(unprotected, 'smtp-connection').some(
      (seen) => !isBefore(seen, attacked) && !isHome(seen.mx),
    )
  );
}
