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
/** RFC 5321 §4.2.1. What is no reply is given byte by byte. */
const replyLine = z
  .string()
  .regex(
    /^[0-9]{3}(?:[ -]|\r?\n|$)/,
    'a reply line begins with its code, as 250 or 250-; bytes take anything',
  );
export const replyLines = replyLine.or(z.array(replyLine));
/** An hour: no sender waits longer, and no timer of Node's longer than weeks. */
const milliseconds = z.int().nonnegative().max(3_600_000);
/** Counted from 1. */
export const nth = z.array(z.int().positive()).min(1);
const ttl = z.int().min(0).max(2_147_483_647);
const byte = z.int().min(0).max(255);
const preference = z.int().min(0).max(65_535);

/** Each character a byte; in double quotes YAML has all of them: "\\0", "\\xff", "\\r\\n". */
const byteText = z.string().regex(/^[\x00-\xff]*$/, 'a character above U+00FF is no byte');

/** `repeat`: so many `times`, or for ever, and then nothing follows. */
const rawBytes = z.union([
  byteText,
  z
    .array(
      z.union([
        byteText,
        z.strictObject({
          repeat: byteText.min(1).describe('What is sent again and again.'),
          times: z.int().positive().max(1_000_000).optional().describe('Default: without end.'),
        }),
      ]),
    )
    .min(1),
]);
export type RawBytes = Immutable<z.output<typeof rawBytes>>;

const pace = z.strictObject({
  bytes: z.int().positive().default(1).describe('So many bytes at a time.'),
  everyMs: milliseconds.min(1).describe('So many milliseconds between them.'),
});
export type Pace = Immutable<z.output<typeof pace>>;

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

// ---- certificates ----

/** What a host's certificate is like; certs/profiles.ts says how each is made. */
export const RIGHT_CERTIFICATES = [
  'right',
  'right-rsa',
  'right-intermediate',
  'right-and-recipient-domain',
  'wildcard',
  'empty-subject',
  'upper-case-name',
  'many-names',
  'right-p384',
  'reversed-chain',
  'more-certificates',
  'cross-signed',
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
  'path-too-long',
  'issuer-without-constraints',
  'issuer-may-not-sign',
  'unknown-extension',
  'forged-signature',
  'wrong-key',
  'wrong-name',
  'other-listed-mx',
  'recipient-domain',
  'common-name-only',
  'common-name-right',
  'common-name-wrong',
  'common-name-and-address',
  'ip-address-only',
  'wildcard-too-high',
  'wildcard-partial',
  'wildcard-inner',
  'wildcard-of-all',
  'wildcard-twice',
  'wildcard-below',
  'longer-name',
  'name-of-another-type',
  'overlong-name',
  'nul-in-name',
  'client-auth-only',
  'sha1',
  'weak-key',
] as const;
export const certificateProfile = z.enum(CERTIFICATE_PROFILES);
export type CertificateProfile = z.output<typeof certificateProfile>;

// ---- DNS ----

const owner = {
  name: testName.describe('The owner name; `*.` and a name: a wildcard (RFC 4592).'),
  ttl: ttl.optional().describe('Seconds. Default: 0.'),
};

/** Of a TLSA record, what it holds: word for word, or made from a certificate of the lab. */
const tlsaData = {
  data: z
    .string()
    .regex(/^([0-9a-fA-F]{2})+$/, 'expected pairs of hex digits')
    .optional()
    .describe('Certificate association data, in hex. Default: made from a certificate.'),
  of: z
    .strictObject({
      host: testName
        .optional()
        .describe('Whose certificate. Default: that of the host the record is for.'),
      profile: certificateProfile.optional().describe('Its certificate profile; default right.'),
      part: z
        .enum(['own', 'issuer'])
        .optional()
        .describe("own: the host's own certificate, the default; issuer: that of its issuer."),
    })
    .optional()
    .describe('The certificate that the data is made from.'),
  bytes: z
    .int()
    .min(0)
    .max(4096)
    .optional()
    .describe('The data is cut to this length, or filled up with zeros.'),
};

