/**
 * LabPlan: the whole world one scenario's sender will see, as plain data.
 *
 * An attack is a pure function LabPlan → LabPlan; the lab's servers obey the result. The schemas
 * here are the one source of the vocabulary: the plan's types, the options of attacks and the YAML
 * `patch` are made from them, so whatever a server can be told to do can be told without code.
 *
 * Names are written as `victim.test`, `mx1.victim.test`, `attacker.test`; the runner makes every
 * `.test` name unique before the lab sees it (see names.ts). A value that is left out means "as an
 * honest server would".
 */

import { z } from 'zod';
import { NameError, normalizeName } from '../protocol/name.ts';

/** Read-only, all the way down. */
export type Immutable<T> = T extends (infer Item)[]
  ? readonly Immutable<Item>[]
  : T extends object
    ? { readonly [K in keyof T]: Immutable<T[K]> }
    : T;

// ---- parts ----

/** Text, or a list of texts. */
export const lines = z.string().or(z.array(z.string()));
/** An hour: no sender waits longer, and no timer of Node's longer than weeks. */
const milliseconds = z.int().nonnegative().max(3_600_000);
/** Counted from 1. */
export const nth = z.array(z.int().positive()).min(1);
const ttl = z.int().min(0).max(2_147_483_647);
const byte = z.int().min(0).max(255);
const preference = z.int().min(0).max(65_535);

/**
 * A name of the lab. Runs make every `.test` name their own (names.ts); any other name would be
 * somebody's. U-labels become A-labels, since that is what goes over the wire (RFC 5890 §2.3.2).
 */
export const testName = z
  .string()
  .regex(/^\S+\.[tT][eE][sS][tT]\.?$/, 'only .test names')
  .transform((name, context) => {
    if (/^[\x00-\x7f]*$/.test(name)) return name;
    try {
      return normalizeName(name);
    } catch (error) {
      if (!(error instanceof NameError)) throw error;
      context.addIssue({ code: 'custom', message: error.message, input: name });
      return z.NEVER;
    }
  });
const testNameOrRoot = z.union([testName, z.literal('.')]);

// ---- DNS ----

const owner = {
  name: testName.describe('The owner name.'),
  ttl: ttl.optional().describe('Seconds. Default: 0.'),
};

export const dnsRecord = z.discriminatedUnion('type', [
  z.strictObject({
    ...owner,
    type: z.literal('A').describe('An address.'),
    host: z
      .union([z.ipv4('expected a .test name or an IPv4 address'), testName])
      .describe("A host of the scenario, for that host's address, or an IPv4 address."),
  }),
  z.strictObject({
    ...owner,
    type: z.literal('MX').describe('A mail exchanger.'),
    preference: preference.describe('The lowest is tried first.'),
    exchange: testNameOrRoot.describe('Its host name; `.` for none (RFC 7505).'),
  }),
  z.strictObject({
    ...owner,
    type: z.literal('TXT').describe('A text.'),
    text: lines.describe('The text; a list gives its character-strings one by one.'),
  }),
  z.strictObject({
    ...owner,
    type: z.literal('CNAME').describe('An alias.'),
    target: testName.describe('The name it leads to.'),
  }),
  z.strictObject({
    ...owner,
    type: z.literal('TLSA').describe('A certificate association (RFC 6698).'),
    usage: byte.describe('Certificate usage.'),
    selector: byte.describe('Selector.'),
    matching: byte.describe('Matching type.'),
    data: z
      .string()
      .regex(/^([0-9a-fA-F]{2})+$/, 'expected pairs of hex digits')
      .describe('Certificate association data, in hex.'),
  }),
]);
/** A string is cut at 255 bytes into character-strings; an array gives them one by one. */
export type DnsRecord = Immutable<z.output<typeof dnsRecord>>;

/** `cname-only`: CNAMEs are not chased, and the client has to ask again. */
const dnsAnswer = z.enum([
  'honest',
  'nxdomain',
  'nodata',
  'servfail',
  'refused',
  'drop',
  'truncate',
  'cname-only',
]);
export type DnsAnswer = z.output<typeof dnsAnswer>;

