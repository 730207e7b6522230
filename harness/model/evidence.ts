/**
 * Reading evidence: small pure views that expectations share. Nothing here grades.
 */

import type { Event, Leg, Observation } from './observation.ts';
import { qualifyName } from './names.ts';
import { POLICY_PATH, SENDER_MX } from './plan.ts';
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
  /** Tokens of the messages this step is about: those it submitted, or, when it submitted none, all still queued. */
  readonly tokens: readonly string[];
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
  const main = trial.evidence.observations.filter((seen) => seen.leg === 'main');
  const now = main.filter((seen) => seen.step === index);
  const history = main.filter((seen) => seen.step <= index);
  const started = ofKind(history, 'step-started').at(-1);
  const submitted = tokensSubmitted(now);
  const earlier = tokensSubmitted(main.filter((seen) => seen.step < index));
  const before = main.filter((seen) => seen.step < index);
  return {
    trial,
    index,
    step: trial.scenario.steps[index]!,
    now,
    history,
    tokens: submitted.length > 0 ? submitted : earlier.filter((token) => outcomeOf(before, token).kind !== 'delivered'),
    qualified: (name) => (started ? qualifyName(name, started.token) : name),
    permittedMx: started?.permittedMx ?? [],
  };
}

export function ofKind<K extends Event['kind']>(observations: readonly Observation[], kind: K): Seen<K>[] {
  return observations.filter((seen): seen is Seen<K> => seen.kind === kind);
}

export function inLeg(observations: readonly Observation[], leg: Leg, step: number): Observation[] {
  return observations.filter((seen) => seen.leg === leg && seen.step === step);
}

function tokensSubmitted(observations: readonly Observation[]): string[] {
  return ofKind(observations, 'message-submitted').map((seen) => seen.token);
}

/** Delivered only if the honest exchanger accepted it; bounced if a DSN came home or the sender gave up; else as the sender last said. */
export function outcomeOf(observations: readonly Observation[], token: string): Outcome {
  const accepted = ofKind(observations, 'message-accepted').filter((seen) => seen.tokens.includes(token));
  const arrived = accepted.find((seen) => seen.mailFrom !== '' && !isSenderMx(seen.mx));
  if (arrived) return { kind: 'delivered', accepted: arrived };
  const returned = accepted.find((seen) => seen.mailFrom === '');
  if (returned) return { kind: 'bounced', by: returned };
  const status = ofKind(observations, 'sender-status').findLast((seen) => seen.token === token);
  if (status?.status === 'bounced') return { kind: 'bounced', by: status };
  if (status?.status === 'deferred') return { kind: 'deferred', by: status };
  return { kind: 'pending' };
}

/** The policy came over authenticated HTTPS, whole, with status 200 (RFC 8461 §3.3). */
export function policyFetches(observations: readonly Observation[]): Seen<'policy-request'>[] {
  return ofKind(observations, 'policy-request').filter(
    (seen) => seen.scheme === 'https' && seen.path === POLICY_PATH && seen.status === 200 && seen.complete && seen.authenticated,
  );
}

/** TXT look-ups at `_mta-sts.` */
export function stsLookups(observations: readonly Observation[]): Seen<'dns-query'>[] {
  return ofKind(observations, 'dns-query').filter((seen) => seen.type === 'TXT' && seen.name.toLowerCase().startsWith('_mta-sts.'));
}

/** MAIL, RCPT and content that passed where no permitted, authenticated MX was listening. A bare connect and EHLO is nothing. */
export function exposedBy(observations: readonly Observation[], isPermitted: (mx: string) => boolean): { exposure: Exposure; because: Observation[] } {
  const open = observations.filter(
    (seen) =>
      (seen.kind === 'smtp-command' || seen.kind === 'smtp-data') && !isSenderMx(seen.mx) && !(seen.authenticated && isPermitted(seen.mx)),
  );
  const content = open.filter((seen) => seen.kind === 'smtp-data' && seen.tokens.length > 0);
  if (content.length > 0) return { exposure: 'content', because: content };
  const envelope = open.filter((seen) => seen.kind === 'smtp-command' && (seen.verb === 'MAIL' || seen.verb === 'RCPT'));
  return { exposure: envelope.length > 0 ? 'envelope' : 'none', because: envelope };
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
    const seen = observations.filter((other) => 'connection' in other && other.connection === opened.connection);
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

export const seqs = (observations: readonly Observation[]): number[] => observations.map((seen) => seen.seq);
