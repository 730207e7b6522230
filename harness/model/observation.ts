/**
 * Observation: one recorded event. Evidence: the frozen list of them. Nothing here judges.
 */

import type { ShownCertificate } from '../protocol/dane.ts';
import type { PolicySpec } from './scenario.ts';
import type { MessageStatus } from './sender.ts';

/**
 * Which world of the scenario an event belongs to: the one under test, the positive control, that of
 * reporting, or the fault with no policy.
 */
export type Leg = 'main' | 'control' | 'reporting' | 'unprotected';

export type Observation = {
  /** Place in the stream, from 1. */
  readonly seq: number;
  /** Milliseconds since the scenario began. */
  readonly at: number;
  readonly leg: Leg;
  /** Index of the step, from 0. */
  readonly step: number;
} & Event;

/** Of a connection that the sender has kept, closed by the lab between two steps. */
export const CLOSED_WHILE_IDLE = 'closed while idle';
/** How the path ends a connection on which nobody has said anything for long. */
export const CUT_FOR_SILENCE = 'cut: nothing had moved for long';

export type Event =
  | StepEvent
  | DnsEvent
  | WebEvent
  | WebClosedEvent
  | FetchOpenEvent
  | PolicyEvent
  | TlsEvent
  | SmtpEvent
  | MailEvent
  | SenderEvent
  | ReportEvent
  | LabEvent;

/**
 * A step begins in one leg: its names carry `label`, and `policy` is what the domain honestly
 * publishes.
 */
export interface StepEvent {
  readonly kind: 'step-started';
  /** What makes the names of this leg its own (names.ts). */
  readonly label: string;
  readonly policy: PolicySpec;
  /** Patterns of that policy, qualified. */
  readonly permittedMx: readonly string[];
}

export interface DnsEvent {
  readonly kind: 'dns-query';
  readonly name: string;
  readonly type: string;
  readonly transport: 'udp' | 'tcp';
  /** `NOERROR 2`, `NXDOMAIN`, `dropped`, … */
  readonly answer: string;
  /** What the AD bit of the answer said (RFC 4035 §3.2.3), where the query was about DNSSEC. */
  readonly ad?: boolean;
  /** Where its chain of CNAMEs ends, if it has one. */
  readonly target?: string;
  /** The TLSA records in it, as in a zone file. */
  readonly tlsa?: readonly string[];
}

/** A connection to a host of the web: the policy host's, or the report inbox. */
export interface WebEvent {
  readonly kind: 'web-connection';
  readonly connection: string;
  readonly service: 'policy-host' | 'report-host';
  readonly host: string;
  readonly scheme: 'https' | 'http';
}

/** The end of a connection to a policy host. */
export interface WebClosedEvent {
  readonly kind: 'web-closed';
  readonly connection: string;
  readonly host: string;
  /** To the sender, TLS included. */
  readonly sentBytes: number;
}

/** A connection to a policy host that was still open when the wait for its end was over. */
export interface FetchOpenEvent {
  readonly kind: 'fetch-open';
  readonly connection: string;
  /** For so long at least. */
  readonly seconds: number;
}

/** A request to a policy host, once its answer is out, or will never be. */
export interface PolicyEvent {
  readonly kind: 'policy-request';
  readonly host: string;
  readonly scheme: 'https' | 'http';
  readonly method: string;
  readonly path: string;
  readonly hostHeader: string;
  readonly conditional: boolean;
  /** 0: no answer. */
  readonly status: number;
  /** The whole body went out under this status. */
  readonly complete: boolean;
  /** A right client may take the answer for one, or not. */
  readonly inDoubt?: true;
  /** The server's certificate was one that a sender may accept. */
  readonly authenticated: boolean;
  readonly contentType?: string;
  /** The body answered, when short. */
  readonly body?: string;
  /** It was no UTF-8: U+FFFD stands in `body` for what was none. */
  readonly invalidUtf8?: true;
}

