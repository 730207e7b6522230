/**
 * Reading evidence: small pure views that expectations share. Nothing here grades.
 */

import { isPermittedMx } from '../protocol/mx-match.ts';
import { heldPolicy, policyAgainst, senderSeconds, stsLookups } from './held-policy.ts';
import { daneState, type HeldTlsa } from './held-tlsa.ts';
import { labelOf, nextHopOf, qualifyName } from './names.ts';
import { CLOSED_WHILE_IDLE, type Leg, type Observation } from './observation.ts';
import { SENDER_DOMAIN, VICTIM } from './plan.ts';
import type { Scenario, Step } from './scenario.ts';
import type { Stage } from './stage.ts';
import {
  dialogueOf,
  isAnonymous,
  isBefore,
  isHome,
  ofKind,
  type Part,
  type Seen,
  sessionsOf,
  type Transaction,
  tokensNamed,
  transactionsOf,
} from './traffic.ts';
import type { Exposure, Harm, Trial } from './verdict.ts';

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
  // A notice in free text beside a log that says "deferred" may be a warning of delay.
  const returned = bouncesOf(observations, token).find(
    (dsn) => dsn.dsnAction !== undefined || status?.status !== 'deferred',
  );
  const givenUp = status?.status === 'bounced' ? status : undefined;
  const signs = [returned, givenUp].filter((sign) => sign !== undefined);
  if (signs.length > 0) {
    // Log and DSN come by two ways, in either order.
    const [first] = signs.sort((a, b) => a.at - b.at);
    return { kind: 'bounced', by: first! };
  }
  if (status?.status === 'deferred') return { kind: 'deferred', by: status };
  const listed = ofKind(observations, 'queue-listed').findLast(({ tokens }) =>
    tokens.includes(token),
  );
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
function mxHostsOf({ stages }: Scenario, domain: string): string[] {
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
  return ofKind(observations, 'message-accepted').filter(
    (seen) =>
      isHome(seen.mx) &&
      seen.tokens.includes(token) &&
      (seen.dsnFailed?.includes(token) ?? isAboutAll(seen)),
  );
}

