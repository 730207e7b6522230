/**
 * Who saw what: parts of messages that passed over a channel that was no good. Nothing here grades.
 */

import { isPermittedMx } from '../protocol/mx-match.ts';
import { mxLookups, outcomeOf, policyDomains, type StepView, tokensSubmitted } from './evidence.ts';
import { forbids, heldPolicy, policyAgainst } from './held-policy.ts';
import { daneState, type HeldTlsa } from './held-tlsa.ts';
import type { Observation } from './observation.ts';
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
  transactionOf,
  transactionsOf,
} from './traffic.ts';
import type { Exposure, Harm } from './verdict.ts';

/** A part of a message that passed over a channel that was no good, and what was against it. */
export interface Breach {
  readonly part: Part;
  /** By what the sender knew: the policy that it had fetched, or the answer about TLSA records. */
  readonly basis: Observation;
  /** Why the policy may not have counted. */
  readonly doubt?: string;
  readonly requirement: string;
}

/** What a breach does to the sender's user. */
export function harmOf({ part, doubt }: Breach): Harm {
  if (part.kind !== 'smtp-data') return 'envelope';
  return part.secure || doubt !== undefined ? 'content' : 'clear';
}

/** The worst first: content before envelopes, in clear before in TLS, proved before in doubt. */
export function byHarm(a: Breach, b: Breach): number {
  const weight = ({ part, doubt }: Breach) =>
    (doubt ? 0 : 4) + (part.kind === 'smtp-data' ? 2 : 0) + (part.secure ? 0 : 1);
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
    const isNamed = named.length > 0;
    const own = isNamed ? named : mayBeFor(leg, transaction);
    // Of a message that names nobody it is not known whose it was, unless none may go there.
    if (own.length === 0 || own.some((token) => !tokens.includes(token))) return [];
    const domains = policyDomains(leg, own);
    const began = attemptBegan(leg, transaction, isNamed ? { named } : { maybe: own });
    const isBound = (protectedDomains: number) => isNamed || protectedDomains === domains.length;
    return transaction.parts.flatMap((part): Breach[] => {
      if (isHome(part.mx)) return [];
      const dane = domains.map((domain) => daneOf(domain, transaction, part));
      const broken = dane.flatMap(({ state, held }) => (state === 'broken' && held ? [held] : []));
      if (broken[0] && isBound(broken.length)) return [{ part, ...daneBreach(broken[0], part) }];
      // RFC 8461 §2: MTA-STS saves no host that fails DANE. Who passes DANE has nothing to fear.
      if (dane.some(({ state }) => state === 'authenticated')) return [];
      const against = domains.flatMap((domain) => boundBy(leg, domain, began, part) ?? []);
      return isBound(against.length)
        ? against.slice(0, 1).map((bound) => ({ part, ...bound, requirement: '8461-4-check-all' }))
        : [];
    });
  });
}

/** What forbade that a part passed in an attempt, and why that may not have counted. */
export function boundBy(
  leg: readonly Observation[],
  domain: string,
  { earliest, latest }: Began,
  part: Pick<Part, 'at' | 'mx' | 'authenticated'>,
): (Pick<Breach, 'doubt'> & { readonly basis: Seen<'policy-request'> }) | undefined {
  const surely = policyAgainst(leg, domain, heldPolicy(leg, domain, earliest), part);
  const against = surely ?? policyAgainst(leg, domain, heldPolicy(leg, domain, latest), part);
  if (!against) return undefined;
  if (!surely) return { basis: against.fetch, doubt: 'the attempt may have begun before it came' };
  const isReplaced = against.rivals.some((policy) => !forbids({ policy }, part));
  return { basis: against.fetch, ...(isReplaced && { doubt: REPLACED }) };
}

const REPLACED = 'what was fetched since is one by some readings';

/** Where an attempt began, as far as that is known: one of these, or in between. */
export interface Began {
  readonly earliest: Observation;
  readonly latest: Observation;
}

/** Whose messages a transaction carried; where it names none, whose it may have. */
type Whose =
  | { readonly named: readonly string[]; readonly maybe?: undefined }
  | { readonly maybe: readonly string[]; readonly named?: undefined };

/**
 * When the attempt began that a transaction is of: as the first of its connections was opened. By RFC
 * 8461 §5.1 a sender has a policy, or has none, before it goes through the candidates, and may fetch
 * one beside that: what began without may end without, at the next host, or at the same host in clear.
 * No attempt is older than its message, however old the connection is. Over one that has carried
 * another message nobody knows whether the sender has thought again since.
 */
