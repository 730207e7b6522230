/**
 * REQUIRETLS (RFC 8689) as evidence has it: what passed of messages that ask for it, where §2 and
 * §4.2.1 do not allow it. No policy's mode matters here; the author of the message has asked.
 */

import { isPermittedMx } from '../protocol/mx-match.ts';
import { parsePath } from '../protocol/smtp.ts';
import { exchangersOf } from './changes.ts';
import { mxLookups, outcomeIn, policyDomains, type StepView } from './evidence.ts';
import { heldPolicy } from './held-policy.ts';
import { daneState, heldTlsa } from './held-tlsa.ts';
import type { Leg, Observation } from './observation.ts';
import { VICTIM } from './plan.ts';
import {
  isAnonymous,
  isBefore,
  isHome,
  ofKind,
  type Part,
  type Seen,
  type Session,
  sessionsOf,
  type Transaction,
  tokensNamed,
  transactionsOf,
} from './traffic.ts';
import type { Harm, Trial } from './verdict.ts';

/** A part of a message that asks for REQUIRETLS, and why it should not have passed. */
export interface Lapse {
  readonly part: Part;
  readonly tokens: readonly string[];
  readonly why: string;
  readonly requirement: string;
  /** None: the channel was good, and only the parameter is missing. */
  readonly harm?: Harm;
}

/** All that passed of such messages in a leg, in the order in which it passed. */
export function lapsesOf(trial: Trial, leg: Leg): Lapse[] {
  const observations = trial.evidence.observations.filter((seen) => seen.leg === leg);
  const asking = ofKind(observations, 'message-submitted').filter((seen) => seen.requiretls);
  if (asking.length === 0) return [];
  const tokens = asking.map(({ token }) => token);
  return sessionsOf(observations).flatMap((session) =>
    transactionsOf([session]).flatMap((transaction) => {
      if (isHome(session.mx)) return [];
      const named = tokensNamed(transaction, tokens);
      const own = named.length > 0 ? [named] : asksUnnamed(transaction, observations);
      return transaction.parts.flatMap((part) => {
        const reasons = own.map((one) =>
          reasonAgainst(part, { observations, session, transaction, named: one }),
        );
        const [reason] = reasons;
        if (!reason || reasons.includes(undefined)) return [];
        const { isGoodChannel, ...told } = reason;
        const harm = isGoodChannel ? {} : { harm: harmOf(part) };
        return { part, tokens: own.flat(), ...told, ...harm };
      });
    }),
  );
}

/**
 * Whose a transaction may be that names nobody, and yet asks for REQUIRETLS: each of the messages that
 * ask, by itself.
 */
function asksUnnamed(transaction: Transaction, observations: readonly Observation[]): string[][] {
  const [mail] = transaction.parts;
  if (!isAnonymous(transaction) || mail?.kind !== 'smtp-command' || !asksForTls(mail)) return [];
  return ofKind(observations, 'message-submitted').flatMap((seen) =>
    seen.requiretls && isBefore(seen, mail) ? [[seen.token]] : [],
  );
}

/** Content first, and what is exposed before what only lacks the parameter. */
export function worstLapse(lapses: readonly Lapse[]): Lapse | undefined {
  const weight = ({ harm }: Lapse) =>
    harm === 'clear' ? 3 : harm === 'content' ? 2 : harm === undefined ? 1 : 0;
  return lapses.toSorted((a, b) => weight(b) - weight(a))[0];
}

function harmOf(part: Part): Harm {
  if (part.kind !== 'smtp-data') return 'envelope';
  return part.secure ? 'content' : 'clear';
}

/** MAIL, with this parameter. */
export function asksForTls({ line }: Pick<Seen<'smtp-command'>, 'line'>): boolean {
  const path = parsePath(line.replace(/^MAIL\s+/i, ''));
  return path.ok && [...path.value.parameters.keys()].some((key) => /^REQUIRETLS$/i.test(key));
}

/**
 * RFC 8689 §2 has a policy, or DNSSEC, vouch for the host, and does not say how much of either: to some
 * senders a policy in mode testing is too little, or signed MX records without TLSA records that can be used.
 * They call nobody, and return the message. The sign of that; undefined: it is not so.
 */
