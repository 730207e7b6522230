/**
 * The contract of a sender: what a `sender.yaml` says, read and checked. How a mail server is had,
 * started, fed, watched and driven, so that it can be put to the test without a line of code.
 */

import type { Capability } from './sender.ts';

/** The name by which a contract is found in its folder. */
export const SENDER_FILE = 'sender.yaml';

export interface SenderContract {
  readonly name: string;
  readonly summary: string;
  /** Words, or a command whose first line of output says it. */
  readonly version: string | { readonly command: string };
  readonly place: ContainerPlace | ExternalPlace | NodePlace;
  /** Where a PEM file with both of the lab's authorities is put, before the server starts. */
  readonly trust: string;
  /** Where a file with the key of the lab's DNS root is put, before the server starts. */
  readonly dnssec?: string;
  /** Where a private key is put, for DKIM signatures of `sender.test`. */
  readonly dkim?: string;
  readonly ready: Readiness;
  readonly submit: Submission;
  readonly log: LogPatterns;
  readonly commands: Commands;
  readonly capabilities: readonly Capability[];
  /** The most messages that the sender is given before it has said what became of them. */
  readonly parallel: number;
  /**
   * `shared`: one warm server for all scenarios. `exclusive`: one for each that runs at the time,
   * used again for the next.
   */
  readonly instances: 'shared' | 'exclusive';
  /** What is set otherwise than the software ships, and why. */
  readonly differs: readonly string[];
  /** Mail is given up after so many tries, however old it is. */
  readonly attempts?: number;
}

/** The server runs in a container of the lab's network. */
export interface ContainerPlace {
  readonly kind: 'container';
  readonly image: Build | string;
  readonly hostname?: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Kernel settings of its network (sysctl). */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Absolute paths of files on this machine, by their path in the container. */
  readonly files: Readonly<Record<string, string>>;
  /** In place of what the image starts. */
  readonly command?: readonly string[];
}

export interface Build {
  /** Absolute path of the folder with the Dockerfile. */
  readonly context: string;
  readonly args: Readonly<Record<string, string>>;
}

/**
 * The server runs where its owner put it, and reaches a lab at addresses of this machine. Commands
 * are run by this machine's shell.
 */
export interface ExternalPlace {
  readonly kind: 'external';
  /** IPv4 address the lab's name server listens at, port 53. */
  readonly dns: string;
  /** IPv4 prefix (`10.99.128.0/17`) whose every address this machine takes for its own. */
  readonly addresses: string;
}

/**
 * The server is a Node program of this machine, run in a folder of its own by a preload that leads
 * its names and connections into the lab. Commands are run by this machine's shell.
 */
export interface NodePlace {
  readonly kind: 'node';
  /** Absolute path of the module. */
  readonly program: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute paths of files on this machine, by their path with the server's folder for the root. */
  readonly files: Readonly<Record<string, string>>;
  /** Absolute path of the folder with the contract. */
  readonly folder: string;
}

export interface Readiness {
  /** A line of the log matches this regular expression. */
  readonly log?: string;
  readonly withinSeconds: number;
}

export interface Submission {
  /** Where an external server listens; a container's own address is known. */
  readonly host?: string;
  readonly port: number;
  readonly starttls: boolean;
  readonly user?: string;
  readonly password?: string;
  /** The only address from which the server takes mail; then no bounce comes home to the lab. */
  readonly from?: string;
}

/**
 * Regular expressions, a line at a time, with the group `recipient` and, if the line tells it,
 * `reason`; of a log in JSON, for members of the line's object by their names.
 */
export type LogPattern = string | Readonly<Record<string, string>>;

export interface LogPatterns {
  /**
   * `stdout`: what the container prints. `file`: a file in the container. `command`: what a command
   * of this machine prints (external).
   */
  readonly from: 'stdout' | { readonly file: string } | { readonly command: string };
  /** A line is a JSON object: names of its members, `a.b` for one within another. */
  readonly fields?: { readonly recipient: string; readonly reason?: string; readonly id?: string };
  readonly sent: LogPattern;
  readonly deferred: LogPattern;
  readonly bounced: LogPattern;
  /** A line of its own that tells why, before the one that tells what became of the message. */
  readonly reason?: LogPattern;
}

/**
 * Run by `sh -c`, in the container if there is one, with $DOMAINS (recipient domains, by spaces)
 * and, to age, $SECONDS.
 */
export interface Commands {
  /** Retries, now, what is queued for $DOMAINS. `restart`: it does so when it is restarted. */
  readonly flush?: string | 'restart';
  /** Prints what is queued: the recipient of every message. */
  readonly queue?: string;
  /** Makes what is remembered of $DOMAINS, policies and queued mail, older by $SECONDS. */
  readonly age?: string;
  /** Looks for new policies of $DOMAINS. */
  readonly refresh?: string;
  /** Sends the TLSRPT reports that are due for $DOMAINS, as if the day were over. */
  readonly report?: string;
  /** Restarts the server; a container is restarted without one. */
  readonly restart?: string;
  /** External: starts the server, and ends it. */
  readonly start?: string;
  readonly stop?: string;
}