export const tlsaSpec = z.strictObject({
  usage: byte.default(3).describe('Certificate usage. Default: 3.'),
  selector: byte.default(1).describe('Selector. Default: 1.'),
  matching: byte.default(1).describe('Matching type. Default: 1.'),
  ...tlsaData,
});
export type TlsaSpec = Immutable<z.output<typeof tlsaSpec>>;

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
    type: z.literal('AAAA').describe('An IPv6 address (RFC 3596).'),
    host: z
      .union([z.ipv6('expected a .test name or an IPv6 address'), testName])
      .describe("A host of the scenario, for that host's IPv6 address, or an address."),
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
    ...tlsaData,
  }),
]);
/** A string is cut at 255 bytes into character-strings; an array gives them one by one. */
export type DnsRecord = Immutable<z.output<typeof dnsRecord>>;
export type TlsaRecord = Extract<DnsRecord, { type: 'TLSA' }>;

/**
 * `cname-only`: CNAMEs are not chased, and the client has to ask again. `referral`: to a name server
 * that knows no more, and nothing else (a lame delegation).
 */
const dnsAnswer = z.enum([
  'honest',
  'nxdomain',
  'nodata',
  'servfail',
  'refused',
  'drop',
  'truncate',
  'cname-only',
  'referral',
]);
export type DnsAnswer = z.output<typeof dnsAnswer>;

/**
 * What a validator makes of each follows from RFC 4035 §5. Of a DS record, `other-key` and
 * `unknown-algorithm` are what it says of the zone's key, itself rightly signed.
 */
const dnssecFault = z
  .enum([
    'proven',
    'claimed',
    'unsigned',
    'expired',
    'not-yet-valid',
    'other-key',
    'unknown-algorithm',
    'no-denial',
    'forged-denial',
  ])
  .describe(
    'proven: forged as it is, signed like the zone; claimed: no signatures, and the AD bit all the same; no-denial: that there is nothing is not proven; forged-denial: it is, by the NSEC record of another name; else what is wrong with the signatures.',
  );
export type DnssecFault = z.output<typeof dnssecFault>;

const dnsPacket = z.enum([
  'wrong-id',
  'wrong-question',
  'query',
  'cut-short',
  'huge',
  'compression-loop',
  'garbage',
]);
export type DnsPacket = z.output<typeof dnsPacket>;

/** A type that the lab's name server knows by name, or any by its number (RFC 3597 §5). */
export const dnsType = z
  .string()
  .regex(
    /^(?:A|AAAA|ANY|CAA|CNAME|DNSKEY|DS|MX|NS|NSEC|PTR|RRSIG|SOA|SRV|TLSA|TXT|TYPE[0-9]{1,5})$/,
    'unknown type: A, AAAA, MX, TXT, CNAME, TLSA, … in capitals, or a number, TYPE65',
  );

export const dnsRule = z.strictObject({
  name: testName.describe('The name asked for.'),
  type: z
    .union([dnsType, z.literal('*')])
    .describe('The type asked for: A, MX, TXT, TLSA, … or * for any.'),
  nth: nth
    .optional()
    .describe('Only these queries for the name and type, counted from 1 within a step.'),
  answer: dnsAnswer
    .optional()
    .describe('What is answered; default the zone, or the records given.'),
  records: z.array(dnsRecord).optional().describe("Forged records, instead of the zone's."),
  extra: z
    .array(dnsRecord)
    .optional()
    .describe('Records of any name put behind those of the answer.'),
  additional: z
    .array(dnsRecord)
    .optional()
    .describe('Records of any name in the additional section.'),
  ede: z
    .strictObject({
      code: z.int().min(0).max(65_535).describe('Its info code.'),
      text: z.string().max(200).optional().describe('Its extra text.'),
    })
    .optional()
    .describe('An extended error with the answer, for those who speak EDNS (RFC 8914).'),
  packet: dnsPacket
    .optional()
    .describe('The answer is a packet that no client may take for one (RFC 5452 §9).'),
  followed: z
    .boolean()
    .optional()
    .describe(
      'With packet: a stranger has sent it, over UDP alone, and the answer as it would be without this rule follows at once.',
    ),
  delayMs: milliseconds.optional().describe('Milliseconds before the answer goes out.'),
  ad: z
    .boolean()
    .optional()
    .describe(
      "Whether the answer is secure, the AD bit (RFC 4035 §3.2.3). Default: as its zone is for the zone's own records, and not for anything else.",
    ),
  dnssec: dnssecFault.optional(),
});
export type DnsRule = Immutable<z.output<typeof dnsRule>>;

