/**
 * The queue: every mail is tried at once, then again whenever the queue is flushed, until it is too
 * old (RFC 5321 §4.5.4.1).
 *
 * Mail that is given up for its policy's sake gets a last look at the TXT record first (RFC 8461
 * §5).
 */

import type { OutgoingMessage, StartedSender } from '../../model/sender.ts';
import { printable } from '../../protocol/printable.ts';
import type { Clock } from './clock.ts';
import type { Delivery } from './delivery.ts';
import type { CachedPolicy, Discovery } from './discovery.ts';
import { bounceOf } from './dsn.ts';
import { type AttemptResult, domainOf, type Mail, messageOf } from './mail.ts';
import type { Is } from './traits.ts';

export interface Queue extends Required<Pick<StartedSender, 'submit' | 'flush' | 'queued'>> {
  /** Resolves when no attempt is under way. */
  idle(): Promise<void>;
  /** From now on nothing is said and nothing begun. */
  close(): void;
  /** Forgets all mail. */
  clear(): void;
  /** Tries all mail as if there were no policies. */
  leak(): void;
}

export interface QueueOptions {
  readonly clock: Clock;
  readonly discovery: Discovery;
  readonly deliver: Delivery['deliver'];
  readonly onStatus: (status: {
    token: string;
    status: 'delivered' | 'deferred' | 'bounced';
    detail: string;
  }) => void;
  readonly is: Is;
}

interface QueuedMail {
  readonly mail: Mail;
  readonly domain: string;
  /** A bounce has none. */
  readonly token?: string;
  readonly queuedAt: number;
  attempts: number;
  attempt?: Promise<void>;
}

const LONGEST_DETAIL = 500;
/** RFC 5321 §4.5.4.1: four to five days at least. */
const LIFETIME_MS = 5 * 24 * 60 * 60 * 1000;
/** Of a sender that retries by itself: soon, and then ever later. */
const OWN_RETRIES_MS = [130, 370, 900, 2_300];
const LEAK_MS = 60;

export function createQueue({ clock, discovery, deliver, onStatus, is }: QueueOptions): Queue {
  const queued = new Set<QueuedMail>();
  const underWay = new Set<Promise<void>>();
  const timers = new Set<NodeJS.Timeout>();
  let closed = false;

  function add(mail: Mail, token?: string): Promise<void> {
    const domain = domainOf(mail.to);
    const entry: QueuedMail = { mail, token, domain, queuedAt: clock.now(), attempts: 0 };
    queued.add(entry);
    return start(entry);
  }

  function start(entry: QueuedMail, isLeak = false): Promise<void> {
    const attempt = attemptOnce(entry, isLeak).finally(() => underWay.delete(attempt));
    entry.attempt = attempt;
    underWay.add(attempt);
    return attempt;
  }

  function later(entry: QueuedMail, ms: number | undefined, isLeak = false): void {
    if (ms === undefined) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (!closed && queued.has(entry)) void again(entry, isLeak);
    }, ms);
    timers.add(timer);
  }

  async function again(entry: QueuedMail, isLeak = false): Promise<void> {
    await entry.attempt;
    if (queued.has(entry) && !closed) await start(entry, isLeak);
  }

  async function attemptOnce(entry: QueuedMail, isLeak: boolean): Promise<void> {
    entry.attempts++;
    const result = await resultOf(entry, isLeak);
    if (closed) return;
    if (result.kind === 'delivered') {
      queued.delete(entry);
      say(entry, 'delivered', result.detail);
    } else if (result.kind === 'permanent') {
      queued.delete(entry);
      // RFC 5321 §6.1: mail from the null reverse-path is never returned.
      if (entry.mail.from !== '' && !is('no-dsn') && !is('returns-nothing'))
        await add(bounceOf(entry.mail, result.detail, clock.now(), is));
      say(entry, 'bounced', result.detail);
    } else {
      if (is('loses-mail')) queued.delete(entry);
      say(entry, 'deferred', result.detail);
      if (is('retries-by-itself')) later(entry, OWN_RETRIES_MS[entry.attempts - 1]);
      if (
        is('leaks-after-a-while') &&
        result.kind === 'temporary' &&
        result.byPolicy &&
        entry.attempts === 1
      )
        later(entry, LEAK_MS, true);
    }
  }

  async function resultOf(entry: QueuedMail, isLeak: boolean): Promise<AttemptResult> {
    const { mail, domain, queuedAt, attempts: nth } = entry;
    const tooOld = clock.now() - queuedAt > LIFETIME_MS;
    // RFC 8461 §5: no mail is given up for its policy's sake before the TXT record was asked for a
    // new one.
    const mayLookUp = !(tooOld && is('no-recheck-before-bounce'));
    const onTry = (detail: string) => {
      if (is('logs-each-try')) say(entry, 'deferred', detail);
    };
    const policyDomain = is('caches-by-spelling')
      ? mail.to.slice(mail.to.lastIndexOf('@') + 1)
      : domain;
    const attempt = (policy: CachedPolicy | undefined) =>
      deliver({ mail, domain, policy, nth }, onTry);
    try {
      if (isLeak || (tooOld && is('sends-as-last-resort'))) return await attempt(undefined);
      if (nth > 1 && is('bounces-on-retry'))
        return { kind: 'permanent', detail: 'could not be delivered at once' };
      const policy = mayLookUp
        ? await discovery.find(policyDomain)
        : discovery.recall(policyDomain);
      let result = await attempt(policy);
      if (isGivenUpUnseen(result)) return { kind: 'permanent', detail: result.detail };
      if (!givesUp(result, tooOld)) return result;
      const latest = mayLookUp ? await discovery.findAnew(policyDomain) : policy;
      if (latest !== policy) result = await attempt(latest);
      return givesUp(result, tooOld) ? { kind: 'permanent', detail: result.detail } : result;
    } catch (error) {
      // Whatever goes wrong on our side, the mail is kept.
      return { kind: 'temporary', detail: messageOf(error), byPolicy: false };
    }
  }

  /** RFC 8461 §5: what the policy forbids fails for the time being, like what may pass. */
  function givesUp(result: AttemptResult, tooOld: boolean): boolean {
    return result.kind === 'temporary' && (tooOld || (result.byPolicy && is('bounces-at-once')));
  }

  /** Faults: mail is given up for its policy's sake, and nobody looks for a newer one. */
  function isGivenUpUnseen(result: AttemptResult): boolean {
    return result.kind === 'temporary' && result.byPolicy && is('bounces-by-cached-policy');
  }

  function say(
    { token }: QueuedMail,
    status: 'delivered' | 'deferred' | 'bounced',
    detail: string,
  ): void {
    if (token === undefined || closed) return;
    if (status === 'deferred' && is('logs-the-end-only')) return;
    onStatus({ token, status, detail: printable(detail, LONGEST_DETAIL) });
  }

  return {
    async submit({ token, from, to, data }: OutgoingMessage) {
      void add({ from, to, data }, token);
    },
    async flush(domains) {
      const wanted = new Set(domains.map((domain) => domain.toLowerCase()));
      const due = [...queued].filter(({ domain }) => wanted.has(domain));
      await Promise.all(due.map((entry) => again(entry)));
    },
    queued: async () => [...queued].flatMap(({ token }) => token ?? []),
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
    close() {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
    },
    clear: () => queued.clear(),
    leak() {
      for (const entry of queued) void again(entry, true);
    },
  };
}
