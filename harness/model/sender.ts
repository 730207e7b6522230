/**
 * Sender: RFC 8461's word for the sending MTA under test. `Sender` describes one; `StartedSender` is running.
 *
 * No sender knows which attack it is under: it is given the lab's name server, trust anchors and routes, and mail to send.
 */

/** What a sender declares that it does. A scenario that needs what is not declared is `unsupported`; nothing is guessed. */
export const CAPABILITIES = [
  'mta-sts',
  'testing-mode',
  'tlsrpt',
  'dane',
  'requiretls',
  /** The policy cache outlives a restart. */
  'persistent-cache',
  /** Failed mail is queued and can be retried on demand. */
  'queue',
  /** The adapter can age policy cache and queue. */
  'time-travel',
  'restart',
  /** Undeliverable mail is returned by a DSN. */
  'dsn',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

export interface SenderDescription {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  readonly capabilities: readonly Capability[];
}

export interface Sender extends SenderDescription {
  /** `scenario`: cheap, one instance each. `run`: one warm instance serves all (but a scenario that restarts it gets its own). */
  readonly perInstance: 'scenario' | 'run';
  /** A sentence on what is missing and how to get it, when this sender cannot run here. */
  unavailable(): Promise<string | undefined>;
  /** Throws SenderError when it cannot be started. */
  start(lab: LabAccess, onStatus: (status: MessageStatus) => void): Promise<StartedSender>;
}

export interface StartedSender extends AsyncDisposable {
  /** Resolves once the message is in the sender's queue; what becomes of it is told by onStatus. */
  submit(message: OutgoingMessage): Promise<void>;
  /** Retries, now, everything queued for these recipient domains. Each retried message gets a new status. */
  flush(domains: readonly string[]): Promise<void>;
  /** Tokens of the messages that are still queued, when the sender can tell: how lost mail is told from late mail. */
  queued?(): Promise<readonly string[]>;
  /** `time-travel`: all that the sender remembers of these domains, and their mail, gets older. */
  advance?(seconds: number, domains: readonly string[]): Promise<void>;
  restart?(): Promise<void>;
  /** `tlsrpt`: sends the reports due for these domains now. */
  report?(domains: readonly string[]): Promise<void>;
}

export interface OutgoingMessage {
  /** Unique; also the local part of the recipient and in Subject and body. */
  readonly token: string;
  readonly from: string;
  readonly to: string;
  /** RFC 5322 text with CRLF line ends. */
  readonly data: string;
}

/** What the sender says became of an attempt. `crashed` ends everything. */
export interface MessageStatus {
  readonly token: string;
  readonly status: 'delivered' | 'deferred' | 'bounced';
  /** The sender's own words; hostile input. */
  readonly detail: string;
}

/** How a sender gets into the lab. */
export interface LabAccess {
  readonly dns: { readonly address: string; readonly port: number };
  /** PEM. */
  readonly trust: { readonly policyHosts: string; readonly mxHosts: string };
  /** Where a virtual address and port really are; undefined: not in the lab, and must not be dialled. */
  route(address: string, port: number): Endpoint | undefined;
  /**
   * Calls back for every route there is and will be; a new address is not answered by the name server before the promise settles.
   * Returns the way to stop.
   */
  onRoute(listener: (virtual: Endpoint, actual: Endpoint) => void | Promise<void>): () => void;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A sender could not be started, or died. The message says what to do. */
export class SenderError extends Error {}