export const dnsRule = z.strictObject({
  name: testName.describe('The name asked for.'),
  type: z.string().describe('The type asked for: A, MX, TXT, TLSA, … or * for any.'),
  nth: nth
    .optional()
    .describe('Only these queries for the name and type, counted from 1 within a step.'),
  answer: dnsAnswer
    .optional()
    .describe('What is answered; default the zone, or the records given.'),
  records: z.array(dnsRecord).optional().describe("Forged records, instead of the zone's."),
  delayMs: milliseconds.optional().describe('Milliseconds before the answer goes out.'),
  ad: z.boolean().optional().describe('The AD bit of the answer (RFC 4035 §3.2.3).'),
});
export type DnsRule = Immutable<z.output<typeof dnsRule>>;

export interface DnsPlan {
  /** The zones as published. */
  readonly records: readonly DnsRecord[];
  /** What the name server does instead; the first rule that matches a question wins. */
  readonly rules: readonly DnsRule[];
}

// ---- reachability and TLS, shared by every host ----

/**
 * `refused`: nothing listens. `silent`: the connection opens and nobody ever speaks. `reset`:
 * opened, then RST.
 */
export const reach = z.enum(['open', 'refused', 'silent', 'reset']);
export type Reach = z.output<typeof reach>;

/** What happens when the ClientHello arrives. `alert` is a fatal handshake_failure. */
export const handshake = z.enum(['complete', 'alert', 'reset', 'close', 'stall', 'garbage']);
export type Handshake = z.output<typeof handshake>;