export function attemptBegan(
  leg: readonly Observation[],
  transaction: Pick<Transaction, 'connection' | 'after' | 'parts'>,
  { named, maybe }: Whose,
): Began {
  const tokens = named ?? [];
  const opened =
    ofKind(leg, 'smtp-connection').find(
      ({ connection }) => connection === transaction.connection,
    ) ?? transaction.after;
  const mail = transaction.parts[0] ?? transaction.after;
  const submissions = ofKind(leg, 'message-submitted').filter(({ token }) =>
    (named ?? maybe).includes(token),
  );
  const submitted = named ? submissions.at(-1) : submissions[0];
  const isOlder = submitted !== undefined && isBefore(opened, submitted);
  const before = transactionsOf(sessionsOf(leg)).filter(
    ({ connection, parts }) => connection === transaction.connection && isBefore(parts[0]!, mail),
  );
  const isOwn = (one: Transaction) => isAnonymous(one) || tokensNamed(one, tokens).length > 0;
  /** The queue is run, time has passed, or the message was put off after a try over this connection. */
  const isAnew = (seen: Observation) => {
    if (seen.kind !== 'sender-status') return ANEW.includes(seen.kind);
    if (seen.status !== 'deferred' || !tokens.includes(seen.token)) return false;
    const isTried = isOlder || before.some((one) => isOwn(one) && isBefore(one.parts[0]!, seen));
    return isTried && !isMaybeLate(seen, leg);
  };
  const start = isOlder ? submitted : opened;
  const anew = leg.findLast(
    (seen) => isBefore(start, seen) && isBefore(seen, mail) && isAnew(seen),
  );
  if (isOlder) return { earliest: anew ?? submitted, latest: mail };
  if (anew && before.length > 0) return { earliest: anew, latest: mail };
  const began = attemptOf(leg, opened, tokens);
  // A message may go to its recipients one after the other.
  const isOfSame = ({ tokens: borne }: Seen<'smtp-data'>, one: Transaction) =>
    tokensNamed(one, tokens).length === 0 && borne.some((token) => tokens.includes(token));
  const hasCarried = before.some((one) =>
    ofKind(one.parts, 'smtp-data').some((content) => !isOfSame(content, one)),
  );
  return anew || hasCarried ? { ...began, latest: mail } : began;
}

/** When the attempt began that a connection is of, as it was opened. `tokens`: what it was for. */
function attemptOf(
  leg: readonly Observation[],
  opened: Observation,
  tokens: readonly string[],
): Began {
  if (opened.kind !== 'smtp-connection') return { earliest: opened, latest: opened };
  const earlier = leg.filter((seen) => isBefore(seen, opened));
  const all = tokensSubmitted(earlier);
  const own = tokens.length > 0 || all.length > 1 ? tokens : all;
  const open = all.filter((token) => own.includes(token) || !isSettled(earlier, token));
  const domains = policyDomains(earlier, open);
  const lookups = new Set<Observation>(mxLookups(earlier, domains));
  const elsewhere = new Set<Observation>(
    sessionsOf(earlier)
      .filter((session) => {
        const named = transactionsOf([session]).flatMap((one) => tokensNamed(one, all));
        return named.length > 0 && !named.some((token) => own.includes(token));
      })
      .map((session) => session.opened),
  );
  const called = (seen: Observation) =>
    seen.kind === 'smtp-connection' && seen.mx === opened.mx && seen.address === opened.address;
  const came = earlier.findLastIndex(called);
  /** A beginning, of this message or of another; undefined: none. */
  const begins = (seen: Observation, index: number): 'surely' | 'maybe' | undefined => {
    if (seen.step !== opened.step || ANEW.includes(seen.kind)) return 'surely';
    if (seen.kind === 'message-submitted') return own.includes(seen.token) ? 'surely' : undefined;
    // It may rest in the middle of an attempt.
    if (seen.kind === 'queue-listed')
      return own.some((token) => seen.tokens.includes(token)) ? 'maybe' : undefined;
    // A policy daemon, or a second resolver, may have asked.
    if (lookups.has(seen)) return 'maybe';
    // Who has put the message off, and comes to the same address again, is at another attempt.
    if (seen.kind === 'sender-status' && own.includes(seen.token) && index > came && came !== -1)
      return isMaybeLate(seen, earlier) ? 'maybe' : 'surely';
    return undefined;
  };
  const first = (words: readonly unknown[]) => {
    const start = earlier.findLastIndex((seen, index) => words.includes(begins(seen, index)));
    const connections = ofKind(earlier.slice(start + 1), 'smtp-connection');
    return connections.find((seen) => !isHome(seen.mx) && !elsewhere.has(seen)) ?? opened;
  };
  return {
    earliest: first(['surely']),
    // Nobody knows which of the domains a connection was for.
    latest: domains.length > 1 ? opened : first(['surely', 'maybe']),
  };
}

