/**
 * LabPlan: the whole world one scenario's sender will see, as plain data.
 *
 * An attack is a pure function LabPlan → LabPlan; the lab's servers obey the result. The vocabulary
 * here is the vocabulary of the YAML `patch`, so whatever a server can be told to do can be told
 * without code.
 *
 * Names are written as `victim.test`, `mx1.victim.test`, `attacker.test`; the runner makes every
 * `.test` name unique before the lab sees it (see names.ts). A value that is left out means "as an
 * honest server would".
 */

export interface LabPlan {
  readonly dns: DnsPlan;
  /**
   * By host name, e.g. `mta-sts.victim.test`. Each has an address of its own and listens on 443
   * (and on 80 if `plainHttp`).
   */
  readonly policyHosts: Readonly<Record<string, PolicyHostPlan>>;
  /**
   * By published MX host name. Each has an address of its own; the path listens there on port 25.
   */
  readonly mxHosts: Readonly<Record<string, MxPlan>>;
  /** TLSRPT https endpoints, by host name; port 443, path `/tlsrpt`. */
  readonly reportHosts: Readonly<Record<string, ReportHostPlan>>;
}

// ---- DNS ----

export interface DnsPlan {
  /** The zones as published. */
  readonly records: readonly DnsRecord[];
  /** What the name server does instead; the first rule that matches a question wins. */
  readonly rules: readonly DnsRule[];
}

export type DnsRecord = {
  readonly name: string /** seconds; default 0 */;
  readonly ttl?: number;
} & DnsData;

export type DnsData =
  /** `host` names a host of this plan (its address is answered) or is an IPv4 literal. */
  | { readonly type: 'A'; readonly host: string }
  | { readonly type: 'MX'; readonly preference: number; readonly exchange: string }
  /** An array gives the character-strings one by one; a string is cut at 255 bytes. */
  | { readonly type: 'TXT'; readonly text: string | readonly string[] }
  | { readonly type: 'CNAME'; readonly target: string }
  /** `data` in hex. */
  | {
      readonly type: 'TLSA';
      readonly usage: number;
      readonly selector: number;
      readonly matching: number;
      readonly data: string;
    };

export type DnsAnswer =
  | 'honest'
  | 'nxdomain'
  | 'nodata'
  | 'servfail'
  | 'refused'
  | 'drop'
  | 'truncate'
  /** CNAMEs are not chased: the client has to ask again. */
  | 'cname-only';

export interface DnsRule {
  readonly name: string;
  /** `A`, `MX`, `TXT`, … or `*`. */
  readonly type: string;
  /** Only these queries for the name and type, counted from 1 within a step. */
  readonly nth?: readonly number[];
  readonly answer?: DnsAnswer;
  /** Spoofed answer: these records instead of the zone's. */
  readonly records?: readonly DnsRecord[];
  readonly delayMs?: number;
  /** The AD bit (RFC 4035 §3.2.3). */
  readonly ad?: boolean;
}

// ---- reachability and TLS, shared by every host ----

/**
 * `refused`: nothing listens. `silent`: the connection opens and nobody ever speaks. `reset`:
 * opened, then RST.
 */
export type Reach = 'open' | 'refused' | 'silent' | 'reset';

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** What happens when the ClientHello arrives. `alert` is a fatal handshake_failure. */
export type Handshake = 'complete' | 'alert' | 'reset' | 'close' | 'stall' | 'garbage';

/** What a host's certificate is like; certs/profiles.ts says how each is made. */
export const CERTIFICATE_PROFILES = [
  'right',
  'right-rsa',
  'right-intermediate',
  'wildcard',
  'empty-subject',
  'expired',
  'not-yet-valid',
  'self-signed',
  'unknown-ca',
  'missing-intermediate',
  'expired-intermediate',
  'non-ca-issuer',
  'name-constraint',
  'wrong-name',
  'other-listed-mx',
  'recipient-domain',
  'common-name-only',
  'common-name-right',
  'common-name-wrong',
  'ip-address-only',
  'wildcard-too-high',
  'wildcard-partial',
  'wildcard-inner',
  'nul-in-name',
  'client-auth-only',
  'sha1',
  'weak-key',
] as const;
export type CertificateProfile = (typeof CERTIFICATE_PROFILES)[number];