export interface DnsPlan {
  /** The zones as published. */
  readonly records: readonly DnsRecord[];
  /** What the name server does instead; the first rule that matches a question wins. */
  readonly rules: readonly DnsRule[];
  /** Zones that are signed, delegated from `test` with a DS record (RFC 4035 §2.4). */
  readonly secure?: readonly string[];
}

// ---- reachability and TLS, shared by every host ----

/**
 * `refused`: nothing listens. `silent`: the connection opens and nobody ever speaks. `reset`:
 * opened, then RST.
 */
export const reach = z.enum(['open', 'refused', 'silent', 'reset']);
export type Reach = z.output<typeof reach>;

/** What happens when the ClientHello arrives. */
export const handshake = z.enum(['complete', 'alert', 'reset', 'close', 'stall', 'garbage']);
export type Handshake = z.output<typeof handshake>;

/** Descriptions of fatal alerts (RFC 8446 §6). */
export const ALERTS = {
  close_notify: 0,
  unexpected_message: 10,
  bad_record_mac: 20,
  record_overflow: 22,
  handshake_failure: 40,
  illegal_parameter: 47,
  decode_error: 50,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  inappropriate_fallback: 86,
  missing_extension: 109,
  unrecognized_name: 112,
  certificate_required: 116,
  no_application_protocol: 120,
} as const;
export const alert = z
  .enum(Object.keys(ALERTS) as [keyof typeof ALERTS, ...(keyof typeof ALERTS)[]])
  .describe('Description of the fatal alert that is sent; default handshake_failure.');

