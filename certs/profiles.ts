/**
 * Profiles: the right certificate for a host, and one way each to be wrong. A profile says only
 * what it changes.
 *
 * A profile authenticates when a sender that follows RFC 8461 §3.3 and §4.2 may take its
 * certificate as proof of the host: the path validates (RFC 5280 §6), and a dNSName matches the
 * host (RFC 9525 §6.3). Where the RFCs and OpenSSL's defaults part, the RFCs decide, and the
 * profile says so: those are the ones that catch real senders.
 */

import type { CertificateProfile } from '../harness/model/plan.ts';
import type { IssuerName } from './authority.ts';
import type { CertificateContent } from './x509.ts';

export interface Profile {
  /** One sentence, for people who choose a certificate. */
  readonly summary: string;
  /** Whether a sender may accept it for the host that it was made for. */
  readonly authenticates: boolean;
  /** What is wrong is not the name, so it authenticates no host whatever. */
  readonly brokenPath?: true;
  /** OpenSSL serves it under `ciphers: 'DEFAULT@SECLEVEL=0'` only. */
  readonly needsLowSecurityLevel?: true;
  /** A request for it must give this name. */
  readonly needs?: 'listedMx' | 'address';
  /** What differs from the right certificate. */
  readonly change?: (names: Names) => Partial<Leaf>;
}

/** A server's certificate before it is signed, and what the server does with it. */
export interface Leaf
  extends Pick<
    CertificateContent,
    'extendedKeyUsage' | 'ipAddresses' | 'uris' | 'mailAddresses' | 'digest' | 'hasUnknownExtension'
  > {
  readonly dnsNames: readonly string[];
  /** Default: the first of dnsNames that fits, as most CAs do. */
  readonly commonName?: string;
  readonly emptySubject?: true;
  /** From and to, in days after now. */
  readonly validDays: readonly [number, number];
  /** `self`: the leaf's own key. */
  readonly issuer: IssuerName | 'self';
  readonly key: 'p256' | 'p384' | 'rsa2048' | 'rsa1024';
  /** The server signs with a key that is not that of the certificate. */
  readonly isOfAnotherKey?: true;
  /** Default: its own, and behind it those between it and the root, in order (RFC 8446 §4.4.2). */
  readonly sends?: 'leaf-alone' | 'reversed' | 'with-more';
}

/** What certificates are made out to. */
export interface Names {
  readonly host: string;
  /** Another MX host that the policy permits. */
  readonly listedMx: string;
  /** Default: the host's parent domain. */
  readonly recipientDomain?: string;
  /** IPv4 address of the host. */
  readonly address: string;
}

/** RFC 2606 §2: no host is ever called this. */
const STRANGER = 'stranger.invalid';

