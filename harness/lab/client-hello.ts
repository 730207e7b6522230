/**
 * The ClientHello, as far as the lab reads it by itself (RFC 8446 §4.1.2, §5.1; RFC 6066 §3): that
 * it is one, whether it is all there, which host name it asks for, and what it offers. Node tells
 * the name to a callback only, which is silent when a session is resumed, and the rest to nobody.
 */

import type { Offer } from '../model/observation.ts';

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const RECORD_HEADER_BYTES = 5;
const HANDSHAKE_HEADER_BYTES = 4;
const HOST_NAME = 0;
const EXTENSION = {
  serverName: 0,
  groups: 10,
  signatures: 13,
  alpn: 16,
  versions: 43,
  keyShare: 51,
} as const;

export type Hello =
  /** More has to come. */
  | { readonly kind: 'partial' }
  /** No TLS at all. */
  | { readonly kind: 'none' }
  /** `servername` is empty where none was sent. */
  | {
      readonly kind: 'whole';
      readonly servername: string;
      readonly offer: Offer;
      readonly random: Buffer;
      readonly sessionId: Buffer;
    };

const NOTHING: Offer = {
  versions: [],
  ciphers: '',
  groups: '',
  shares: '',
  signatures: '',
  alpn: [],
  extensions: [],
};

type Whole = Extract<Hello, { kind: 'whole' }>;
const EMPTY: Whole = {
  kind: 'whole',
  servername: '',
  offer: NOTHING,
  random: Buffer.alloc(0),
  sessionId: Buffer.alloc(0),
};

/** Reads what a client has sent first. Whatever it is, it throws nothing. */
export function readClientHello(bytes: Buffer): Hello {
  if (bytes.length === 0) return { kind: 'partial' };
  if (isSsl2Hello(bytes)) return { ...EMPTY, offer: { ...NOTHING, versions: ['SSLv2'] } };
  if (!isRecord(bytes)) return { kind: 'none' };
  const { message, isWhole } = joinFragments(bytes);
  const length = message.length < HANDSHAKE_HEADER_BYTES ? undefined : message.readUIntBE(1, 3);
  if (length === undefined || message.length < HANDSHAKE_HEADER_BYTES + length)
    return isWhole ? EMPTY : { kind: 'partial' };
  if (message[0] !== CLIENT_HELLO) return { kind: 'none' };
  const body = message.subarray(HANDSHAKE_HEADER_BYTES, HANDSHAKE_HEADER_BYTES + length);
  return readBody(body);
}

/** RFC 6101 appendix E: a record header of two bytes, and CLIENT-HELLO. */
export function isSsl2Hello(bytes: Buffer): boolean {
  return ((bytes[0] ?? 0) & 0x80) !== 0 && bytes[2] === CLIENT_HELLO && (bytes[3] ?? 0) <= 3;
}

/** The first byte is that of a TLS record, and the version one that there is. */
export function isRecord(bytes: Buffer): boolean {
  const type = bytes[0] ?? 0;
  return type >= 20 && type <= 24 && (bytes[1] ?? 3) === 3;
}

/**
 * Bytes of the record at the start, its header included; undefined: the header is not all there.
 */
export function recordLength(bytes: Buffer): number | undefined {
  return bytes.length < RECORD_HEADER_BYTES
    ? undefined
    : RECORD_HEADER_BYTES + bytes.readUInt16BE(3);
}

/**
 * A handshake message can lie in several records. `isWhole`: something else follows, so that no
 * more of it will come.
 */
function joinFragments(bytes: Buffer): { message: Buffer; isWhole: boolean } {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const record = bytes.subarray(at);
    const length = recordLength(record);
    if (record.length > 0 && record[0] !== HANDSHAKE)
      return { message: Buffer.concat(parts), isWhole: true };
    if (length === undefined || record.length < length) break;
    parts.push(record.subarray(RECORD_HEADER_BYTES, length));
    at += length;
  }
  return { message: Buffer.concat(parts), isWhole: false };
}

/** RFC 8446 §4.1.2: version, random, session id, cipher suites, compression methods, extensions. */
function readBody(body: Buffer): Whole {
  const offer: { -readonly [K in keyof Offer]: Offer[K] } = { ...NOTHING };
  const random = body.subarray(2, 34);
  let sessionId = EMPTY.sessionId;
  let servername = '';
  try {
    offer.versions = [versionName(body.readUInt16BE(0))];
    let at = 2 + 32;
    sessionId = body.subarray(at + 1, at + 1 + body.readUInt8(at));
    at += 1 + body.readUInt8(at);
    offer.ciphers = hex(vector(body, at));
    at += 2 + body.readUInt16BE(at);
    at += 1 + body.readUInt8(at);
    const end = at + 2 + body.readUInt16BE(at);
    at += 2;
    while (at < end) {
      const type = body.readUInt16BE(at);
      const content = vector(body, at + 2);
      offer.extensions = [...offer.extensions, type];
      if (type === EXTENSION.serverName) servername = hostNameIn(content);
      if (type === EXTENSION.groups) offer.groups = hex(content.subarray(2));
      if (type === EXTENSION.signatures) offer.signatures = hex(content.subarray(2));
      if (type === EXTENSION.alpn) offer.alpn = protocolsIn(content.subarray(2));
      if (type === EXTENSION.keyShare) offer.shares = sharesIn(content.subarray(2));
      // RFC 8446 §4.2.1: where this is sent, the version before it does not count.
      if (type === EXTENSION.versions) offer.versions = versionsIn(content.subarray(1));
      at += 4 + content.length;
    }
  } catch (error) {
    // It ends before its lengths do, or has no extensions.
    if (!(error instanceof RangeError)) throw error;
  }
  return { kind: 'whole', servername, offer, random, sessionId };
}

/** The bytes behind a length of two bytes. */
function vector(bytes: Buffer, at: number): Buffer {
  return bytes.subarray(at + 2, at + 2 + bytes.readUInt16BE(at));
}

/** Numbers of two bytes, in hex. */
const hex = (bytes: Buffer) => bytes.toString('hex').replace(/.{4}(?=.)/g, '$& ');

function versionsIn(list: Buffer): string[] {
  const numbers = Array.from({ length: list.length >> 1 }, (_, nth) => list.readUInt16BE(nth * 2));
  // RFC 8701: what is of this form is there to be passed over.
  return numbers.filter((number) => (number & 0x0f0f) !== 0x0a0a).map(versionName);
}

function versionName(number: number): string {
  const names = ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];
  return names[number - 0x0300] ?? `0x${number.toString(16).padStart(4, '0')}`;
}

/** RFC 8446 §4.2.8: the groups of the shares. */
function sharesIn(list: Buffer): string {
  const groups: string[] = [];
  for (let at = 0; at < list.length; at += 4 + vector(list, at + 2).length)
    groups.push(hex(list.subarray(at, at + 2)));
  return groups.join(' ');
}

function protocolsIn(list: Buffer): string[] {
  const names: string[] = [];
  for (let at = 0; at < list.length; at += 1 + list[at]!)
    names.push(list.subarray(at + 1, at + 1 + list[at]!).toString('latin1'));
  return names;
}

function hostNameIn(list: Buffer): string {
  let at = 2;
  while (at < list.length) {
    const length = list.readUInt16BE(at + 1);
    if (list[at] === HOST_NAME) return list.subarray(at + 3, at + 3 + length).toString('latin1');
    at += 3 + length;
  }
  return '';
}