export interface TlsPlan {
  /** Default `right`. */
  readonly certificate?: CertificateProfile;
  /** The host name the certificate is made for; default the host's own. */
  readonly certificateFor?: string;
  /** The profile shown to a client that sends no SNI; default: as with SNI. */
  readonly certificateWithoutSni?: CertificateProfile;
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
  readonly handshake?: Handshake;
}

// ---- policy host ----

export interface PolicyHostPlan {
  readonly reach?: Reach;
  readonly tls?: TlsPlan;
  /** By path; any other path is 404. The policy is at POLICY_PATH. */
  readonly pages: Readonly<Record<string, PagePlan>>;
  /** Serve the same pages on port 80 as well (RFC 8461 §3.3 forbids senders to use them). */
  readonly plainHttp?: boolean;
}

export interface PagePlan {
  readonly status?: number;
  /** Default `{ 'content-type': 'text/plain' }`; a header set to null is not sent. */
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly body: string;
  /**
   * `whole` (content-length), `chunked`, `truncated` (half the body, then close, under a full
   * content-length), `endless` (the body again and again), `slow` (a byte now and then, for ever),
   * `none` (no answer at all).
   */
  readonly transfer?: 'whole' | 'chunked' | 'truncated' | 'endless' | 'slow' | 'none';
}

export const POLICY_PATH = '/.well-known/mta-sts.txt';

// ---- MX: the path in front of an honest exchanger ----

export interface MxPlan {
  readonly reach?: Reach;
  /** Instead of the honest greeting. */
  readonly greeting?: ReplyPlan;
  readonly beforeTls?: DialoguePlan;
  readonly afterTls?: DialoguePlan;
  readonly starttls?: StarttlsPlan;
  readonly tls?: TlsPlan;
  /** Changes for some connections only, counted from 1 within a step. */
  readonly connections?: readonly {
    readonly nth: readonly number[];
    readonly change: Omit<MxPlan, 'connections'>;
  }[];
}

export interface DialoguePlan {
  readonly ehlo?: EhloPlan;
  /**
   * By SMTP verb in upper case (`MAIL`, `RCPT`, `DATA`, `.` for the end of data, …): the reply
   * instead of the honest one.
   */
  readonly replies?: Readonly<Record<string, ReplyPlan>>;
}

export interface EhloPlan {
  /** Keywords whose lines are taken out. */
  readonly remove?: readonly string[];
  /** Lines changed in place, by keyword: `{ STARTTLS: 'XXXXXXXA' }`. */
  readonly overwrite?: Readonly<Record<string, string>>;
  /** Lines added at the end. */
  readonly add?: readonly string[];
}

export interface ReplyPlan {
  /** Full reply line(s): `454 4.7.0 TLS not available`. Left out: the honest reply. */
  readonly text?: string | readonly string[];
  readonly delayMs?: number;
  /**
   * What the path does once the reply is out (with no text: instead of replying, unless
   * `continue`).
   */
  readonly then?: 'continue' | 'close' | 'reset' | 'stall';
}

export interface StarttlsPlan {
  /**
   * The reply to STARTTLS; default `220 2.0.0 Ready to start TLS`. Any other code than 220 and the
   * dialogue goes on in clear.
   */
  readonly reply?: ReplyPlan;
  /**
   * Lines that follow the 220 in the same TCP segment, in clear (CVE-2011-0411 towards the client).
   */
  readonly inject?: readonly string[];
  /** After 220: `handshake` (then `tls` decides), or `plaintext`: SMTP simply goes on in clear. */
  readonly then?: 'handshake' | 'plaintext';
}

// ---- report inbox ----

export interface ReportHostPlan {
  readonly reach?: Reach;
  readonly tls?: TlsPlan;
  /** Status answered to a POST; default 200. */
  readonly status?: number;
}

// ---- names every plan has ----

export const VICTIM = 'victim.test';
export const ATTACKER = 'attacker.test';
export const SENDER_DOMAIN = 'sender.test';
export const SENDER_MX = 'mx.sender.test';
export const POLICY_HOST = `mta-sts.${VICTIM}`;
export const STS_NAME = `_mta-sts.${VICTIM}`;
export const TLSRPT_NAME = `_smtp._tls.${VICTIM}`;
export const REPORT_HOST = `tlsrpt.${VICTIM}`;