/** By name; the name is what a plan's `certificate` says. */
export const PROFILES = {
  right: { summary: 'The right certificate: EC, signed by the root.', authenticates: true },
  'right-rsa': {
    summary: 'Right, with an RSA key of 2048 bits.',
    authenticates: true,
    change: () => ({ key: 'rsa2048' }),
  },
  'right-intermediate': {
    summary: 'Right, signed by an intermediate CA that the server sends along.',
    authenticates: true,
    change: () => ({ issuer: 'intermediate' }),
  },
  'right-and-recipient-domain': {
    summary: 'Right, and for the recipient domain as well.',
    authenticates: true,
    change: ({ host, recipientDomain }) => ({
      dnsNames: [host, recipientDomain ?? parent(host)],
    }),
  },
  wildcard: {
    summary: 'Right: "*" for the whole leftmost label of the host.',
    authenticates: true, // RFC 8461 §3.3, §4.2
    change: ({ host }) => ({ dnsNames: [`*.${parent(host)}`] }),
  },
  'empty-subject': {
    summary: 'Right: no subject at all, the host in a critical subjectAltName.',
    authenticates: true, // RFC 5280 §4.1.2.6
    change: () => ({ emptySubject: true }),
  },
  'upper-case-name': {
    summary: 'Right, its name in capitals.',
    authenticates: true, // RFC 9525 §6.3
    change: ({ host }) => ({ dnsNames: [host.toUpperCase()] }),
  },
  'many-names': {
    summary: 'Right, the host the last of a thousand names.',
    authenticates: true,
    change: ({ host }) => ({ dnsNames: [...strangers(999), host] }),
  },
  'right-p384': {
    summary: 'Right, with an EC key on P-384.',
    authenticates: true,
    change: () => ({ key: 'p384' }),
  },
  'reversed-chain': {
    summary: 'Right, with two intermediate CAs that the server sends in the wrong order.',
    authenticates: true, // RFC 8446 §4.4.2
    change: () => ({ issuer: 'lower-intermediate', sends: 'reversed' }),
  },
  'more-certificates': {
    summary: 'Right, and the server sends certificates that nobody needs before the intermediate.',
    authenticates: true, // RFC 8446 §4.4.2
    change: () => ({ issuer: 'intermediate', sends: 'with-more' }),
  },
  'cross-signed': {
    summary: 'Right, by an intermediate CA that an unknown root has signed as well; both are sent.',
    authenticates: true, // RFC 5280 §6.1: one valid path is enough.
    change: () => ({ issuer: 'cross-signed-intermediate' }),
  },

  // ---- time (RFC 5280 §6.1.3 (a)(2)) ----

  expired: {
    summary: 'Expired yesterday.',
    authenticates: false,
    brokenPath: true,
    change: () => ({ validDays: [-90, -1] }),
  },
  'not-yet-valid': {
    summary: 'Valid from tomorrow.',
    authenticates: false,
    brokenPath: true,
    change: () => ({ validDays: [1, 90] }),
  },

  // ---- trust (RFC 5280 §6.1) ----

  'self-signed': {
    summary: 'Signed with its own key.',
    authenticates: false,
    brokenPath: true,
    change: () => ({ issuer: 'self' }),
  },
  'unknown-ca': {
    summary: 'Signed by a CA that the sender does not trust.',
    authenticates: false,
    brokenPath: true,
    change: () => ({ issuer: 'unknown-root' }),
  },
  'missing-intermediate': {
    summary: 'Signed by an intermediate CA that the server does not send.',
    authenticates: false,
    brokenPath: true,
    change: () => ({ issuer: 'unsent-intermediate', sends: 'leaf-alone' }),
  },
  'expired-intermediate': {
    summary: 'Signed by an intermediate CA that expired yesterday.',
    authenticates: false,
    brokenPath: true,
    change: () => ({ issuer: 'expired-intermediate' }),
  },
  'non-ca-issuer': {
    summary: "Signed with the key of somebody's server certificate, which is no CA.",
    authenticates: false,
    brokenPath: true, // RFC 5280 §6.1.4 (k)
    change: () => ({ issuer: 'server-certificate' }),
  },
  'name-constraint': {
    summary: 'Signed by an intermediate CA whose name constraints leave the host out.',
    authenticates: false,
    brokenPath: true, // RFC 5280 §6.1.3 (b)
    change: () => ({ issuer: 'constrained-intermediate' }),
  },
  'path-too-long': {
    summary: 'Signed by an intermediate CA below one that allows none.',
    authenticates: false,
    brokenPath: true, // RFC 5280 §6.1.4 (l)
    change: () => ({ issuer: 'intermediate-too-many' }),
  },
  'issuer-without-constraints': {
    summary: 'Signed by an intermediate that does not say that it is a CA.',
    authenticates: false,
    brokenPath: true, // RFC 5280 §6.1.4 (k)
    change: () => ({ issuer: 'intermediate-without-constraints' }),
  },
  'issuer-may-not-sign': {
    summary: 'Signed by an intermediate CA whose key usage does not allow it.',
    authenticates: false,
    brokenPath: true, // RFC 5280 §6.1.4 (n)
    change: () => ({ issuer: 'intermediate-that-may-not-sign' }),
  },
  'unknown-extension': {
    summary: 'With a critical extension that nobody knows.',
    authenticates: false,
    brokenPath: true, // RFC 5280 §6.1.5 (f)
    change: () => ({ hasUnknownExtension: true }),
  },
  'forged-signature': {
    summary: "With the root's name as its issuer, and a signature that is not the root's.",
    authenticates: false,
    brokenPath: true, // RFC 5280 §6.1.3 (a)(1)
    change: () => ({ issuer: 'impostor-root' }),
  },
  'wrong-key': {
    summary: 'The right one, shown by somebody who has not its key.',
    authenticates: false,
    brokenPath: true, // RFC 8446 §4.4.3
    change: () => ({ isOfAnotherKey: true }),
  },

  // ---- name (RFC 8461 §3.3, §4.2; RFC 9525 §6) ----

  'wrong-name': {
    summary: 'For a host that has nothing to do with it.',
    authenticates: false,
    change: () => ({ dnsNames: [STRANGER] }),
  },
  'other-listed-mx': {
    summary: 'For another MX host that the policy permits.',
    authenticates: false, // RFC 8461 §4.2: the name to match is the host's, not a pattern of the policy.
    needs: 'listedMx',
    change: ({ listedMx }) => ({ dnsNames: [listedMx] }),
  },
  'recipient-domain': {
    summary: 'For the recipient domain, not for the host.',
    authenticates: false,
    change: ({ host, recipientDomain }) => ({ dnsNames: [recipientDomain ?? parent(host)] }),
  },
  'common-name-only': {
    summary: 'The host in the common name and no subjectAltName; OpenSSL accepts it by default.',
    authenticates: false, // RFC 8461 §4.2 asks for a subjectAltName; RFC 9525 §2: a common name identifies nothing.
    change: ({ host }) => ({ dnsNames: [], commonName: host }),
  },
  'common-name-right': {
    summary: 'The host in the common name, a stranger in the subjectAltName.',
    authenticates: false, // RFC 6125 §6.4.4
    change: ({ host }) => ({ dnsNames: [STRANGER], commonName: host }),
  },
  'common-name-wrong': {
    summary: 'A stranger in the common name and no subjectAltName.',
    authenticates: false,
    change: () => ({ dnsNames: [], commonName: STRANGER }),
  },
  'common-name-and-address': {
    summary:
      'The host in the common name, its address in the subjectAltName; OpenSSL accepts it by default.',
    authenticates: false, // RFC 9525 §2
    needs: 'address',
    change: ({ host, address }) => ({ dnsNames: [], commonName: host, ipAddresses: [address] }),
  },
  'ip-address-only': {
    summary: "The host's address in the subjectAltName, and no name anywhere.",
    authenticates: false, // RFC 8461 §4.2: a DNS-ID.
    needs: 'address',
    change: ({ address }) => ({ dnsNames: [], ipAddresses: [address] }),
  },
  'wildcard-too-high': {
    summary: '"*" one level too high: it would have to stand for two labels.',
    authenticates: false, // RFC 9525 §6.3: for exactly one.
    change: ({ host }) => ({ dnsNames: [`*.${parent(parent(host))}`] }),
  },
  'wildcard-partial': {
    summary: '"*" for part of the leftmost label; OpenSSL accepts it by default.',
    authenticates: false, // RFC 8461 §3.3, RFC 9525 §6.3: only for a whole label.
    change: ({ host }) => ({ dnsNames: [`${host.charAt(0)}*.${parent(host)}`] }),
  },
  'wildcard-inner': {
    summary: '"*" for the second label.',
    authenticates: false, // RFC 9525 §6.3: only the leftmost.
    change: ({ host }) => ({ dnsNames: [`${firstLabel(host)}.*.${parent(parent(host))}`] }),
  },
  'wildcard-of-all': {
    summary: '"*" for all labels but the last.',
    authenticates: false, // RFC 9525 §6.3: for exactly one.
    change: ({ host }) => ({ dnsNames: [`*.${host.slice(host.lastIndexOf('.') + 1)}`] }),
  },
  'wildcard-twice': {
    summary: '"*" for the two leftmost labels.',
    authenticates: false, // RFC 9525 §6.3: one "*" at most.
    change: ({ host }) => ({ dnsNames: [`*.*.${parent(parent(host))}`] }),
  },
  'wildcard-below': {
    summary: '"*" for the names below the host.',
    authenticates: false, // RFC 9525 §6.3: for exactly one label, and not for none.
    change: ({ host }) => ({ dnsNames: [`*.${host}`] }),
  },
  'longer-name': {
    summary: 'For two hosts whose names end with that of the host.',
    authenticates: false, // RFC 9525 §6.3: label by label, and no label is left over.
    change: ({ host }) => ({ dnsNames: [`not${host}`, `a.${host}`] }),
  },
  'name-of-another-type': {
    summary: 'A stranger as the DNS name; the host in a URI and in a mail address.',
    authenticates: false, // RFC 8461 §4.2: a DNS-ID.
    change: ({ host }) => ({
      dnsNames: [STRANGER],
      uris: [`smtp://${host}`],
      mailAddresses: [`postmaster@${host}`],
    }),
  },
  'overlong-name': {
    summary: "The host, and behind it more of an attacker's name than DNS has room for.",
    authenticates: false, // RFC 1034 §3.1: 255 octets
    change: ({ host }) => ({ dnsNames: [`${host}.${'a.'.repeat(150)}attacker.test`] }),
  },
  'nul-in-name': {
    summary: "The host, a NUL byte, and the rest of an attacker's name: a C string ends too early.",
    authenticates: false, // RFC 5280 §4.2.1.6: no such dNSName.
    change: ({ host }) => ({ dnsNames: [`${host}\0.attacker.test`] }),
  },

  // ---- usage ----

  'client-auth-only': {
    summary: 'For TLS clients only.',
    authenticates: false,
    brokenPath: true, // RFC 5280 §4.2.1.12
    change: () => ({ extendedKeyUsage: 'clientAuth' }),
  },

  // ---- strength: MTA-STS is silent on it; it is the TLS below that forbids these, so who accepts
  // them breaks no MUST of RFC 8461 ----

  sha1: {
    summary: 'Signed over SHA-1.',
    authenticates: false, // RFC 8446 §4.4.2.4, RFC 9325 §4.5
    brokenPath: true,
    change: () => ({ digest: 'sha1' }),
  },
  'weak-key': {
    summary: 'An RSA key of 1024 bits.',
    authenticates: false, // RFC 9325 §4.5: 2048 at least
    brokenPath: true,
    needsLowSecurityLevel: true,
    change: () => ({ key: 'rsa1024' }),
  },
} as const satisfies Record<CertificateProfile, Profile>;

const strangers = (count: number) =>
  Array.from({ length: count }, (_, nth) => `host${nth}.stranger.invalid`);
const firstLabel = (host: string) => host.slice(0, host.indexOf('.'));
const parent = (host: string) => host.slice(host.indexOf('.') + 1);