/** After these, what is tried is tried anew. */
const ANEW: readonly Observation['kind'][] = [
  'step-started',
  'queue-flushed',
  'time-advanced',
  'sender-restarted',
  'policies-refreshed',
];

/** The first word since the queue was run may be about the attempt before. */
function isMaybeLate(status: Seen<'sender-status'>, earlier: readonly Observation[]): boolean {
  const flushed = ofKind(earlier, 'queue-flushed').findLast((seen) => isBefore(seen, status));
  return (
    flushed !== undefined &&
    !ofKind(earlier, 'sender-status').some(
      (seen) => seen.token === status.token && !isBefore(seen, flushed) && isBefore(seen, status),
    )
  );
}

const isSettled = (observations: readonly Observation[], token: string): boolean =>
  ['delivered', 'bounced'].includes(outcomeOf(observations, token).kind);

/**
 * Whose a transaction may be that names nobody: any message's that was there by then and on its way, none
 * where it is surely another's. Once a sender was asked for its reports there is mail of its own as well: then
 * it takes a reverse-path of the domain that ours are from, whatever the sender has made of the
 * local part.
 */
function mayBeFor(leg: readonly Observation[], transaction: Transaction): string[] {
  const [mail] = transaction.parts;
  if (!mail || !isAnonymous(transaction)) return [];
  const earlier = leg.filter((seen) => isBefore(seen, mail));
  const submitted = ofKind(earlier, 'message-submitted');
  const all = submitted.map(({ token }) => token);
  const said = ofKind(earlier, 'sender-status').filter(({ status }) => status === 'delivered');
  const isOver = (token: string) =>
    isSettled(earlier, token) || said.some((status) => status.token === token);
  const open = all.filter((token) => !isOver(token));
  const tokens = open.length > 0 ? open : all;
  const asked = ofKind(leg, 'reports-asked-for')[0];
  if (!asked || isBefore(mail, asked)) return tokens;
  const line = mail.kind === 'smtp-command' ? mail.line.toLowerCase() : '';
  const isOurs = submitted.some(({ from }) =>
    line.includes(`${from.slice(from.lastIndexOf('@')).toLowerCase()}>`),
  );
  return isOurs ? tokens : [];
}

function daneBreach({ kind, lookup }: HeldTlsa, { secure }: Part): Omit<Breach, 'part'> {
  const requirement =
    kind === 'failed'
      ? '7672-2.1.2-tlsa-error-unreachable'
      : secure
        ? '7672-3.2-auth'
        : '7672-2.2.3-starttls-commit';
  return { basis: lookup, requirement };
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
    { connection, parts }: Pick<Transaction, 'connection' | 'parts'>,
    { secure }: Pick<Part, 'secure'>,
  ): ReturnType<typeof daneState> => {
    const session = sessions.get(connection);
    return session ? daneState(leg, domain, session, parts[0]!, secure) : { state: 'none' };
  };
}

/** The message arrived over TLS that a TLSA record vouches for. */
export function isDaneAuthenticated(
  leg: readonly Observation[],
  domain: string,
  accepted: Seen<'message-accepted'>,
): boolean {
  const transaction = transactionOf(leg, accepted);
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
    .filter((one) => {
      if (tokensNamed(one, ours).length > 0) return true;
      const may = mayBeFor(view.history, one);
      return may.length > 0 && may.every((token) => ours.includes(token));
    })
    .flatMap((one) => one.parts.filter((part) => part.step === view.index && isOpen(one, part)));
  const worst = open.find((part) => part.kind === 'smtp-data') ?? open[0];
  if (!worst) return { exposure: 'none', because: [] };
  return {
    exposure: worst.kind === 'smtp-data' ? 'content' : 'envelope',
    because: dialogueOf(view.history, worst.connection),
  };
}
