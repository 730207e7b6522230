/**
 * An examination: a running sender in a lab, the domains it is sent to, and what is seen and heard
 * of it. It is what the checks share.
 */

import { randomBytes } from 'node:crypto';
import type { Lab } from '../lab/lab.ts';
import { createRecorder } from '../lab/recorder.ts';
import type { SenderContract } from '../model/contract.ts';
import { composeMessage } from '../model/message.ts';
import { qualify } from '../model/names.ts';
import type { Observation } from '../model/observation.ts';
import { type LabPlan, SENDER_DOMAIN, VICTIM } from '../model/plan.ts';
import type { MessageStatus, Sender, StartedSender } from '../model/sender.ts';
import type { Log } from './log.ts';

export interface Examination extends AsyncDisposable {
  readonly sender: StartedSender;
  /** A built-in sender has none. */
  readonly contract?: SenderContract;
  readonly log: Log;
  /** A domain of the lab, by the checks' word for it; whoever names it first opens it. */
  domain(title: string): Domain;
}

/** A recipient domain, in a world of its own. */
export interface Domain {
  /** As it is in this run. */
  readonly name: string;
  /** All that the lab saw at this domain, and all that the sender said of messages to it. */
  readonly seen: readonly Observation[];
  /** Tokens of the messages that were sent to it, in order. */
  readonly messages: readonly string[];
  /** From now on it is as this plan says, whose names are not qualified. */
  arrange(plan: LabPlan): Promise<void>;
  /** Submits a message and gives its token. Throws SenderError. */
  send(): Promise<string>;
  /**
   * Whether `holds` came true within `ms`, default the examination's patience; it is asked whenever
   * something is seen.
   */
  until(holds: () => boolean, ms?: number): Promise<boolean>;
  /** Resolves when the sender has no connection to it open. */
  idle(): Promise<void>;
}

export interface ExaminationOptions {
  readonly lab: Lab;
  readonly sender: Sender;
  readonly contract?: SenderContract;
  readonly log: Log;
  /** How long to wait for what a sender ought to do; default PATIENCE_MS. */
  readonly patienceMs?: number;
}

/** A look-up that has to time out, a retry: honest servers with little to do need no more. */
const PATIENCE_MS = 15_000;

/** Starts the sender. Throws SenderError; then nothing is left. */
export async function openExamination({
  lab,
  sender,
  contract,
  log,
  patienceMs = PATIENCE_MS,
}: ExaminationOptions): Promise<Examination> {
  const base = randomBytes(4).toString('hex');
  const domains = new Map<string, OpenDomain>();
  const owners = new Map<string, OpenDomain>();
  const started = await sender.start(
    lab.access,
    (status) => owners.get(status.token)?.hear(status),
    log.hear,
  );
  return {
    sender: started,
    contract,
    log,
    domain(title) {
      const known = domains.get(title);
      if (known) return known;
      const own = (token: string) => owners.set(token, opened);
      const opened = openDomain({
        lab,
        sender: started,
        label: `x${base}${domains.size}`,
        patienceMs,
        own,
      });
      domains.set(title, opened);
      return opened;
    },
    async [Symbol.asyncDispose]() {
      for (const domain of domains.values()) domain[Symbol.dispose]();
      await started[Symbol.asyncDispose]();
    },
  };
}

interface OpenDomain extends Domain, Disposable {
  hear(status: MessageStatus): void;
}

interface DomainOptions {
  readonly lab: Lab;
  readonly sender: StartedSender;
  /** What makes its names fresh (names.ts). */
  readonly label: string;
  readonly patienceMs: number;
  /** What the sender says of this message belongs here. */
  own(token: string): void;
}

function openDomain({ lab, sender, label, patienceMs, own }: DomainOptions): OpenDomain {
  const recorder = createRecorder();
  const world = lab.createWorld(label, (event) => recorder.record('main', event));
  const messages: string[] = [];
  const name = qualify(VICTIM, label);
  return {
    name,
    seen: recorder.observations,
    messages,
    arrange: (plan) => world.arrange(qualify(plan, label)),
    async send() {
      const token = `hf${randomBytes(6).toString('hex')}`;
      const message = composeMessage({
        recipients: [{ token, to: `${token}@${name}` }],
        from: sender.from ?? `probe@${qualify(SENDER_DOMAIN, label)}`,
      });
      own(token);
      messages.push(token);
      recorder.record('main', {
        kind: 'message-submitted',
        token,
        from: message.from,
        to: message.to,
      });
      await sender.submit(message);
      return token;
    },
    until: (holds, ms = patienceMs) => recorder.until(holds, ms),
    idle: world.idle,
    hear: (status) => recorder.record('main', { kind: 'sender-status', ...status }),
    [Symbol.dispose]() {
      recorder.freeze();
      world[Symbol.dispose]();
    },
  };
}
