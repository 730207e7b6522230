/**
 * The queue: every mail is tried at once, then again whenever the queue is flushed, until it is too
 * old (RFC 5321 §4.5.4.1).
 *
 * Mail that is given up for its policy's sake gets a last look at the TXT record first (RFC 8461
 * §5).
 */

import { recipientsOf } from '../../model/message.ts';
import { nextHopOf } from '../../model/names.ts';
import type { OutgoingMessage, StartedSender } from '../../model/sender.ts';
import { printable } from '../../protocol/printable.ts';
import type { Clock } from './clock.ts';
import type { Delivery } from './delivery.ts';
import type { CachedPolicy, Discovery } from './discovery.ts';
import { bounceOf } from './dsn.ts';
import { type AttemptResult, domainOf, isTlsOptional, type Mail, messageOf } from './mail.ts';
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
  /** Forgets which mail asks for TLS. */
  relax(): void;
}

export interface QueueOptions {
  readonly clock: Clock;
  readonly discovery: Discovery;
  /** For mail from the null reverse-path. */
  readonly discoveryOfBounces: Discovery;
  readonly deliver: Delivery['deliver'];
  readonly onStatus: (status: {
    token: string;
    status: 'delivered' | 'deferred' | 'bounced';
    detail: string;
  }) => void;
  readonly is: Is;
}

interface QueuedMail {
  mail: Mail;
  /** The first recipient of the message. */
  readonly first: string;
  readonly domain: string;
  /** A bounce has none. */
  readonly token?: string;
  readonly queuedAt: number;
  attempts: number;
  /** That it was first tried under. */
  policy?: CachedPolicy;
  attempt?: Promise<void>;
}

const LONGEST_DETAIL = 500;
/** RFC 5321 §4.5.4.1: four to five days at least. */
const LIFETIME_MS = 5 * 24 * 60 * 60 * 1000;
/** Of a sender that grows impatient (a fault). */
const SOME_HOURS_MS = 4 * 60 * 60 * 1000;
/** Of a sender that retries by itself: soon, and then ever later. */
const OWN_RETRIES_MS = [130, 370, 900, 2_300];
const LEAK_MS = 60;
const RETURN_MS = 1_000;

