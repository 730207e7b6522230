/**
 * Traffic: SMTP connections as evidence has them, and whose they are. Small pure views; nothing
 * here grades.
 */

import { tokensIn } from './message.ts';
import type { Event, Observation } from './observation.ts';
import { plainName } from './zone.ts';

export type Seen<K extends Event['kind']> = Extract<Observation, { kind: K }>;

export function ofKind<K extends Event['kind']>(
  observations: readonly Observation[],
  kind: K,
): Seen<K>[] {
  return observations.filter((seen): seen is Seen<K> => seen.kind === kind);
}

/**
 * The names under which a record of this one may have been asked for: its own, and those that it was seen to
 * be an alias of (RFC 1034 §3.6.2), without dots at their ends. Some resolvers leave it to the name server to
 * follow an alias, and some follow it themselves and ask at its end alone.
 */
export function namesOf(queries: readonly Seen<'dns-query'>[], name: string): string[] {
  const names = [plainName(name)];
  for (const one of names) {
    const alias = queries.findLast(
      (seen) => seen.target !== undefined && plainName(seen.name) === one,
    );
    const target = plainName(alias?.target ?? one);
    if (!names.includes(target)) names.push(target);
  }
  return names;
}

export const seqs = (observations: readonly Observation[]): number[] =>
  observations.map((seen) => seen.seq);

/** What has one time may stand in any order: only what is earlier by the clock came before. */
export function isBefore(a: Pick<Observation, 'at'>, b: Pick<Observation, 'at'>): boolean {
  return a.at < b.at;
}

/**
 * The exchanger of the sender's own domain, where its bounces come home: `mx.sender.LABEL.test`
 * and no other name, however it begins.
 */
export function isHome(mx: string): boolean {
  return /^mx\.sender\.[^.]*\.[^.]+\.?$/i.test(mx);
}

/** One SMTP connection, its observations in order. */
export interface Session {
  readonly connection: string;
  readonly mx: string;
  readonly nth: number;
  readonly opened: Seen<'smtp-connection'>;
  readonly seen: readonly Observation[];
  readonly commands: readonly Seen<'smtp-command'>[];
  readonly handshake?: Seen<'tls-handshake'>;
}

export function sessionsOf(observations: readonly Observation[]): Session[] {
  const byConnection = Map.groupBy(
    observations.filter((seen) => 'connection' in seen),
    (seen) => seen.connection,
  );
  return ofKind(observations, 'smtp-connection').map((opened) => {
    const seen = byConnection.get(opened.connection)!.toSorted((a, b) => a.at - b.at);
    return {
      connection: opened.connection,
      mx: opened.mx,
      nth: opened.nth,
      opened,
      seen,
      commands: ofKind(seen, 'smtp-command'),
      handshake: ofKind(seen, 'tls-handshake')[0],
    };
  });
}

/** RFC 5321 §3.3: MAIL, RCPT and the content, in order; and whatever else names a recipient. */
export interface Transaction {
  readonly connection: string;
  readonly parts: readonly Part[];
  /** The last that was seen of the connection before MAIL, or MAIL itself. */
  readonly after: Observation;
}

export type Part = Seen<'smtp-command'> | Seen<'smtp-data'>;

/** Every transaction of these sessions, however far it came. */
export function transactionsOf(sessions: readonly Session[]): Transaction[] {
  return sessions.flatMap(({ connection, opened, seen }) => {
    const all: { connection: string; parts: Part[]; after: Observation }[] = [];
    let ended: Observation = opened;
    for (const part of seen.filter(isPart)) {
      if (all.length === 0 || isMail(part)) all.push({ connection, parts: [part], after: ended });
      else all.at(-1)!.parts.push(part);
      // The first transaction was decided upon when the connection was opened.
      ended = part;
    }
    return all;
  });
}

/** The transaction by which a message arrived. */
export function transactionOf(
  observations: readonly Observation[],
  accepted: Seen<'message-accepted'>,
): Transaction | undefined {
  return transactionsOf(sessionsOf(observations)).findLast(
    ({ connection, parts }) => connection === accepted.connection && isBefore(parts[0]!, accepted),
  );
}

function isMail(seen: Part): boolean {
  return seen.kind === 'smtp-command' && seen.verb === 'MAIL';
}

function isPart(seen: Observation): seen is Part {
  if (seen.kind === 'smtp-data') return true;
  if (seen.kind !== 'smtp-command') return false;
  return seen.verb === 'MAIL' || seen.verb === 'RCPT' || tokensIn(seen.line).length > 0;
}

/**
 * Recipients, by their tokens, that a transaction names. A message bears the tokens of all its
 * recipients: of content that goes to some of them RCPT says to whom.
 */
export function tokensNamed(
  { parts }: Pick<Transaction, 'parts'>,
  tokens: readonly string[],
): string[] {
  const isInEnvelope = (token: string) =>
    parts.some((part) => part.kind === 'smtp-command' && part.line.toLowerCase().includes(token));
  const inContent = parts.flatMap((part) =>
    part.kind === 'smtp-data' && !part.tokens.some(isInEnvelope) ? part.tokens : [],
  );
  return tokens.filter((token) => isInEnvelope(token) || inContent.includes(token));
}

/**
 * It got no further than MAIL, with a reverse-path, so that it might be of any message: a null one
 * is that of a bounce.
 */
export function isAnonymous({ parts }: Pick<Transaction, 'parts'>): boolean {
  return parts.every(
    (part) =>
      part.kind === 'smtp-command' &&
      part.verb === 'MAIL' &&
      !/^MAIL\s+FROM:\s*<>/i.test(part.line),
  );
}

const TOLD_VERBS = ['EHLO', 'HELO', 'STARTTLS', 'VRFY', 'MAIL', 'RCPT', 'DATA', 'BDAT'];

/**
 * What a reader needs of a connection to follow it: commands and replies, TLS, content, arrival.
 */
export function dialogueOf(
  observations: readonly Observation[],
  connection: string,
): Observation[] {
  return observations.filter((seen) => {
    if (!('connection' in seen) || seen.connection !== connection) return false;
    if (seen.kind === 'smtp-command') return TOLD_VERBS.includes(seen.verb);
    if (seen.kind === 'smtp-reply') return TOLD_VERBS.includes(seen.to);
    return (
      seen.kind === 'tls-handshake' || seen.kind === 'smtp-data' || seen.kind === 'message-accepted'
    );
  });
}
