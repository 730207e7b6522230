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
import type { Deliver } from './delivery.ts';
import type { Discovery } from './discovery.ts';
import { bounceOf } from './dsn.ts';
import type { FaultName } from './faults.ts';
import { domainOf, type Mail, messageOf, type Outcome } from './mail.ts';

export interface Queue extends Required<Pick<StartedSender, 'submit' | 'flush' | 'queued'>> {
  /** Resolves when no attempt is under way. */
  idle(): Promise<void>;
  /** From now on nothing is said and nothing begun. */
  close(): void;
}

export interface QueueOptions {
  readonly clock: Clock;
  readonly discovery: Discovery;
  readonly deliver: Deliver;
  readonly onStatus: (status: {
    token: string;
    status: 'delivered' | 'deferred' | 'bounced';
    detail: string;
  }) => void;
  readonly fault?: FaultName;
}

interface QueuedMail {
  readonly mail: Mail;
  readonly domain: string;
  /** A bounce has none. */
  readonly token?: string;
  readonly queuedAt: number;
  attempt?: Promise<void>;
}

const LONGEST_DETAIL = 500;
/** RFC 5321 §4.5.4.1: four to five days at least. */
const LIFETIME_MS = 5 * 24 * 60 * 60 * 1000;

export function createQueue({ clock, discovery, deliver, onStatus, fault }: QueueOptions): Queue {
  const queued = new Set<QueuedMail>();
  const underWay = new Set<Promise<void>>();
  let closed = false;

  function add(mail: Mail, token?: string): Promise<void> {
    const entry: QueuedMail = { mail, token, domain: domainOf(mail.to), queuedAt: clock.now() };
    queued.add(entry);
    return start(entry);
  }

  function start(entry: QueuedMail): Promise<void> {
    const attempt = attemptOnce(entry).finally(() => underWay.delete(attempt));
    entry.attempt = attempt;
    underWay.add(attempt);
    return attempt;
  }

  async function attemptOnce(entry: QueuedMail): Promise<void> {
    const outcome = await outcomeOf(entry);
    if (closed) return;
    if (outcome.kind === 'delivered') {
      queued.delete(entry);
      say(entry, 'delivered', outcome.detail);
    } else if (outcome.kind === 'permanent') {
      queued.delete(entry);
      // RFC 5321 §6.1: mail from the null reverse-path is never returned.
      if (entry.mail.from !== '') await add(bounceOf(entry.mail, outcome.detail, clock.now()));
      say(entry, 'bounced', outcome.detail);
    } else {
      if (fault === 'loses-mail') queued.delete(entry);
      say(entry, 'deferred', outcome.detail);
    }
  }

  async function outcomeOf({ mail, domain, queuedAt }: QueuedMail): Promise<Outcome> {
    const tooOld = clock.now() - queuedAt > LIFETIME_MS;
    // RFC 8461 §5: no mail is given up for its policy's sake before the TXT record was asked for a
    // new one.
    const mayLookUp = !(tooOld && fault === 'no-recheck-before-bounce');
    try {
      const policy = mayLookUp ? await discovery.find(domain) : discovery.recall(domain);
      let outcome = await deliver(mail, domain, policy);
      if (!givesUp(outcome, tooOld)) return outcome;
      const latest = mayLookUp ? await discovery.find(domain) : policy;
      if (latest !== policy) outcome = await deliver(mail, domain, latest);
      return givesUp(outcome, tooOld) ? { kind: 'permanent', detail: outcome.detail } : outcome;
    } catch (error) {
      // Whatever goes wrong on our side, the mail is kept.
      return { kind: 'temporary', detail: messageOf(error), byPolicy: false };
    }
  }

  /**
   * RFC 8461 §5: what the policy forbids fails for the time being, like any other fault that may
   * pass.
   */
  function givesUp(outcome: Outcome, tooOld: boolean): boolean {
    return (
      outcome.kind === 'temporary' && (tooOld || (outcome.byPolicy && fault === 'bounces-at-once'))
    );
  }

  function say(
    { token }: QueuedMail,
    status: 'delivered' | 'deferred' | 'bounced',
    detail: string,
  ): void {
    if (token !== undefined && !closed)
      onStatus({ token, status, detail: printable(detail, LONGEST_DETAIL) });
  }

  return {
    async submit({ token, from, to, data }: OutgoingMessage) {
      void add({ from, to, data }, token);
    },
    async flush(domains) {
      const wanted = new Set(domains.map((domain) => domain.toLowerCase()));
      const due = [...queued].filter(({ domain }) => wanted.has(domain));
      await Promise.all(
        due.map(async (entry) => {
          await entry.attempt;
          if (queued.has(entry)) await start(entry);
        }),
      );
    },
    queued: async () => [...queued].flatMap(({ token }) => token ?? []),
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
    close() {
      closed = true;
    },
  };
}
