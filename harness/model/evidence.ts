/**
 * Reading evidence: small pure views that expectations share. Nothing here grades.
 */

import { isPermittedMx } from '../protocol/mx-match.ts';
import { qualifyName } from './names.ts';
import type { Event, Leg, Observation } from './observation.ts';
import { POLICY_PATH, SENDER_MX, VICTIM } from './plan.ts';
import type { Step } from './scenario.ts';
import type { Exposure, Trial } from './verdict.ts';

export type Seen<K extends Event['kind']> = Extract<Observation, { kind: K }>;

/** One step of one trial, as an expectation sees it: the main leg only. */
export interface StepView {
  readonly trial: Trial;
  readonly index: number;
  readonly step: Step;
  /** What happened in this step. */
  readonly now: readonly Observation[];
  /** What happened up to the end of this step, it included. */
  readonly history: readonly Observation[];
  /** The whole leg, later steps too: what a sender that is late did in the end. */
  readonly whole: readonly Observation[];
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

/** What happened to one message. */
export type Outcome =
  | { readonly kind: 'delivered'; readonly accepted: Seen<'message-accepted'> }
  | { readonly kind: 'deferred' | 'bounced'; readonly by: Observation }
  | { readonly kind: 'pending' };

export function viewStep(trial: Trial, index: number): StepView {
  const whole = trial.evidence.observations.filter((seen) => seen.leg === 'main');
  const now = whole.filter((seen) => seen.step === index);
  const history = whole.filter((seen) => seen.step <= index);
  const before = whole.filter((seen) => seen.step < index);
  const started = ofKind(history, 'step-started').at(-1);
  const qualified = (name: string) => (started ? qualifyName(name, started.token) : name);
  const submitted = tokensSubmitted(now);
  const tokens =
    submitted.length > 0
      ? submitted
      : tokensSubmitted(before).filter((token) => outcomeOf(before, token).kind !== 'delivered');
  const domains = recipientDomains(history, tokens);
  return {
    trial,
    index,
    step: trial.scenario.steps[index]!,
    now,
    history,
    whole,
    tokens,
    domains: domains.length > 0 ? domains : [qualified(VICTIM)],
    qualified,
    permittedMx: started?.permittedMx ?? [],
  };
}

export function ofKind<K extends Event['kind']>(
  observations: readonly Observation[],
  kind: K,
): Seen<K>[] {
  return observations.filter((seen): seen is Seen<K> => seen.kind === kind);
}

export function inLeg(observations: readonly Observation[], leg: Leg, step: number): Observation[] {
  return observations.filter((seen) => seen.leg === leg && seen.step === step);
}

function tokensSubmitted(observations: readonly Observation[]): string[] {
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

/**
 * Delivered only if the honest exchanger accepted it; bounced if a DSN came home or the sender gave
 * up; else as the sender last said.
 */
export function outcomeOf(observations: readonly Observation[], token: string): Outcome {
  const arrived = ofKind(observations, 'message-accepted').find(
    (seen) =>
      seen.tokens.includes(token) &&
      !isSenderMx(seen.mx) &&
      seen.rcptTo.some((recipient) => recipient.toLowerCase().includes(token)),
  );
  if (arrived) return { kind: 'delivered', accepted: arrived };
  const status = ofKind(observations, 'sender-status').findLast((seen) => seen.token === token);
  const returned = bouncesOf(observations, token).find(
    (dsn) =>
      dsn.dsnAction !== undefined || !(status?.status === 'deferred' && status.seq > dsn.seq),
  );
  if (returned) return { kind: 'bounced', by: returned };
  if (status?.status === 'bounced') return { kind: 'bounced', by: status };
  if (status?.status === 'deferred') return { kind: 'deferred', by: status };
  return { kind: 'pending' };
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
  return ofKind(observations, 'message-accepted').filter(
    (seen) =>
      seen.mailFrom === '' &&
      isSenderMx(seen.mx) &&
      seen.tokens.includes(token) &&
      (seen.dsnAction ?? 'failed') === 'failed',
  );
}

/**
 * The policy came over authenticated HTTPS, whole, with status 200 (RFC 8461 §3.3), from the policy
 * host of one of the domains; default any.
 */
export function policyFetches(
  observations: readonly Observation[],
  domains?: readonly string[],
): Seen<'policy-request'>[] {
  return ofKind(observations, 'policy-request').filter(
    (seen) =>
      seen.scheme === 'https' &&
      seen.path === POLICY_PATH &&
      seen.status === 200 &&
      seen.complete &&
      seen.authenticated &&
      isAt('mta-sts', seen.host, domains),
  );
}

/**
 * The fetch that the sender lived on in this step: it asked for no TXT record of the domains, and
 * held their policy from an earlier step. RFC
 * 8461 §5.1 leaves it to the sender whether it looks for a newer policy while its own is live.
 */
export function keptToCache(view: StepView): Seen<'policy-request'> | undefined {
  if (stsLookups(view.now, view.domains).length > 0) return undefined;
  return policyFetches(view.history, view.domains).findLast((fetch) => fetch.step < view.index);
}

/** The domain has published something else since that step. */
export function hasPublishedSince(view: StepView, step: number): boolean {
  const published = (index: number) =>
    ofKind(view.history, 'step-started').findLast((seen) => seen.step <= index)?.policy;
  return JSON.stringify(published(step)) !== JSON.stringify(published(view.index));
}

/**
 * TXT look-ups at `_mta-sts.` of one of the domains, and of no other: to send a bounce, a sender
 * looks up its own domain as well.
 */
export function stsLookups(
  observations: readonly Observation[],
  domains: readonly string[],
): Seen<'dns-query'>[] {
  return ofKind(observations, 'dns-query').filter(
    (seen) => seen.type === 'TXT' && isAt('_mta-sts', seen.name, domains),
  );
}

function isAt(label: string, name: string, domains: readonly string[] | undefined): boolean {
  const lower = name.toLowerCase();
  return domains
    ? domains.some((domain) => lower === `${label}.${domain}`)
    : lower.startsWith(`${label}.`);
}

/** In this step, connections to MX hosts other than the sender's own. */
export function connectionsTo(view: StepView): Seen<'smtp-connection'>[] {
  return ofKind(view.now, 'smtp-connection').filter((seen) => !isSenderMx(seen.mx));
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
 * MAIL, RCPT and content of the messages of these domains that passed, in this step, where no
 * permitted, authenticated MX was listening. A bare connect and EHLO is nothing, and so is mail
 * that is none of ours: reports have to be delivered in spite of failing TLS (RFC 8460 §3).
 * `because` tells the first such connection from EHLO on.
 */
export function exposedBy(view: StepView): { exposure: Exposure; because: Observation[] } {
  const tokens = ofKind(view.history, 'message-submitted').map((seen) => seen.token);
  const ours = tokens.filter((token) =>
    recipientDomains(view.history, [token]).some((domain) => view.domains.includes(domain)),
  );
  const open = transactionsOf(view.history)
    .filter((transaction) => isAbout(transaction, ours))
    .flatMap(({ parts }) => parts)
    .filter(
      (part) =>
        part.step === view.index &&
        !isSenderMx(part.mx) &&
        !(part.authenticated && isPermittedMx(view.permittedMx, part.mx)),
    );
  const worst = open.find((part) => part.kind === 'smtp-data') ?? open[0];
  if (!worst) return { exposure: 'none', because: [] };
  return {
    exposure: worst.kind === 'smtp-data' ? 'content' : 'envelope',
    because: dialogueOf(view.history, worst.connection),
  };
}

/** RFC 5321 §3.3: MAIL, RCPT and the content, in order. */
interface Transaction {
  readonly parts: (Seen<'smtp-command'> | Seen<'smtp-data'>)[];
}

function transactionsOf(observations: readonly Observation[]): Transaction[] {
  const all: Transaction[] = [];
  const current = new Map<string, Transaction>();
  for (const seen of observations) {
    const isPart =
      seen.kind === 'smtp-data' ||
      (seen.kind === 'smtp-command' && (seen.verb === 'MAIL' || seen.verb === 'RCPT'));
    if (!isPart) continue;
    const begun = current.get(seen.connection);
    if (begun && !(seen.kind === 'smtp-command' && seen.verb === 'MAIL')) {
      begun.parts.push(seen);
      continue;
    }
    const transaction = { parts: [seen] };
    current.set(seen.connection, transaction);
    all.push(transaction);
  }
  return all;
}

/**
 * It names one of the messages; or it got no further than MAIL, with a reverse-path, and might be
 * of any.
 */
function isAbout({ parts }: Transaction, tokens: readonly string[]): boolean {
  const names = (part: Transaction['parts'][number]) =>
    part.kind === 'smtp-data'
      ? part.tokens.some((token) => tokens.includes(token))
      : tokens.some((token) => part.line.toLowerCase().includes(token));
  const onlyMail = parts.every(
    (part) =>
      part.kind === 'smtp-command' &&
      part.verb === 'MAIL' &&
      !/^MAIL\s+FROM:\s*<>/i.test(part.line),
  );
  return onlyMail || parts.some(names);
}

const TOLD_VERBS = ['EHLO', 'HELO', 'STARTTLS', 'MAIL', 'RCPT', 'DATA'];

/**
 * What a reader needs of a connection to follow it: commands and replies, TLS, content, arrival.
 */
function dialogueOf(observations: readonly Observation[], connection: string): Observation[] {
  return observations.filter((seen) => {
    if (!('connection' in seen) || seen.connection !== connection) return false;
    if (seen.kind === 'smtp-command') return TOLD_VERBS.includes(seen.verb);
    if (seen.kind === 'smtp-reply') return TOLD_VERBS.includes(seen.to);
    return (
      seen.kind === 'tls-handshake' || seen.kind === 'smtp-data' || seen.kind === 'message-accepted'
    );
  });
}

/** One SMTP connection, its observations in order. */
export interface Session {
  readonly connection: string;
  readonly mx: string;
  readonly nth: number;
  readonly seen: readonly Observation[];
  readonly commands: readonly Seen<'smtp-command'>[];
  readonly handshake?: Seen<'tls-handshake'>;
}

export function sessionsOf(observations: readonly Observation[]): Session[] {
  return ofKind(observations, 'smtp-connection').map((opened) => {
    const seen = observations.filter(
      (other) => 'connection' in other && other.connection === opened.connection,
    );
    return {
      connection: opened.connection,
      mx: opened.mx,
      nth: opened.nth,
      seen,
      commands: ofKind(seen, 'smtp-command'),
      handshake: ofKind(seen, 'tls-handshake')[0],
    };
  });
}

export function isSenderMx(name: string): boolean {
  const [host, domain] = SENDER_MX.split('.');
  return name.toLowerCase().startsWith(`${host}.${domain}.`);
}

export const seqs = (observations: readonly Observation[]): number[] =>
  observations.map((seen) => seen.seq);