export function createQueue(options: QueueOptions): Queue {
  const { clock, deliver, onStatus, is } = options;
  const queued = new Set<QueuedMail>();
  const underWay = new Set<Promise<void>>();
  const timers = new Set<NodeJS.Timeout>();
  let closed = false;

  function add(mail: Mail, token?: string, first = mail.to): Promise<void> {
    const domain = nextHopOf(domainOf(mail.to));
    const entry: QueuedMail = { mail, first, token, domain, queuedAt: clock.now(), attempts: 0 };
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
    after(ms, () => {
      if (queued.has(entry)) void again(entry, isLeak);
    });
  }

  function after(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (!closed) act();
    }, ms);
    timers.add(timer);
  }

  async function sendBack(bounce: Mail): Promise<void> {
    if (is('returns-later')) after(RETURN_MS, () => void add(bounce));
    else await add(bounce);
  }

  async function again(entry: QueuedMail, isLeak = false): Promise<void> {
    await entry.attempt;
    if (queued.has(entry) && !closed) await start(entry, isLeak);
  }

  async function attemptOnce(entry: QueuedMail, isLeak: boolean): Promise<void> {
    entry.attempts++;
    if (entry.attempts > 1 && is('forgets-requiretls-in-the-queue')) relax(entry);
    if (entry.attempts > 1 && entry.mail.from === '' && is('bounces-without-requiretls-on-retry'))
      relax(entry);
    const result = await resultOf(entry, isLeak);
    if (closed) return;
    if (result.kind === 'delivered') {
      queued.delete(entry);
      say(entry, 'delivered', result.detail);
    } else if (result.kind === 'permanent') {
      queued.delete(entry);
      if (is('drops-the-other-recipients'))
        for (const other of queued) if (other.first === entry.first) queued.delete(other);
      // RFC 5321 §6.1: mail from the null reverse-path is never returned.
      if (entry.mail.from !== '' && !is('no-dsn') && !is('returns-nothing'))
        await sendBack(bounceOf(entry.mail, result, clock.now(), is));
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

  function relax(entry: QueuedMail): void {
    entry.mail = { ...entry.mail, requiretls: false };
  }

  async function resultOf(entry: QueuedMail, isLeak: boolean): Promise<AttemptResult> {
    const { mail, first, domain, queuedAt, attempts: nth } = entry;
    const waitedMs = clock.now() - queuedAt;
    const tooOld = waitedMs > LIFETIME_MS;
    // RFC 8461 §5: no mail is given up for its policy's sake before the TXT record was asked for a
    // new one.
    const mayLookUp = !(tooOld && is('no-recheck-before-bounce'));
    const onTry = (detail: string) => {
      if (is('logs-each-try')) say(entry, 'deferred', detail);
    };
    // RFC 8461 §5: the policy of the recipient's own domain, however many recipients there are.
    const { to } = is('policy-of-the-first-recipient') ? { to: first } : mail;
    const recipientDomain = is('caches-by-spelling')
      ? to.slice(to.lastIndexOf('@') + 1)
      : domainOf(to);
    // RFC 8461 §3.4: where a smart host takes the mail, it is that one's.
    const isPassedBy =
      is('smart-host-without-its-policy') ||
      (nth > 1 && is('smart-host-without-its-policy-on-retry'));
    const policyDomain = isPassedBy ? recipientDomain : nextHopOf(recipientDomain);
    const discovery = mail.from === '' ? options.discoveryOfBounces : options.discovery;
    const isToFirst = mail.to === first;
    const isForgotten =
      (!isToFirst && is('requiretls-for-the-first-recipient-alone')) ||
      (waitedMs > SOME_HOURS_MS && is('forgets-requiretls-after-hours'));
    const asked = isForgotten ? { ...mail, requiretls: false } : mail;
    const attempt = (policy: CachedPolicy | undefined) =>
      deliver({ mail: asked, domain, policy, nth, isToFirst, isTooOld: tooOld }, onTry);
    try {
      if (isLeak || (tooOld && is('sends-as-last-resort'))) return await attempt(undefined);
      if (waitedMs > SOME_HOURS_MS && is('lax-after-hours')) return await attempt(undefined);
      if (!isToFirst && is('protects-the-first-recipient-only')) return await attempt(undefined);
      if (/[^\x00-\x7f]/.test(to) && is('no-policy-for-u-labels')) return await attempt(undefined);
      if (nth > 1 && is('bounces-on-retry'))
        return { kind: 'permanent', detail: 'could not be delivered at once' };
      // RFC 8689 §4.2.1: of mail that asks for TLS a policy vouches before anything is sent.
      const look =
        mail.requiretls && !discovery.recall(policyDomain) ? discovery.findAnew : discovery.find;
      const goesByCache = !mayLookUp || (!isToFirst && is('recalls-for-other-recipients'));
      const found = goesByCache
        ? discovery.recall(policyDomain)
        : await look(policyDomain, nth > 1);
      if (nth === 1) entry.policy = found;
      // RFC 8461 §5: what is tried again is held to the policy that there is by then.
      const policy = is('keeps-policy-with-the-mail') ? entry.policy : found;
      let result = await attempt(policy);
      if (isGivenUpUnseen(result)) return { kind: 'permanent', detail: result.detail };
      if (!givesUp(result, tooOld)) return result;
      const latest = mayLookUp ? await discovery.findAnew(policyDomain) : policy;
      if (latest !== policy) result = await attempt(latest);
      else if (tooOld && is('last-look-ends-the-policy')) return await attempt(undefined);
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
    async submit(message: OutgoingMessage) {
      const { from, data, body, smtputf8, requiretls } = message;
      // RFC 8689 §4.1: beside REQUIRETLS the header field is ignored.
      const ignoresField = requiretls && !is('obeys-tls-required-beside-requiretls');
      const tlsOptional = isTlsOptional(data, is) && !ignoresField;
      // RFC 5321 §4.5.4.1 lets each recipient have a transaction of its own.
      for (const { token, to } of recipientsOf(message))
        void add({ from, to, data, body, smtputf8, requiretls, tlsOptional }, token, message.to);
    },
    async flush(domains) {
      const wanted = new Set(domains.map((domain) => nextHopOf(domain.toLowerCase())));
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
    relax() {
      for (const entry of queued) relax(entry);
    },
  };
}
