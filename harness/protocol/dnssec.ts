/**
 * DNSSEC as bytes (RFC 4034): canonical names and RRsets, DNSKEY, DS, RRSIG and NSEC. What is
 * digested and what is signed is made here; whoever holds the keys digests and signs it.
 *
 * Names are written with dots, a character for each octet; the root is the empty name.
 */

export const RR_TYPE = {
  NS: 2,
  SOA: 6,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  TLSA: 52,
} as const;

/** RFC 6605 §2: ECDSA with curve P-256 and SHA-256; a signature is r and s, 32 octets each. */
export const ECDSAP256SHA256 = 13;
/** RFC 4509 §2.1. */
const SHA256_DIGEST = 2;
/** RFC 4034 §2.1.1: Zone Key and Secure Entry Point. */
const KEY_FLAGS = 257;
const KEY_PROTOCOL = 3;

/** RFC 4034 §6.2, RFC 6840 §5.1: the name in full, its letters in lower case. */
export function canonicalName(name: string): Uint8Array {
  const labels = name.split('.').filter((label) => label !== '');
  return bytes(
    ...labels.flatMap((label) => [
      label.length,
      ...Array.from(label, (char) => octet(char.charCodeAt(0))),
    ]),
    0,
  );
}

/** Records with the same owner name and type; `rdata` with every name in it canonical. */
export interface RrSet {
  readonly name: string;
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  readonly rdata: readonly Uint8Array[];
}

/** RFC 4034 §2.1. */
export function dnskeyRdata(publicKey: Uint8Array): Uint8Array {
  return concat(uint16(KEY_FLAGS), bytes(KEY_PROTOCOL, ECDSAP256SHA256), publicKey);
}

/** RFC 4034 Appendix B: the key tag of a DNSKEY record. */
export function keyTag(dnskey: Uint8Array): number {
  let sum = 0;
  dnskey.forEach((value, at) => {
    sum += at % 2 === 0 ? value << 8 : value;
  });
  return (sum + (sum >>> 16)) & 0xffff;
}

/** RFC 4034 §5.1.4: what the digest of a DS record is made of. */
export function dsDigestInput(zone: string, dnskey: Uint8Array): Uint8Array {
  return concat(canonicalName(zone), dnskey);
}

/** RFC 4034 §5.1; `digest` by SHA-256. */
export function dsRdata(tag: number, algorithm: number, digest: Uint8Array): Uint8Array {
  return concat(uint16(tag), bytes(algorithm, SHA256_DIGEST), digest);
}

export interface SignatureTerms {
  readonly algorithm: number;
  readonly keyTag: number;
  /** The zone. */
  readonly signer: string;
  /** Seconds since 1970. */
  readonly inception: number;
  readonly expiration: number;
}

/** RFC 4034 §3.1: an RRSIG record's data up to its signature. */
export function rrsigHead(
  { name, type, ttl }: RrSet,
  { algorithm, keyTag: tag, signer, inception, expiration }: SignatureTerms,
): Uint8Array {
  const labels = name.split('.').filter((label) => label !== '' && label !== '*').length;
  return concat(
    uint16(type),
    bytes(algorithm, labels),
    uint32(ttl),
    uint32(expiration),
    uint32(inception),
    uint16(tag),
    canonicalName(signer),
  );
}

/** RFC 4034 §3.1.8.1: what is signed; each record once, in canonical order (§6.3). */
export function signedData({ name, type, ttl, rdata }: RrSet, head: Uint8Array): Uint8Array {
  const owner = canonicalName(name);
  const records = rdata
    .toSorted(compareOctets)
    .filter((data, at, all) => at === 0 || compareOctets(data, all[at - 1]!) !== 0)
    .map((data) =>
      concat(owner, uint16(type), bytes(0, 1), uint32(ttl), uint16(data.length), data),
    );
  return concat(head, ...records);
}

/** RFC 4034 §4.1. */
export function nsecRdata(next: string, types: readonly number[]): Uint8Array {
  return concat(canonicalName(next), typeBitmap(types));
}

/** RFC 4034 §4.1.2. */
function typeBitmap(types: readonly number[]): Uint8Array {
  const windows = [...new Set(types.map((type) => type >>> 8))].toSorted((a, b) => a - b);
  return concat(
    ...windows.map((window) => {
      const inside = types.filter((type) => type >>> 8 === window).map((type) => type & 0xff);
      const bitmap = new Uint8Array((Math.max(...inside) >>> 3) + 1);
      for (const type of inside) bitmap[type >>> 3]! |= 0x80 >>> (type & 7);
      return concat(bytes(window, bitmap.length), bitmap);
    }),
  );
}

/**
 * RFC 4470 §3.1.2: the ends of a span that holds a name, all names below it, and none that a zone
 * has beside it. `name` is not the root.
 */
export function spanAround(name: string): { readonly from: string; readonly to: string } {
  const [label = '', ...parent] = name.split('.');
  const last = label.charCodeAt(label.length - 1);
  const before = label.slice(0, -1) + (last > 0 ? String.fromCharCode(octetBefore(last)) : '');
  const fill = last > 0 && before.length < LONGEST_LABEL ? '\xff' : '';
  const after = label.length < LONGEST_LABEL ? `${label}\0` : labelAfter(label);
  return { from: [before + fill, ...parent].join('.'), to: [after, ...parent].join('.') };
}

/** RFC 4470 §3.1.1: the name that comes first after a name. */
export function firstBelow(name: string): string {
  return name === '' ? '\0' : `\0.${name}`;
}

const LONGEST_LABEL = 63;
/** In the order of names `A` to `Z` are where `a` to `z` are. */
const [BEFORE_CAPITALS, AFTER_CAPITALS] = [0x40, 0x5b];

const octetBefore = (code: number) => (code === AFTER_CAPITALS ? BEFORE_CAPITALS : code - 1);
const octetAfter = (code: number) => (code === BEFORE_CAPITALS ? AFTER_CAPITALS : code + 1);

/** The first that comes after it and is no longer; none comes after the last of all. */
function labelAfter(label: string): string {
  const rest = label.replace(/\xff+$/, '');
  return rest.slice(0, -1) + String.fromCharCode(octetAfter(rest.charCodeAt(rest.length - 1)));
}

/** RFC 4034 §6.3: as left-justified octets, what ends first being first. */
function compareOctets(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  if (at === -1) return a.length - b.length;
  return b[at] === undefined ? 1 : a[at]! - b[at];
}

/** US-ASCII letters in lower case. */
function octet(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
}

function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

function uint16(value: number): Uint8Array {
  return bytes(value >>> 8, value);
}

function uint32(value: number): Uint8Array {
  return bytes(value >>> 24, value >>> 16, value >>> 8, value);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
