/**
 * What a lab in another process and its user say to each other: one TCP connection, a JSON value a
 * line. Replies and events share the stream, so that when a reply is read every event before it has
 * been read too.
 */

import type net from 'node:net';
import type { Event } from '../model/observation.ts';
import type { LabPlan } from '../model/plan.ts';
import type { LabAccess, OutgoingMessage, SubmissionServer } from '../model/sender.ts';
import type { Family } from './fabric.ts';
import type { Slowness } from './health.ts';
import type { Trace } from './trace.ts';
import type { World } from './world.ts';

/** What can be asked, and what is answered. */
export interface Calls {
  /**
   * Starts the lab in this network, IPv4 `address/length`; the lab takes the upper half of its
   * addresses.
   */
  open(network: string): Promise<Pick<LabAccess, 'dns' | 'trust'>>;
  createWorld(label: string): Promise<void>;
  arrange(label: string, plan: LabPlan, options: Parameters<World['arrange']>[1]): Promise<void>;
  idle(label: string): Promise<void>;
  addressOf(label: string, host: string, family: Family): Promise<string | undefined>;
  trace(label: string): Promise<Trace>;
  disposeWorld(label: string): Promise<void>;
  publish(name: string, text: string): Promise<void>;
  slowness(ms: number): Promise<Slowness>;
  /** Answered behind every event of before. */
  caughtUp(): Promise<void>;
  submit(server: SubmissionServer, message: OutgoingMessage): Promise<void>;
  greets(server: SubmissionServer): Promise<boolean>;
}

export type CallName = keyof Calls;

/** The first line of all. */
export interface Hello {
  readonly secret: string;
}

export interface Call {
  readonly id: number;
  readonly call: CallName;
  readonly given: readonly unknown[];
}

export type FromLab =
  | { readonly id: number; readonly value: unknown }
  /** `isUncarried`: it is an UncarriedError. */
  | { readonly id: number; readonly problem: string; readonly isUncarried?: boolean }
  | { readonly label: string; readonly event: Event };

/** Calls back for every line of JSON. A line that is none, or too long, ends the connection. */
export function onJsonLines(
  socket: net.Socket,
  longestChars: () => number,
  onValue: (value: unknown) => void,
): void {
  let rest = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    try {
      if (rest.length > longestChars()) throw new RangeError('the line is too long');
      for (const line of lines) onValue(JSON.parse(line));
    } catch {
      socket.destroy();
    }
  });
}

export function sendJson(socket: net.Socket, value: Hello | Call | FromLab): void {
  if (socket.writable) socket.write(`${JSON.stringify(value)}\n`);
}