export function returnedUncalled(view: StepView, token: string): Observation | undefined {
  const { history, stage } = view;
  const outcome = outcomeIn(view, token);
  const submitted = ofKind(history, 'message-submitted').findLast((seen) => seen.token === token);
  if (!submitted?.requiretls || outcome.kind !== 'bounced' || !stage.plan) return undefined;
  const { by } = outcome;
  const isCalled = history.some(
    (seen) =>
      (seen.kind === 'smtp-connection' || seen.kind === 'smtp-command') &&
      !isHome(seen.mx) &&
      isBefore(submitted, seen) &&
      isBefore(seen, by),
  );
  if (isCalled) return undefined;
  const hosts = exchangersOf(stage.plan.dns, VICTIM).map((mx) => view.qualified(mx));
  const isVouchedForAndNoMore = policyDomains(history, [token]).every((domain) => {
    const policy = heldPolicy(history, domain, by)?.policy;
    const isSigned = mxLookups(history, [domain]).findLast(({ ad }) => ad !== undefined)?.ad;
    const isUsable = hosts.some((mx) => heldTlsa(history, domain, mx, by)?.kind === 'usable');
    const isPermitted = hosts.some((mx) => policy && isPermittedMx(policy.mx, mx));
    if (policy?.mode === 'testing' && isPermitted) return !isUsable;
    return policy === undefined && isSigned === true && !isUsable;
  });
  return isVouchedForAndNoMore ? by : undefined;
}

/** The last EHLO reply before this offers the keyword, as the sender was told it. */
export function isOffered({ seen }: Pick<Session, 'seen'>, before: Observation): boolean {
  const replies = ofKind(seen.slice(0, seen.indexOf(before)), 'smtp-reply');
  const last = replies.findLast(({ to }) => to === 'EHLO' || to === 'HELO');
  return last?.to === 'EHLO' && /^250[ -]REQUIRETLS\s*$/im.test(last.reply);
}

interface Circumstances {
  readonly observations: readonly Observation[];
  readonly session: Session;
  readonly transaction: Transaction;
  /** Its recipients that asked, by their tokens. */
  readonly named: readonly string[];
}

type Reason = Pick<Lapse, 'why' | 'requirement'> & { readonly isGoodChannel?: boolean };

/** §2: each condition on the session, in the order in which a sender comes to know of it. */
function reasonAgainst(part: Part, circumstances: Circumstances): Reason | undefined {
  const { session, transaction } = circumstances;
  const conditions = '8689-2-session-conditions';
  if (!isVouchedFor(part, circumstances))
    return {
      why: 'to a host that neither a policy nor DNSSEC vouches for',
      requirement: '8689-4.2.1-mx-validate',
    };
  if (!part.secure) return { why: 'in clear', requirement: conditions };
  if (!part.authenticated && !mayBeVerified(part, circumstances)) {
    const isNamed = !WRONG_NAMES.includes(session.handshake?.certificate ?? '');
    return {
      why: 'over unauthenticated TLS',
      requirement: isNamed ? conditions : '8689-4.2.1-name-match',
    };
  }
  const [mail] = transaction.parts;
  if (!isOffered(session, mail!))
    return { why: 'to a host that does not offer REQUIRETLS', requirement: conditions };
  // What names a recipient beside a transaction, as VRFY does, has no parameter to ask by.
  const isAsked = mail?.kind !== 'smtp-command' || mail.verb !== 'MAIL' || asksForTls(mail);
  return isAsked
    ? undefined
    : { why: 'without the parameter REQUIRETLS', requirement: conditions, isGoodChannel: true };
}

/** Profiles of certificates that are right in all but the name. */
const WRONG_NAMES: readonly string[] = [
  'wrong-name',
  'other-listed-mx',
  'recipient-domain',
  'common-name-right',
  'common-name-wrong',
  'ip-address-only',
  'wildcard-too-high',
  'wildcard-partial',
  'wildcard-inner',
  'wildcard-below',
  'longer-name',
  'name-of-another-type',
  'nul-in-name',
];

/**
 * §2: the name of the MX is validated by a policy of the recipient domain (RFC 8461 §4.1), of
 * whatever mode, or by DNSSEC.
 */
function isVouchedFor(part: Part, { observations, transaction, named }: Circumstances): boolean {
  return policyDomains(observations, named).every((domain) => {
    const held = [transaction.after, part].map((when) => heldPolicy(observations, domain, when));
    return (
      held.some((one) => one && isPermittedMx(one.policy.mx, part.mx)) ||
      // Of those that ask about DNSSEC the last one counts.
      mxLookups(observations, [domain]).findLast(({ ad, at }) => ad !== undefined && at <= part.at)
        ?.ad === true
    );
  });
}

/**
 * §2, §4.2.1: verified by DANE as well, and by a name that is only the subject's (CN-ID), which
 * RFC 8461 §4.2 does not allow.
 */
function mayBeVerified(
  { secure }: Part,
  { observations, session, transaction, named }: Circumstances,
): boolean {
  const [began] = transaction.parts;
  return (
    session.handshake?.certificate === 'common-name-only' ||
    policyDomains(observations, named).every(
      (domain) =>
        daneState(observations, domain, session, began!, secure).state === 'authenticated',
    )
  );
}
