/**
 * One X.509 certificate: put together node by node as DER, signed with node:crypto.
 *
 * forge has no EC keys, and its own signing is slow; this way a P-256 certificate costs well under
 * a millisecond. Nothing here asks whether a certificate makes sense: the lab issues wrong ones on
 * purpose. What strict verifiers insist on is the same in all of them: version 3, a random serial
 * number, both key identifiers, and an issuer that is the signer's subject byte for byte (RFC 5280
 * §4.1, §4.2).
 */

import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import {
  bitString,
  decode,
  encode,
  implicit,
  integer,
  isTrue,
  type Node,
  octetString,
  oid,
  sequence,
  set,
  tagged,
  time,
  utf8String,
} from './der.ts';

/** A key pair, in the forms that certificates and servers take. */
export interface Key {
  readonly privateKey: KeyObject;
  /** PKCS #8. */
  readonly privateKeyPem: string;
  readonly subjectPublicKeyInfo: Node;
  /** The key identifier, as a binary string. */
  readonly identifier: string;
}

/** Who signs: a name and its EC key. */
export interface Signer {
  readonly name: Node;
  readonly key: Key;
}

/** Both left out: an empty subject. */
export interface Subject {
  readonly organization?: string;
  readonly commonName?: string;
}

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** What a certificate says, apart from keys. An extension that is left out is not there. */
export interface CertificateContent {
  readonly subject: Subject;
  readonly validity: Validity;
  /** In the basic constraints; `unsaid`: there are none (RFC 5280 §4.2.1.9). */
  readonly isCa: boolean | 'unsaid';
  /** How many CAs may stand below it on a path. */
  readonly pathLength?: number;
  readonly keyUsage?: keyof typeof KEY_USAGE;
  readonly extendedKeyUsage?: keyof typeof KEY_PURPOSE;
  /** The entries of the subjectAltName: dNSName, (IPv4) iPAddress, URI and rfc822Name. */
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly uris?: readonly string[];
  readonly mailAddresses?: readonly string[];
  /** Name constraint: the only dNSName subtree a CA may issue for (RFC 5280 §4.2.1.10). */
  readonly permittedDnsName?: string;
  /** A critical extension that no verifier knows. */
  readonly hasUnknownExtension?: true;
  /** Of the signature; default sha256. */
  readonly digest?: keyof typeof ECDSA_WITH;
}

/** The certificate, in PEM, of the public half of `key`. Signed by `signer`; default: by itself. */
export function issueCertificate(content: CertificateContent, key: Key, signer?: Signer): string {
  const subject = distinguishedName(content.subject);
  const { name: issuer, key: signingKey } = signer ?? { name: subject, key };
  const digest = content.digest ?? 'sha256';
  const signatureAlgorithm = sequence(oid(ECDSA_WITH[digest])); // RFC 5758 §3.2: no parameters.
  const tbsCertificate = sequence(
    tagged(0, integer('\x02')), // v3
    integer(serialNumber()),
    signatureAlgorithm,
    issuer,
    sequence(time(content.validity.notBefore), time(content.validity.notAfter)),
    subject,
    key.subjectPublicKeyInfo,
    tagged(3, sequence(...extensions(content, key, signingKey))),
  );
  const signature = sign(digest, encode(tbsCertificate), signingKey.privateKey);
  return toPem(
    encode(sequence(tbsCertificate, signatureAlgorithm, bitString(signature.toString('latin1')))),
  );
}

/** A new EC key; takes 0.1 ms. */
export function createKey(namedCurve: 'P-256' | 'P-384' = 'P-256'): Key {
  return keyOf(generateKeyPairSync('ec', { namedCurve }).privateKey);
}

/**
 * A P-256 private key, PEM, that says it belongs to the public key of `shown`, and does not: what
 * it signs does not verify. RFC 5915 §3: the public key stands last.
 */
export function mismatchedKeyPem(shown: Key): string {
  const parts = [createKey(), shown].map(({ privateKey }) =>
    privateKey.export({ type: 'sec1', format: 'der' }),
  );
  const [other, own] = parts as [Buffer, Buffer];
  const der = Buffer.concat([other.subarray(0, -65), own.subarray(-65)]);
  return toPem(der, 'EC PRIVATE KEY');
}

/** A private key of any kind, ready for certificates. */
export function keyOf(privateKey: KeyObject): Key {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return {
    privateKey,
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    subjectPublicKeyInfo: decode(spki),
    // RFC 5280 §4.2.1.2: 160 bits from a digest of the key; which digest is up to the CA.
    identifier: createHash('sha256').update(spki).digest().toString('latin1', 0, 20),
  };
}