/** What a ClientHello offers; numbers are of IANA's registries, in hex, with blanks between. */
export interface Offer {
  /** `TLSv1.3`, … , in its order; the highest alone where it lists none (RFC 8446 §4.2.1). */
  readonly versions: readonly string[];
  readonly ciphers: string;
  readonly groups: string;
  /** Groups that it has sent a key share for (RFC 8446 §4.2.8). */
  readonly shares: string;
  readonly signatures: string;
  readonly alpn: readonly string[];
  /** By number, in order. */
  readonly extensions: readonly number[];
}

/** A TLS handshake with a sender, as the server saw it. */
export interface TlsEvent {
  readonly kind: 'tls-handshake';
  readonly connection: string;
  readonly service: 'mx' | 'policy-host' | 'report-host';
  readonly host: string;
  /** A ClientHello has come (RFC 8446 §4.1.2). */
  readonly hello: boolean;
  /** Its SNI; empty: none sent. */
  readonly servername: string;
  /** Of that ClientHello. */
  readonly offer?: Offer;
  readonly certificate: string;
  /** Whether that certificate identifies `host` to a sender that follows the RFCs. */
  readonly authenticated: boolean;
  /** Where DNS is signed, what was shown: the server's own certificate, then those it sent along. */
  readonly chain?: readonly ShownCertificate[];
  readonly result: 'completed' | 'failed';
  readonly protocol?: string;
  readonly cipher?: string;
  /**
   * After a first flight that was written by hand the sender has gone on with the handshake; false:
   * it has broken it off.
   */
  readonly wentOn?: boolean;
  /** Name of the alert the sender sent (RFC 8446 §6), or why the handshake failed. */
  readonly reason?: string;
}

export type SmtpEvent =
  | {
      readonly kind: 'smtp-connection';
      readonly connection: string;
      readonly mx: string;
      /** Its key in the plan, where that is another: a further address of the MX. */
      readonly host?: string;
      readonly address: string;
      /** Which of the step's connections to the host it is, from 1. */
      readonly nth: number;
      /** Where it came from. */
      readonly peer?: string;
    }
  | {
      readonly kind: 'smtp-command';
      readonly connection: string;
      readonly mx: string;
      /** Upper case. */
      readonly verb: string;
      readonly line: string;
      readonly secure: boolean;
      /** The connection is TLS with a certificate that identifies the MX. */
      readonly authenticated: boolean;
      /** The command was already there before the reply to the one before it went out. */
      readonly early: boolean;
    }
  | {
      readonly kind: 'smtp-reply';
      readonly connection: string;
      readonly mx: string;
      readonly to: string;
      readonly reply: string;
      readonly changed: boolean;
    }
  /** Message content passed the path. */
  | {
      readonly kind: 'smtp-data';
      readonly connection: string;
      readonly mx: string;
      readonly secure: boolean;
      readonly authenticated: boolean;
      readonly bytes: number;
      readonly tokens: readonly string[];
      readonly excerpt: string;
      /** How much of a message of ours it holds, or quotes: the header, or the body too. */
      readonly quotes?: 'header' | 'body';
    }
  /** A sender spoke bytes that are no TLS where TLS had to follow. */
  | {
      readonly kind: 'smtp-garbage';
      readonly connection: string;
      readonly mx: string;
      readonly excerpt: string;
    }
  | {
      readonly kind: 'smtp-closed';
      readonly connection: string;
      readonly mx: string;
      readonly by: 'sender' | 'path';
      /** `alert:unknown_ca`, `after QUIT`, `reset`, … */
      readonly how: string;
      /** The command whose reply was held back at the time (`untilSpoken`). */
      readonly held?: string;
    };

/** The only thing that may say "arrived": the honest exchanger answered 250 after DATA. */
export interface MailEvent {
  readonly kind: 'message-accepted';
  readonly connection: string;
  readonly mx: string;
  readonly secure: boolean;
  readonly authenticated: boolean;
  /** Empty: the null reverse-path of a DSN. */
  readonly mailFrom: string;
  readonly rcptTo: readonly string[];
  /** Message tokens found in the content. */
  readonly tokens: readonly string[];
  readonly subject: string;
  /** Of a DSN, its action, in lower case: `failed`, `delayed`, … (RFC 3464 §2.3.3). */
  readonly dsnAction?: string;
  /** Of a DSN, its first status: `5.7.30` (RFC 3464 §2.3.4). */
  readonly dsnStatus?: string;
  /** Of a DSN that names them, the tokens of the recipients for which it says `failed`. */
  readonly dsnFailed?: readonly string[];
}

