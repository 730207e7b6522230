/**
 * A check: one thing that a contract promises, proved on the running sender or not, and then what
 * to do.
 */

import { type Capability, SenderError, type StartedSender } from '../model/sender.ts';
import { ofKind } from '../model/traffic.ts';
import type { Domain, Examination } from './examination.ts';
import type { Excerpt } from './log.ts';

export interface Check {
  readonly name: string;
  /** There is nothing to prove on a sender that does not declare these. */
  readonly needs?: readonly Capability[];
  /** Names of checks without which this one proves nothing. */
  readonly after?: readonly string[];
  /** Why there is nothing to prove on this sender, for another reason. */
  without?(sender: StartedSender): string | undefined;
  /** What to do when the sender cannot be driven; default: as when it does not take mail. */
  readonly mend?: string;
  run(examination: Examination): Promise<Proof>;
}

export type Proof = Proved | Fault | { readonly kind: 'skipped'; readonly reason: string };

interface Proved {
  readonly kind: 'proved';
  readonly saw?: string;
}

export interface Fault {
  readonly kind: 'fault';
  /** What was seen, in a sentence; may quote the sender. */
  readonly saw: string;
  /** What to do about it, in a sentence that names the key. */
  readonly mend: string;
  readonly log?: Excerpt;
}

export type CheckResult = Proof & { readonly name: string; readonly elapsedMs: number };

export const MEND_SUBMISSION =
  'let it take mail at submit.port from any address, to any domain (it must relay for the lab), without limits; or say submit.starttls, submit.user and submit.password, and submit.from where it takes mail from one address alone.';

export interface Examining {
  readonly checks: readonly Check[];
  readonly capabilities: readonly Capability[];
  readonly examination: Examination;
  readonly signal: AbortSignal;
  onBegin(name: string): void;
  onResult(result: CheckResult): void;
}

/**
 * Goes through the checks, in order; a sender that dies, or a signal, ends it. Gives what was
 * found.
 */
export async function examine(examining: Examining): Promise<CheckResult[]> {
  const { checks, examination, signal, onBegin, onResult } = examining;
  const results: CheckResult[] = [];
  const ended = Promise.withResolvers<Fault | undefined>();
  const stop = () => ended.resolve(undefined);
  signal.addEventListener('abort', stop, { once: true });
  let dead = false;
  void examination.sender.died?.then((error) => {
    dead = true;
    ended.resolve(
      fault(
        error.message,
        'it has to run until it is stopped; its last words may say why it did not.',
      ),
    );
  });
  for (const check of checks) {
    if (signal.aborted) break;
    const began = performance.now();
    const reason = dead ? 'the sender has gone' : whyNot(check, examining, results);
    if (reason === undefined) onBegin(check.name);
    const proof =
      reason === undefined
        ? await Promise.race([prove(check, examination), ended.promise])
        : skipped(reason);
    if (proof === undefined) break;
    const result = { ...proof, name: check.name, elapsedMs: performance.now() - began };
    results.push(result);
    onResult(result);
  }
  signal.removeEventListener('abort', stop);
  return results;
}

function whyNot(
  check: Check,
  { capabilities, examination }: Examining,
  results: readonly CheckResult[],
): string | undefined {
  const lacking = check.needs?.filter((capability) => !capabilities.includes(capability)) ?? [];
  if (lacking.length > 0) return `${lacking.join(' and ')} not declared in capabilities`;
  const missing = check.without?.(examination.sender);
  if (missing !== undefined) return missing;
  const unproved = check.after?.find(
    (name) => results.find((result) => result.name === name)?.kind !== 'proved',
  );
  return unproved === undefined ? undefined : `cannot be told before “${unproved}” is proved`;
}

/** Commands of the contract are whatever they are, and may never end. */
const LONGEST_MS = 60_000;

async function prove(check: Check, examination: Examination): Promise<Proof> {
  const boundMs = LONGEST_MS + (examination.contract?.ready.withinSeconds ?? 0) * 1000;
  const late = Promise.withResolvers<Fault>();
  const timer = setTimeout(
    () =>
      late.resolve(
        fault(
          `this came to no end in ${boundMs / 1000} s`,
          check.mend ?? MEND_SUBMISSION,
          examination.log.excerpt(),
        ),
      ),
    boundMs,
  );
  try {
    return await Promise.race([check.run(examination), late.promise]);
  } catch (error) {
    if (!(error instanceof SenderError)) throw error;
    return fault(error.message, check.mend ?? MEND_SUBMISSION);
  } finally {
    clearTimeout(timer);
  }
}

export function proved(saw?: string): Proved {
  return { kind: 'proved', ...(saw !== undefined && { saw }) };
}

export function fault(saw: string, mend: string, log?: Excerpt): Fault {
  return { kind: 'fault', saw, mend, ...(log && log.lines.length > 0 && { log }) };
}

export function skipped(reason: string): Proof {
  return { kind: 'skipped', reason };
}

/** The keys by which each status is found in the log. */
const PATTERNS = {
  delivered: 'log.sent',
  deferred: 'log.deferred',
  bounced: 'log.bounced',
} as const;
type Status = keyof typeof PATTERNS;

/** For what else a server says of a message in the same breath. */
const QUIET_MS = 100;

/** The sender's log says this of a message, and the contract's pattern found it. */
export async function saidOf(
  token: string,
  wanted: Status,
  domain: Domain,
  examination: Examination,
): Promise<Proof> {
  const said = () => ofKind(domain.seen, 'sender-status').filter((seen) => seen.token === token);
  const last = () => said().at(-1);
  await domain.until(() => said().some(({ status }) => status === wanted));
  // A run goes by what is said last.
  await domain.until(() => last()?.status !== wanted, QUIET_MS);
  const wrong = last();
  if (wrong?.status === wanted) return proved();
  const key = PATTERNS[wanted];
  const log = examination.log.excerpt([token]);
  if (wrong) {
    const other = PATTERNS[wrong.status];
    return fault(
      `a line matched ${other} where ${key} should have matched`,
      `if the server did no such thing, ${other} matches too much: make it stricter, and let ${key} match the line; else change what the server does.`,
      log,
    );
  }
  if (log.mentioned)
    return fault(
      `no line of the log matched ${key}`,
      examination.contract?.log.fields === undefined
        ? `change ${key}, a regular expression: it has to match one of the lines below, with the group (?<recipient>…) around the address. A log that names a message by an id alone needs the address put in.`
        : `change ${key}, which says by member what a line has to be, or log.fields.recipient, the member with the address: both have to fit one of the lines below. A log that names a message by an id alone needs the address put in.`,
      log,
    );
  return fault(
    'the log did not mention the message',
    'let the server write what becomes of each recipient to where log.from says (default: stdout, what the container prints).',
    log,
  );
}