/**
 * From so many days after `now` (milliseconds since the epoch) to so many; days may be negative.
 */
export function validity(now: number, [fromDays, toDays]: readonly [number, number]): Validity {
  return {
    notBefore: new Date(now + fromDays * DAY_MS),
    notAfter: new Date(now + toDays * DAY_MS),
  };
}

const DAY_MS = 86_400_000;

/**
 * RFC 5280 §4.1.2.4. Always UTF8String: `*` is no PrintableString, and a name has to have the same
 * bytes wherever it stands.
 */
export function distinguishedName({ organization, commonName }: Subject): Node {
  const rdn = (type: string, text?: string) =>
    text === undefined ? [] : [set(sequence(oid(type), utf8String(text)))];
  return sequence(...rdn('2.5.4.10', organization), ...rdn('2.5.4.3', commonName));
}

/** RFC 5280 §4.2.1, in the order of its sections. */
function extensions(content: CertificateContent, key: Key, signingKey: Key): Node[] {
  const names = [
    ...(content.dnsNames ?? []).map((name) => implicit(2, name)),
    ...(content.uris ?? []).map((uri) => implicit(6, uri)),
    ...(content.mailAddresses ?? []).map((address) => implicit(1, address)),
    ...(content.ipAddresses ?? []).map((address) =>
      implicit(7, String.fromCharCode(...address.split('.').map(Number))),
    ),
  ];
  const hasSubject = Object.values(content.subject).some((part) => part !== undefined);
  return [
    extension('2.5.29.35', sequence(implicit(0, signingKey.identifier))),
    extension('2.5.29.14', octetString(key.identifier)),
    content.keyUsage && extension('2.5.29.15', KEY_USAGE[content.keyUsage], 'critical'),
    // §4.2.1.6: critical if, and only if, the subject is empty.
    names.length > 0 &&
      extension('2.5.29.17', sequence(...names), hasSubject ? undefined : 'critical'),
    content.isCa !== 'unsaid' &&
      extension('2.5.29.19', basicConstraints(content.isCa, content.pathLength), 'critical'),
    content.permittedDnsName &&
      extension('2.5.29.30', permittedSubtree(content.permittedDnsName), 'critical'),
    content.extendedKeyUsage &&
      extension('2.5.29.37', sequence(oid(KEY_PURPOSE[content.extendedKeyUsage]))),
    content.hasUnknownExtension && extension(UNKNOWN_EXTENSION, utf8String('?'), 'critical'),
  ].filter((node) => typeof node === 'object');
}

function extension(id: string, value: Node, critical?: 'critical'): Node {
  return sequence(
    oid(id),
    ...(critical ? [isTrue()] : []),
    octetString(encode(value).toString('latin1')),
  );
}

function basicConstraints(isCa: boolean, pathLength?: number): Node {
  const length = pathLength === undefined ? [] : [integer(String.fromCharCode(pathLength))];
  return sequence(...(isCa ? [isTrue(), ...length] : []));
}

/** Of the arc that ITU-T X.660 keeps for examples. */
const UNKNOWN_EXTENSION = '2.999.1';

function permittedSubtree(dnsName: string): Node {
  return sequence(tagged(0, sequence(implicit(2, dnsName))));
}

/** RFC 5280 §4.2.1.3. */
const KEY_USAGE = {
  digitalSignature: bitString('\x80', 7),
  /** keyCertSign and cRLSign. */
  authority: bitString('\x06', 1),
} as const;

/** RFC 5280 §4.2.1.12. */
const KEY_PURPOSE = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2' } as const;

/** RFC 5758 §3.2, RFC 3279 §2.2.3. */
const ECDSA_WITH = { sha256: '1.2.840.10045.4.3.2', sha1: '1.2.840.10045.4.1' } as const;

/**
 * RFC 5280 §4.1.2.2: positive and unique; the first byte keeps it clear of the sign bit and of
 * leading zeros.
 */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8() & 0x3f) | 0x40);
  return bytes.toString('latin1');
}

function toPem(der: Buffer, what = 'CERTIFICATE'): string {
  const lines = der.toString('base64').match(/.{1,64}/g)!;
  return [`-----BEGIN ${what}-----`, ...lines, `-----END ${what}-----`, ''].join('\n');
}
