/**
 * The plan's types again, as the schemas that options are made of; no attack itself. patch.ts has
 * the compiler hold the two equal.
 */

import { z } from 'zod';
import { CERTIFICATE_PROFILES } from '../model/plan.ts';

export const lines = z.string().or(z.array(z.string()));
export const ms = z.int().nonnegative().optional();
const nth = z.array(z.int().positive()).min(1);

/** Options of every attack on MX hosts. */
export const whichMx = {
  mx: lines.default('*').describe('MX host, or list of them; * is every MX host of the domain'),
  nth: nth.optional().describe('Only these connections, counted from 1 within a step'),
};

// ---- DNS ----

const owner = {
  name: z.string(),
  ttl: z.int().nonnegative().optional().describe('Seconds; default 0'),
};

export const dnsRecord = z.discriminatedUnion('type', [
  z.strictObject({
    ...owner,
    type: z.literal('A'),
    host: z.string().describe('A host of the plan, or an IPv4 address'),
  }),
  z.strictObject({
    ...owner,
    type: z.literal('MX'),
    preference: z.int().nonnegative(),
    exchange: z.string(),
  }),
  z.strictObject({
    ...owner,
    type: z.literal('TXT'),
    text: lines.describe('A list gives the character-strings one by one'),
  }),
  z.strictObject({ ...owner, type: z.literal('CNAME'), target: z.string() }),
  z.strictObject({
    ...owner,
    type: z.literal('TLSA'),
    usage: z.int(),
    selector: z.int(),
    matching: z.int(),
    data: z.hex(),
  }),
]);

export const dnsRule = z.strictObject({
  name: z.string().describe('The name asked for'),
  type: z.string().describe('The type asked for: A, MX, TXT, TLSA, … or * for any'),
  nth: nth
    .optional()
    .describe('Only these queries for the name and type, counted from 1 within a step'),
  answer: z
    .enum(['honest', 'nxdomain', 'nodata', 'servfail', 'refused', 'drop', 'truncate', 'cname-only'])
    .optional()
    .describe('What is answered; default the zone, or the records given'),
  records: z.array(dnsRecord).optional().describe("Forged records, instead of the zone's"),
  delayMs: ms.describe('Milliseconds before the answer goes out'),
  ad: z.boolean().optional().describe('The AD bit of the answer (RFC 4035 §3.2.3)'),
});

// ---- reachability and TLS ----

export const reach = z.enum(['open', 'refused', 'silent', 'reset']);
export const handshake = z.enum(['complete', 'alert', 'reset', 'close', 'stall', 'garbage']);

export const tlsVersions = {
  minVersion: z
    .enum(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'])
    .optional()
    .describe('Oldest TLS version spoken'),
  maxVersion: z
    .enum(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'])
    .optional()
    .describe('Newest TLS version spoken'),
};

export const tls = z.strictObject({
  certificate: z
    .enum(CERTIFICATE_PROFILES)
    .optional()
    .describe('Certificate profile; default right'),
  certificateFor: z
    .string()
    .optional()
    .describe("Host name the certificate is made for; default the host's own"),
  certificateWithoutSni: z
    .enum(CERTIFICATE_PROFILES)
    .optional()
    .describe('Profile shown to a client that sends no SNI; default the same'),
  ...tlsVersions,
  handshake: handshake.optional().describe('What answers the ClientHello'),
});

// ---- policy host ----

export const headers = z
  .record(z.string(), z.string().nullable())
  .describe('Headers set, by name; null takes one away');
export const transfer = z
  .enum(['whole', 'chunked', 'truncated', 'endless', 'slow', 'none'])
  .describe(
    'truncated: half, then close; endless: again and again; slow: a byte now and then; none: no answer',
  );

export const page = z.strictObject({
  status: z.int().min(200).max(599).optional(),
  headers: headers.optional(),
  body: z.string().optional(),
  transfer: transfer.optional(),
});

// ---- MX ----

export const afterReply = z
  .enum(['continue', 'close', 'reset', 'stall'])
  .optional()
  .describe('What follows the reply (with no text: instead of it, unless continue)');

const reply = z.strictObject({
  text: lines.optional().describe('Full reply line(s); default the honest reply'),
  delayMs: ms.describe('Milliseconds before the reply goes out'),
  then: afterReply,
});

export const ehlo = z.strictObject({
  remove: z.array(z.string()).optional().describe('Keywords whose lines are taken out'),
  overwrite: z
    .record(z.string(), z.string())
    .optional()
    .describe('Lines changed in place, by keyword'),
  add: z.array(z.string()).optional().describe('Lines added at the end'),
});

const dialogue = z.strictObject({
  ehlo: ehlo.optional(),
  replies: z
    .record(z.string(), reply)
    .optional()
    .describe('By SMTP verb in upper case; . is the end of data'),
});

const starttls = z.strictObject({
  reply: reply.optional().describe('Default 220 2.0.0 Ready to start TLS'),
  inject: z.array(z.string()).optional().describe('Lines in clear right after the 220'),
  then: z.enum(['handshake', 'plaintext']).optional().describe('What follows the 220'),
});

const connection = {
  reach: reach.optional(),
  greeting: reply.optional(),
  beforeTls: dialogue.optional(),
  afterTls: dialogue.optional(),
  starttls: starttls.optional(),
  tls: tls.optional(),
};

export const mxHost = z.strictObject({
  ...connection,
  connections: z
    .array(z.strictObject({ nth, change: z.strictObject(connection) }))
    .optional()
    .describe('Changes for some connections only, counted from 1 within a step'),
});
