/**
 * Sender: RFC 8461's word for the sending MTA under test. `Sender` describes one; `StartedSender`
 * is running.
 *
 * No sender knows which attack it is under: it is given the lab's name server, trust anchors and
 * routes, and mail to send.
 */

/**
 * What a sender declares that it does. A scenario that needs what is not declared is `unsupported`;
 * nothing is guessed.
 */
export const CAPABILITIES = [
  'mta-sts',
  'testing-mode',
  /** It sends TLSRPT reports, over HTTPS. */
  'tlsrpt',
  /** It sends them by mail. */
  'tlsrpt-mail',
  'dane',
  /** It validates DNSSEC by itself, by the lab's trust anchor. */
  'dnssec',
  'requiretls',
  /** The policy cache outlives a restart. */
  'persistent-cache',
  /** Failed mail is queued and can be retried on demand. */
  'queue',
  /** The adapter can age the policy cache. */
  'time-travel',
  /** It can also age queued mail, until the sender gives it up. */
  'queue-lifetime',
  'restart',
  /** Undeliverable mail is returned by a DSN. */
  'dsn',
  /** Hosts that have an IPv6 address are called there too. */
  'ipv6',
  /** Mail for `by-smart-host.D` goes to the MX hosts of D, and for `by-port-N.D` to their port N. */
  'smart-host',
  /** It looks for new policies without any mail, and can be told to do so now (RFC 8461 §3.3). */
  'refresh',
  /** It is the MX host `mx.D` of the domain D that it sends from, and knows it (RFC 5321 §5.1). */
  'backup-mx',
  /** It takes mail for address literals (RFC 5321 §4.1.3). */
  'address-literal',
  /** It is set never to send in clear to `tls-required.D`. */
  'required-tls',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

export interface SenderDescription {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  readonly capabilities: readonly Capability[];
  /** The lab's DNS has the key by which it signs its reports. */
  readonly dkim?: boolean;
}

export interface Sender extends SenderDescription {
  /**
   * Whom an instance serves. `scenario`: one, being cheap. `trial`: one at a time, and then the
   * next. `run`: all at once, being warm (but scenarios that restart it are given others, one at a
   * time).
   */
  readonly perInstance: 'scenario' | 'trial' | 'run';
  /** How many trials at once suit it; default: as its lab has it. */
  readonly jobs?: number;
  /** What is set otherwise than the software ships, and why, a line each. */
  readonly differs?: readonly string[];
  /** The lab it needs; default: on loopback. */
  readonly lab?: LabKind;
  /** It comes with Holdfast and runs in this process: any thread finds it by its name. */
  readonly isBuiltIn?: boolean;
  /**
   * Does what has to be done once on this machine, and returns the sender, its version known.
   * Throws SenderError, also when the signal ends it.
   */
  prepare?(tell: (line: string) => void, signal?: AbortSignal): Promise<Sender>;
  /**
   * A sentence on what is missing and how to get it, when this sender cannot run here. Throws
   * SenderError where the user has asked for something that does not work.
   */
  unavailable(): Promise<string | undefined>;
  /**
   * Throws SenderError when it cannot be started. `onLine` is told every line of its log, where it
   * has one.
   */
  start(
    lab: LabAccess,
    onStatus: (status: MessageStatus) => void,
    onLine?: (line: string) => void,
  ): Promise<StartedSender>;
}

export interface StartedSender extends AsyncDisposable {
  /** The only address that it takes mail from; default: any. */
  readonly from?: string;
  /** It gives mail up after so many tries, however old it is. */
  readonly attempts?: number;
  /**
   * Resolves once the message is in the sender's queue; what becomes of it, for each recipient, is
   * told by onStatus. Throws UncarriedError where there is no way to hand over such a message.
   */
  submit(message: OutgoingMessage): Promise<void>;
  /**
   * Retries, now, everything queued for these recipient domains. Each retried message gets a new
   * status.
   */
  flush(domains: readonly string[]): Promise<void>;
  /**
   * Tokens of the messages that are still queued, when the sender can tell: how lost mail is told
   * from late mail.
   */
  queued?(): Promise<readonly string[]>;
  /** `time-travel`: all that the sender remembers of these domains, and their mail, gets older. */
  advance?(seconds: number, domains: readonly string[]): Promise<void>;
  restart?(): Promise<void>;
  /** `refresh`: looks for new policies of these domains, as it does by itself from time to time. */
  refresh?(domains: readonly string[]): Promise<void>;
  /** `tlsrpt`: sends the reports due for these domains now; the scenario's own is the first. */
  report?(domains: readonly string[]): Promise<void>;
  /** Resolves, with the reason, when the sender has died and cannot be used any more. */
  readonly died?: Promise<SenderError>;
}

/**
 * `loopback`: in this process. `docker`: in a container. Else in this process, at real addresses of
 * this machine.
 */
export type LabKind = 'loopback' | 'docker' | { readonly dns: string; readonly addresses: string };

export interface Recipient {
  /** Unique; also the local part of the address and in Subject and body. */
  readonly token: string;
  readonly to: string;
}

export interface OutgoingMessage extends Recipient {
  /** Further recipients. */
  readonly also?: readonly Recipient[];
  /** Empty: the null reverse-path (RFC 5321 §4.5.5). */
  readonly from: string;
  /** RFC 5322 text with CRLF line ends. */
  readonly data: string;
  /** Parameters of MAIL that it is handed over with: RFC 6152, RFC 6531, RFC 8689. */
  readonly body?: '8BITMIME';
  readonly smtputf8?: true;
  readonly requiretls?: true;
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
  readonly trust: {
    /** PEM. */
    readonly policyHosts: string;
    /** PEM. */
    readonly mxHosts: string;
    /** The key of the DNS root, as a DNSKEY record in a zone file (RFC 4033 §2). */
    readonly dnssec: string;
  };
  /**
   * Where a virtual address and port really are; undefined: not in the lab, and must not be
   * dialled.
   */
  route(address: string, port: number): Endpoint | undefined;
  /**
   * Calls back for every route there is and will be; a new address is not answered by the name
   * server before the promise settles. Returns the way to stop.
   */
  onRoute(listener: (virtual: Endpoint, actual: Endpoint) => void | Promise<void>): () => void;
  /**
   * Has a TXT record of the sender's own domain, `sender.test`, answered by the lab's name server:
   * the key of its DKIM signatures (RFC 6376 §3.6.2.1).
   */
  publish(name: string, text: string): Promise<void>;
  /** Of a lab with real addresses. */
  readonly network?: LabNetwork;
}

/** The network around a lab with real addresses, where a mail server can be given its mail. */
export interface LabNetwork {
  /** For a container to join. */
  readonly docker?: DockerNetwork;
  /**
   * Hands a message over (RFC 6409). Throws when the server does not take it, and UncarriedError
   * where it does not offer what the message needs.
   */
  submit(server: SubmissionServer, message: OutgoingMessage): Promise<void>;
  /** Resolves once everything that has happened in the lab by now is recorded. */
  caughtUp(): Promise<void>;
  /** Whether a server greets there (RFC 5321 §4.3.1). */
  greets(server: SubmissionServer): Promise<boolean>;
}

export interface DockerNetwork {
  readonly name: string;
  /** What everything started for it is labelled with. */
  readonly run: string;
  /** The lab's addresses, an IPv4 prefix. */
  readonly addresses: string;
  /** An image that has `ip`. */
  readonly image: string;
}

/** Where and how a mail server takes mail to be sent. */
export interface SubmissionServer {
  readonly host: string;
  readonly port: number;
  /** STARTTLS is asked for; the certificate need not be right. */
  readonly starttls: boolean;
  readonly user?: string;
  readonly password?: string;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A sender could not be started, or died. The message says what to do. */
export class SenderError extends Error {}

/** The sender's submission cannot carry a message such as this: the message names what of it. */
export class UncarriedError extends Error {}