const tlsVersion = z.enum(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']);
export type TlsVersion = z.output<typeof tlsVersion>;
export const tlsVersions = {
  minVersion: tlsVersion.optional().describe('Oldest TLS version spoken.'),
  maxVersion: tlsVersion.optional().describe('Newest TLS version spoken.'),
};

/** What a host's certificate is like; certs/profiles.ts says how each is made. */
export const RIGHT_CERTIFICATES = [
  'right',
  'right-rsa',
  'right-intermediate',
  'right-and-recipient-domain',
  'wildcard',
  'empty-subject',
] as const;
export const CERTIFICATE_PROFILES = [
  ...RIGHT_CERTIFICATES,
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
const certificateProfile = z.enum(CERTIFICATE_PROFILES);
export type CertificateProfile = z.output<typeof certificateProfile>;

export const tlsPlan = z.strictObject({
  certificate: certificateProfile.optional().describe('Certificate profile; default right.'),
  certificateFor: z
    .string()
    .optional()
    .describe("Host name the certificate is made for; default the host's own."),
  certificateWithoutSni: certificateProfile
    .optional()
    .describe('Profile shown to a client that sends no SNI; default the same.'),
  ...tlsVersions,
  handshake: handshake.optional().describe('What answers the ClientHello.'),
});
export type TlsPlan = Immutable<z.output<typeof tlsPlan>>;

// ---- policy host ----

export const httpHeaders = z
  .record(z.string(), z.string().nullable())
  .describe('Headers set, by name; null takes one away.');

/**
 * `whole` (content-length), `chunked`, `truncated` (half the body, then close, under a full
 * content-length), `endless` (the body again and again), `slow` (a byte now and then, for ever),
 * `none` (no answer at all).
 */
export const transfer = z
  .enum(['whole', 'chunked', 'truncated', 'endless', 'slow', 'none'])
  .describe(
    'truncated: half, then close; endless: again and again; slow: a byte now and then; none: no answer.',
  );

export const page = z.strictObject({
  status: z.int().min(200).max(599).optional().describe('HTTP status; default 200.'),
  headers: httpHeaders.optional(),
  body: z.string().describe('The body, UTF-8.'),
  bodyBase64: z
    .base64()
    .optional()
    .describe('The body, byte by byte, instead; for what is no UTF-8.'),
  transfer: transfer.optional(),
});
/** Default headers: `{ 'content-type': 'text/plain' }`. */
export type PagePlan = Immutable<z.output<typeof page>>;

export const plainHttp = z
  .boolean()
  .describe('The same pages on port 80 as well (RFC 8461 §3.3 forbids senders to use them).');

export interface PolicyHostPlan {
  readonly reach?: Reach;
  readonly tls?: TlsPlan;
  /** By path; any other path is 404. The policy is at POLICY_PATH. */
  readonly pages: Readonly<Record<string, PagePlan>>;
  readonly plainHttp?: boolean;
}

export const POLICY_PATH = '/.well-known/mta-sts.txt';

// ---- MX: the path in front of an honest exchanger ----

/** With no text: instead of replying, unless `continue`. */
export const afterReply = z
  .enum(['continue', 'close', 'reset', 'stall'])
  .describe('What follows the reply (with no text: instead of it, unless continue).');

export const replyPlan = z.strictObject({
  text: lines.optional().describe('Full reply line(s), code first; default the honest reply.'),
  delayMs: milliseconds.optional().describe('Milliseconds before the reply goes out.'),
  untilSpoken: z
    .boolean()
    .optional()
    .describe(
      'The reply is held back until the sender says something or hangs up, 3 seconds at most.',
    ),
  then: afterReply.optional(),
});
export type ReplyPlan = Immutable<z.output<typeof replyPlan>>;

export const ehloPlan = z.strictObject({
  remove: z.array(z.string()).optional().describe('Keywords whose lines are taken out.'),
  overwrite: z
    .record(z.string(), z.string())
    .optional()
    .describe("Lines changed in place, by keyword: { STARTTLS: 'XXXXXXXA' }."),
  add: z.array(z.string()).optional().describe('Lines added at the end.'),
});
export type EhloPlan = Immutable<z.output<typeof ehloPlan>>;

const dialoguePlan = z.strictObject({
  ehlo: ehloPlan.optional(),
  replies: z
    .record(z.string(), replyPlan)
    .optional()
    .describe('By SMTP verb in upper case; . is the end of data.'),
});
export type DialoguePlan = Immutable<z.output<typeof dialoguePlan>>;

const starttlsPlan = z.strictObject({
  reply: replyPlan
    .optional()
    .describe(
      'Default: 220 2.0.0 Ready to start TLS. With any other code the dialogue goes on in clear.',
    ),
  inject: z
    .array(z.string())
    .optional()
    .describe('Lines that follow the 220 in its TCP segment, in clear.'),
  then: z
    .enum(['handshake', 'plaintext'])
    .optional()
    .describe('What follows the 220: a TLS handshake, or SMTP goes on in clear.'),
});
export type StarttlsPlan = Immutable<z.output<typeof starttlsPlan>>;

/** What an MX host does on one connection. */
const mxConnection = {
  reach: reach.optional(),
  greeting: replyPlan.optional().describe('Instead of the honest greeting.'),
  beforeTls: dialoguePlan.optional(),
  afterTls: dialoguePlan.optional(),
  starttls: starttlsPlan.optional(),
  tls: tlsPlan.optional(),
};

export const mxPlan = z.strictObject({
  as: testName
    .optional()
    .describe('The MX host that this is another address of; its name counts, in all respects.'),
  ...mxConnection,
  connections: z
    .array(z.strictObject({ nth, change: z.strictObject(mxConnection) }))
    .optional()
    .describe('Changes for some connections only, counted from 1 within a step.'),
});
export type MxPlan = Immutable<z.output<typeof mxPlan>>;

// ---- report inbox ----

export interface ReportHostPlan {
  readonly reach?: Reach;
  readonly tls?: TlsPlan;
  /** Status answered to a POST; default 200. */
  readonly status?: number;
}

// ---- the whole ----

export interface LabPlan {
  readonly dns: DnsPlan;
  /**
   * By host name, e.g. `mta-sts.victim.test`. Each has an address of its own and listens on 443
   * (and on 80 if `plainHttp`).
   */
  readonly policyHosts: Readonly<Record<string, PolicyHostPlan>>;
  /**
   * By published MX host name. Each has an address of its own, or several; the path listens there
   * on port 25.
   */
  readonly mxHosts: Readonly<Record<string, MxPlan>>;
  /** TLSRPT https endpoints, by host name; port 443, path `/tlsrpt`. */
  readonly reportHosts: Readonly<Record<string, ReportHostPlan>>;
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
