/**
 * Drives one in-process sender through the lab, step by step, with everything the lab saw at hand.
 */

import type { Lab } from '../../harness/lab/lab.ts';
import { baselinePlan, DEFAULT_DOMAIN, DEFAULT_POLICY } from '../../harness/model/baseline.ts';
import { plainName, qualify } from '../../harness/model/names.ts';
import type { Event } from '../../harness/model/observation.ts';
import { type LabPlan, SENDER_DOMAIN, VICTIM } from '../../harness/model/plan.ts';
import type { DomainSpec, PolicySpec } from '../../harness/model/scenario.ts';
import type { MessageStatus, Sender, StartedSender } from '../../harness/model/sender.ts';

export interface Driver extends AsyncDisposable {
  readonly sender: StartedSender;
  /** What the lab saw since the last arrange. */
  readonly seen: readonly Event[];
  /** From now on the lab is as honest as the attack lets it be. */
  arrange(world?: {
    policy?: Partial<PolicySpec>;
    domain?: Partial<DomainSpec>;
    attack?: (plan: LabPlan) => LabPlan;
  }): void;
  /** Sends a message and resolves to what the sender says of it; `@` is the recipient's domain. */
  send(to?: string): Promise<string>;
  /** Flushes the queue; what the sender says of the last message. */
  flush(): Promise<string>;
  report(): Promise<void>;
  /** `mx1.victim.test in clear`, for each mail that arrived since the last arrange. */
  arrivals(): readonly string[];
  /** Resolves when the lab sees such an event. */
  until(kind: Event['kind']): Promise<void>;
  seenOf<K extends Event['kind']>(kind: K): readonly Extract<Event, { kind: K }>[];
}

export async function drive(
  lab: Lab,
  sender: Sender,
  onStatus: (status: MessageStatus) => void = () => {},
): Promise<Driver> {
  const token = crypto.randomUUID().slice(0, 8);
  const seen: Event[] = [];
  const watchers = new Map<Event['kind'], () => void>();
  const waiting = new Map<string, (status: MessageStatus) => void>();
  const world = lab.createWorld(token, (event) => {
    seen.push(event);
    watchers.get(event.kind)?.();
  });
  const started = await sender.start(lab.access, (status) => {
    onStatus(status);
    waiting.get(status.token)?.(status);
  });
  let last = '';
  const say = ({ status, detail }: MessageStatus) => plainName(`${status}: ${detail}`, token);
  const next = () =>
    new Promise<string>((resolve) => waiting.set(last, (status) => resolve(say(status))));
  const seenOf = <K extends Event['kind']>(kind: K) =>
    seen.filter((event): event is Extract<Event, { kind: K }> => event.kind === kind);

  return {
    sender: started,
    seen,
    seenOf,
    until: (kind) => new Promise((resolve) => watchers.set(kind, resolve)),
    arrange({ policy, domain, attack = (plan: LabPlan) => plan } = {}) {
      seen.length = 0;
      const honest = baselinePlan(
        { ...DEFAULT_DOMAIN, ...domain },
        { ...DEFAULT_POLICY, ...policy },
      );
      void world.arrange(qualify(attack(honest), token));
    },
    async send(to = VICTIM) {
      last = `hf${crypto.randomUUID().replaceAll('-', '').slice(0, 12)}`;
      const status = next();
      const [from, recipient] = [
        `probe@${qualify(SENDER_DOMAIN, token)}`,
        `${last}@${qualify(to, token)}`,
      ];
      await started.submit({
        token: last,
        from,
        to: recipient,
        data: `From: <${from}>\r\nSubject: holdfast ${last}\r\n\r\n.\r\n..a\r\n`,
      });
      const said = await status;
      await world.idle();
      return said;
    },
    async flush() {
      const status = next();
      await started.flush([qualify(VICTIM, token)]);
      const said = await status;
      await world.idle();
      return said;
    },
    async report() {
      await started.report?.([qualify(VICTIM, token)]);
    },
    arrivals: () =>
      seenOf('message-accepted').map(
        ({ mx, secure, authenticated }) =>
          `${plainName(mx, token)} ${secure ? (authenticated ? 'authenticated' : 'over TLS') : 'in clear'}`,
      ),
    async [Symbol.asyncDispose]() {
      await started[Symbol.asyncDispose]();
      world[Symbol.dispose]();
    },
  };
}