export const tlsVersion = z.enum(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']);
export type TlsVersion = z.output<typeof tlsVersion>;

/** By their names in OpenSSL; the last are for nobody who wants to be safe. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-SHA',
  'DHE-RSA-AES128-GCM-SHA256',
  'AES128-GCM-SHA256',
  'AES128-SHA',
  'ECDHE-ECDSA-NULL-SHA',
  'ECDHE-RSA-NULL-SHA',
  'NULL-SHA256',
  'AECDH-AES128-SHA',
  'AECDH-NULL-SHA',
] as const;

/** How a host speaks TLS that it does speak. */
export const tlsManner = {
  minVersion: tlsVersion.optional().describe('Oldest TLS version spoken.'),
  maxVersion: tlsVersion.optional().describe('Newest TLS version spoken.'),
  ciphers: z
    .array(z.enum(CIPHERS))
    .min(1)
    .optional()
    .describe('The only cipher suites spoken; RSA in a name asks for a certificate with RSA.'),
  groups: z
    .array(z.enum(['X25519', 'P-256', 'P-384', 'P-521']))
    .min(1)
    .optional()
    .describe(
      'The only groups for the key exchange; P-521 takes most clients a second ClientHello.',
    ),
  clientCertificate: z
    .enum(['requested', 'required'])
    .optional()
    .describe('The client is asked for a certificate; required: without one TLS fails.'),
  alpn: z
    .array(z.string().min(1).max(255))
    .min(1)
    .optional()
    .describe('The only application protocols spoken (RFC 7301).'),
  recordBytes: z
    .int()
    .min(1)
    .max(16_384)
    .optional()
    .describe('Records of the handshake that are in clear hold no more than this.'),
};

/** RFC 5246 §7.3: the first flight of a server, in order. */
export const FLIGHT = ['server-hello', 'certificate', 'key-exchange', 'done'] as const;

export const flight = z.strictObject({
  version: z
    .enum(['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2'])
    .optional()
    .describe('Version in the ServerHello; default TLSv1.2.'),
  sentinel: z
    .boolean()
    .optional()
    .describe('Its random says that the server knows TLS 1.3 (RFC 8446 §4.1.3).'),
  renegotiationInfo: z
    .boolean()
    .optional()
    .describe('It has renegotiation_info (RFC 5746 §3.6); default true.'),
  helloRetries: z
    .int()
    .min(2)
    .max(5)
    .optional()
    .describe('So many HelloRetryRequests of TLS 1.3 instead; one is all that there can be.'),
  dhBits: z
    .literal([1024, 2048])
    .optional()
    .describe('The key exchange is DHE, with a prime of this size; default ECDHE.'),
  upTo: z.enum(FLIGHT).optional().describe('The last message that is sent; default done.'),
  then: handshake
    .exclude(['complete'])
    .optional()
    .describe('What follows, once the sender has answered a whole flight; default alert.'),
});
export type FlightPlan = Immutable<z.output<typeof flight>>;

export const tlsPlan = z.strictObject({
  certificate: certificateProfile.optional().describe('Certificate profile; default right.'),
  certificateFor: z
    .string()
    .optional()
    .describe("Host name the certificate is made for; default the host's own."),
  certificateWithoutSni: certificateProfile
    .optional()
    .describe('Profile shown to a client that sends no SNI; default the same.'),
  sendsRoot: z
    .boolean()
    .optional()
    .describe('The root is sent along, as DANE-TA wants it (RFC 7672 §3.1.2).'),
  ...tlsManner,
  handshake: handshake.optional().describe('What answers the ClientHello.'),
  alert: alert.optional(),
  flight: flight
    .optional()
    .describe('A first flight of TLS 1.2, written by hand, answers the ClientHello.'),
});
export type TlsPlan = Immutable<z.output<typeof tlsPlan>>;

// ---- policy host ----

export const httpHeaders = z
  // RFC 9110 §5.1: names in any case are the same.
  .record(z.string().toLowerCase(), z.string().nullable())
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

const pageContent = {
  status: z.int().min(200).max(599).optional().describe('HTTP status; default 200.'),
  headers: httpHeaders.optional(),
  body: z.string().describe('The body, UTF-8.'),
  bodyBase64: z
    .base64()
    .optional()
    .describe('The body, byte by byte, instead; for what is no UTF-8.'),
  transfer: transfer.optional(),
  coding: z
    .enum(['gzip', 'deflate', 'br'])
    .optional()
    .describe('Content coding of the body, whether asked for or not (RFC 9110 §8.4).'),
  informational: z
    .array(z.union([z.literal(100), z.literal(103)]))
    .optional()
    .describe('Interim answers before the answer itself (RFC 9110 §15.2).'),
  answer: rawBytes
    .optional()
    .describe(
      'The whole answer, byte by byte; a list gives the segments. {body} stands for the body, {length} and {hex} for its length.',
    ),
  taken: z
    .enum(['always', 'maybe', 'never'])
    .optional()
    .describe(
      'Whether a right client takes the answer, as it is written, for one. Default: always; maybe for a coding that was not asked for.',
    ),
};

export const page = z.strictObject({
  ...pageContent,
  requests: z
    .array(z.strictObject({ nth, change: z.strictObject(pageContent).partial() }))
    .optional()
    .describe('Changes for some requests only, counted from 1 within a step.'),
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
  text: replyLines.optional().describe('Full reply line(s), code first; default the honest reply.'),
  bytes: rawBytes
    .optional()
    .describe(
      'Instead of text: byte by byte, with no line end but those written; a list gives the segments.',
    ),
  pace: pace.optional().describe('The reply goes out bit by bit; default at once.'),
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
  add: z
    .array(z.string())
    .optional()
    .describe(
      'Lines added at the end. The exchanger takes no more by that: BDAT, say, is refused.',
    ),
});
export type EhloPlan = Immutable<z.output<typeof ehloPlan>>;

const dialoguePlan = z.strictObject({
  ehlo: ehloPlan.optional(),
  replies: z
    .record(z.string(), replyPlan)
    .optional()
    .describe('By SMTP verb in upper case; . is the end of data.'),
  cutContentAfter: z
    .int()
    .positive()
    .optional()
    .describe('The connection is reset once so many bytes of content have come.'),
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
  port: z.int().min(1).max(65_535).optional().describe('It listens at this port too.'),
  as: testName
    .optional()
    .describe('The MX host that this is another address of; its name counts, in all respects.'),
  requiretls: z
    .boolean()
    .optional()
    .describe('REQUIRETLS is offered inside TLS, and MAIL may carry it (RFC 8689 §2).'),
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
  /** It also listens on port 80, in clear. */
  readonly plainHttp?: boolean;
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
  /** TLSRPT https endpoints, by host name; port 443 (and 80 if `plainHttp`), path `/tlsrpt`. */
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