/** A notice that names no recipient is of one message; of several recipients it says nothing. */
function isAboutAll({ tokens, dsnAction = 'failed' }: Seen<'message-accepted'>): boolean {
  return dsnAction === 'failed' && tokens.length === 1;
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
  return ofKind(observations, 'dns-query').filter(
    (seen) => seen.type === 'MX' && domains.includes(seen.name.toLowerCase()),
  );
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

// ---- who saw what ----

/** A part of a message that passed over a channel that was no good, and what was against it. */
export interface Breach {
  readonly part: Part;
  /** By what the sender knew: the policy that it had fetched, or the answer about TLSA records. */
  readonly basis: Observation;
  /** The policy may not have counted any more. */
  readonly inDoubt: boolean;
  readonly requirement: string;
}

/** What a breach does to the sender's user. */
export function harmOf({ part, inDoubt }: Breach): Harm {
  if (part.kind !== 'smtp-data') return 'envelope';
  return part.secure || inDoubt ? 'content' : 'clear';
}

/** The worst first: content before envelopes, in clear before in TLS, proved before in doubt. */
export function byHarm(a: Breach, b: Breach): number {
  const weight = ({ part, inDoubt }: Breach) =>
    (inDoubt ? 0 : 4) + (part.kind === 'smtp-data' ? 2 : 0) + (part.secure ? 0 : 1);
  return weight(b) - weight(a);
}

/** The worst that passed in this step against the policy held then. */
export function worstBreach(view: StepView): Breach | undefined {
  return breachesOf(view.whole)
    .filter(({ part }) => part.step === view.index)
    .sort(byHarm)[0];
}

/**
 * All that passed, in the whole of a leg, though the policy that the sender held by then, or the
 * TLSA records that it knew of, forbade it. Mail that is none of ours does not count: reports have
 * to be delivered in spite of failing TLS (RFC 8460 §3).
 */
export function breachesOf(leg: readonly Observation[]): Breach[] {
  const all = tokensSubmitted(leg);
  const tokens = all.filter((token) => !isTlsOptional(leg, token));
  const daneOf = daneStates(leg);
  return transactionsOf(sessionsOf(leg)).flatMap((transaction) => {
    const named = tokensNamed(transaction, tokens);
    const domains = policyDomains(leg, named.length > 0 ? named : tokens);
    const began = attemptBegan(leg, transaction.after);
    const held = domains.flatMap((domain) => {
      const before = heldPolicy(leg, domain, began);
      return before ? [{ domain, before }] : [];
    });
    // Of a message that names nobody it is not known whose it was, unless all are under a policy.
    const isBound = (protectedDomains: number) =>
      named.length > 0 ||
      (mayBeOurs(leg, transaction) &&
        protectedDomains === domains.length &&
        tokens.length === all.length);
    return transaction.parts.flatMap((part): Breach[] => {
      if (isHome(part.mx)) return [];
      const dane = domains.map((domain) => daneOf(domain, transaction, part));
      const broken = dane.flatMap(({ state, held }) => (state === 'broken' && held ? [held] : []));
      if (broken[0] && isBound(broken.length)) return [{ part, ...daneBreach(broken[0], part) }];
      // RFC 8461 §2: MTA-STS saves no host that fails DANE. Who passes DANE has nothing to fear.
      if (!isBound(held.length) || dane.some(({ state }) => state === 'authenticated')) return [];
      const against = held.flatMap(
        ({ domain, before }) => policyAgainst(leg, domain, before, part) ?? [],
      );
      return against.slice(0, 1).map(({ fetch, inDoubt }) => ({
        part,
        basis: fetch,
        inDoubt,
        requirement: '8461-4-check-all',
      }));
    });
  });
}

/**
 * When the attempt began that a connection is of: as the first of its connections was opened. RFC
 * 8461 §5.1 lets a sender fetch the policy beside the delivery, and what began without one may go on
 * without: at the next host, or at the same host in clear. Who has put the message off, and comes to
 * the same address again, is at another attempt. Where mail of the leg is for several domains, nobody
 * knows whose the first connection was.
 */
export function attemptBegan(leg: readonly Observation[], opened: Observation): Observation {
  const domains = policyDomains(leg, tokensSubmitted(leg));
  if (opened.kind !== 'smtp-connection' || domains.length > 1) return opened;
  const earlier = leg.filter((seen) => isBefore(seen, opened));
  const lookups = new Set<Observation>(mxLookups(earlier, domains));
  const came = earlier.findLastIndex(
    (seen) =>
      seen.kind === 'smtp-connection' && seen.mx === opened.mx && seen.address === opened.address,
  );
  const start = earlier.findLastIndex(
    (seen, index) =>
      BEGINNINGS.includes(seen.kind) ||
      lookups.has(seen) ||
      (seen.kind === 'sender-status' && came !== -1 && index > came),
  );
  const connections = ofKind(earlier.slice(start + 1), 'smtp-connection');
  return connections.find(({ mx }) => !isHome(mx)) ?? opened;
}

const BEGINNINGS: readonly Observation['kind'][] = [
  'step-started',
  'message-submitted',
  'queue-flushed',
];

/**
 * It names nobody, and could be of any message. Once a sender was asked for its reports there is
 * mail of its own as well: then it takes a reverse-path of the domain that ours are from, whatever
 * the sender has made of the local part.
 */
function mayBeOurs(leg: readonly Observation[], transaction: Transaction): boolean {
  if (!isAnonymous(transaction)) return false;
  const [mail] = transaction.parts;
  const asked = ofKind(leg, 'reports-asked-for')[0];
  if (!asked || !mail || isBefore(mail, asked)) return true;
  const line = mail.kind === 'smtp-command' ? mail.line.toLowerCase() : '';
  return ofKind(leg, 'message-submitted').some(({ from }) =>
    line.includes(`${from.slice(from.lastIndexOf('@')).toLowerCase()}>`),
  );
}

function daneBreach({ kind, lookup }: HeldTlsa, { secure }: Part): Omit<Breach, 'part'> {
  const requirement =
    kind === 'failed'
      ? '7672-2.1.2-tlsa-error-unreachable'
      : secure
        ? '7672-3.2-auth'
        : '7672-2.2.3-starttls-commit';
  return { basis: lookup, inDoubt: false, requirement };
}

/** How DANE stands with the parts of a leg's transactions, by the recipient's domain. */
function daneStates(leg: readonly Observation[]) {
  // Most senders never ask.
  const asks = leg.some((seen) => seen.kind === 'dns-query' && seen.type === 'TLSA');
  const sessions = new Map(
    asks ? sessionsOf(leg).map((session) => [session.connection, session]) : [],
  );
  return (
    domain: string,
    { connection, after }: Pick<Transaction, 'connection' | 'after'>,
    { secure }: Pick<Part, 'secure'>,
  ): ReturnType<typeof daneState> => {
    const session = sessions.get(connection);
    return session ? daneState(leg, domain, session, after, secure) : { state: 'none' };
  };
}

/** The message arrived over TLS that a TLSA record vouches for. */
export function isDaneAuthenticated(
  leg: readonly Observation[],
  domain: string,
  accepted: Seen<'message-accepted'>,
): boolean {
  const transaction = transactionsOf(sessionsOf(leg)).findLast(
    ({ connection, after }) => connection === accepted.connection && isBefore(after, accepted),
  );
  return (
    transaction !== undefined &&
    daneStates(leg)(domain, transaction, accepted).state === 'authenticated'
  );
}

/**
 * RFC 8689 §3, §4.1: the author has asked that policies be ignored, and for REQUIRETLS not. Only
 * senders that declare it are asked to carry such a message.
 */
function isTlsOptional(observations: readonly Observation[], token: string): boolean {
  return ofKind(observations, 'message-submitted').some(
    (seen) => seen.token === token && seen.tlsRequired === 'no' && !seen.requiretls,
  );
}

/**
 * MAIL, RCPT and content of the messages of these domains that passed, in this step, where no
 * permitted, authenticated MX was listening, policy or not: what an attacker got. A bare connect
 * and EHLO is nothing.
 */
export function exposedBy(view: StepView): { exposure: Exposure; because: Observation[] } {
  const tokens = tokensSubmitted(view.history);
  const ours = tokens.filter((token) =>
    policyDomains(view.history, [token]).some((domain) => view.domains.includes(domain)),
  );
  const daneOf = daneStates(view.history);
  const isOpen = (transaction: Transaction, part: Part) => {
    const states = view.domains.map((domain) => daneOf(domain, transaction, part).state);
    if (states.includes('broken')) return true;
    const isVerified = part.authenticated && isPermittedMx(view.permittedMx, part.mx);
    return !isVerified && !states.includes('authenticated');
  };
  const open = transactionsOf(sessionsOf(view.history))
    .filter(
      (one) =>
        tokensNamed(one, ours).length > 0 ||
        (mayBeOurs(view.history, one) &&
          tokensSubmitted(view.now).every((token) => ours.includes(token))),
    )
    .flatMap((one) => one.parts.filter((part) => part.step === view.index && isOpen(one, part)));
  const worst = open.find((part) => part.kind === 'smtp-data') ?? open[0];
  if (!worst) return { exposure: 'none', because: [] };
  return {
    exposure: worst.kind === 'smtp-data' ? 'content' : 'envelope',
    because: dialogueOf(view.history, worst.connection),
  };
}