export type SenderEvent =
  | {
      /** For one recipient; of a message with several there are as many, one after the other. */
      readonly kind: 'message-submitted';
      readonly token: string;
      readonly from: string;
      readonly to: string;
      readonly requiretls?: true;
      readonly tlsRequired?: 'no';
    }
  /** The sender could not be given a message, and says what of it its submission cannot carry. */
  | { readonly kind: 'message-uncarried'; readonly detail: string }
  | ({ readonly kind: 'sender-status' } & MessageStatus)
  /** The bound on waiting was reached and these messages had no status. */
  | {
      readonly kind: 'settle-timeout';
      readonly tokens: readonly string[];
      readonly boundMs: number;
    }
  | { readonly kind: 'queue-flushed' }
  /** The sender was told to look for new policies. */
  | { readonly kind: 'policies-refreshed' }
  | { readonly kind: 'queue-listed'; readonly tokens: readonly string[] }
  | { readonly kind: 'time-advanced'; readonly seconds: number }
  | { readonly kind: 'sender-restarted' }
  /** `date`: of this machine, in RFC 3339. */
  | { readonly kind: 'reports-asked-for'; readonly date?: string }
  | { readonly kind: 'sender-failed'; readonly detail: string };

/** Of the path of a report, what is kept. */
export const LONGEST_PATH = 2000;

/** A TLSRPT report (RFC 8460) reached the inbox, by POST or by mail. */
export interface ReportEvent {
  readonly kind: 'report-received';
  /** The inbox, or the MX that took the mail. */
  readonly host: string;
  /** Of the request; default: POST. */
  readonly method?: string;
  /** Of the request, as it stood there: at most LONGEST_PATH characters. */
  readonly path?: string;
  /** That it was answered with. */
  readonly status?: number;
  /** Of the POST, or of what is attached to the mail. */
  readonly contentType: string;
  /** It was packed by gzip, whatever it was called. */
  readonly zipped?: boolean;
  /** A byte order mark stood before it. */
  readonly marked?: boolean;
  /** The parsed JSON; undefined when it was none, and `problem` says why. */
  readonly report?: unknown;
  readonly problem?: string;
  /** It came by mail. */
  readonly mail?: MailedReport;
}

/** How a report came by mail (RFC 8460 §3, §5.3). */
export interface MailedReport {
  readonly from: string;
  readonly to: readonly string[];
  readonly secure: boolean;
  /** The header fields that RFC 8460 asks for, unfolded, in their order; names in lower case. */
  readonly headers: readonly { readonly key: string; readonly value: string }[];
  /** There is a part that people can read. */
  readonly hasText: boolean;
  /** What was taken for the report; none: nothing was. */
  readonly attachment?: {
    readonly mimeType: string;
    readonly filename?: string;
    readonly isGzip: boolean;
  };
  /** How many attachments are as much like a report as that one; it is one of them. */
  readonly alike: number;
  /** What became of its DKIM signatures (RFC 6376), in their order. */
  readonly dkim: readonly DkimSignature[];
}

export interface DkimSignature {
  /** d= */
  readonly domain: string;
  /** s= */
  readonly selector: string;
  /** RFC 8601 §2.7.1: `pass`, `fail`, `neutral`, `policy`, `temperror`. */
  readonly result: string;
  readonly why?: string;
  /** The key record, as it was found. */
  readonly key?: string;
}

export type LabEvent =
  /** How slow the lab itself was while the scenario ran. */
  | {
      readonly kind: 'lab-health';
      readonly eventLoopDelayMs: number;
      readonly slowestAnswerMs: number;
    }
  /** More was seen than is kept of one trial, most of it of this kind; the rest is not known. */
  | { readonly kind: 'flooded'; readonly most: Event['kind'] }
  /** Something of the lab's own went wrong; never the sender's fault. */
  | { readonly kind: 'lab-fault'; readonly detail: string };

/**
 * Everything a verdict is made from. Saved as scenario.json, evidence.ndjson and verdict.json.
 */
export interface Evidence {
  readonly observations: readonly Observation[];
}
