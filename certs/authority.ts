/**
 * Authority: one root CA, and the issuers under and beside it that good and bad certificates come
 * from.
 *
 * Senders are told to trust the root, and nothing else. The other issuers are made when first asked
 * for.
 */

import {
  type CertificateContent,
  createKey,
  distinguishedName,
  issueCertificate,
  type Signer,
  validity,
} from './x509.ts';

export interface Authority {
  /** The trust anchor, PEM. */
  readonly certificatePem: string;
  issuer(name: IssuerName): Issuer;
  /** The root, PEM, that the certificates of an issuer lead to. */
  rootOf(name: IssuerName): string;
}

interface Issuer extends Signer {
  /** The certificates between leaf and root, PEM: what a server has to send after its own. */
  readonly intermediates: readonly string[];
}

/** The root; a root that nobody trusts; somebody who uses its name; and what the root has signed. */
export type IssuerName = 'root' | 'unknown-root' | 'impostor-root' | keyof typeof INTERMEDIATES;

/**
 * A new authority; synchronous, takes about a millisecond.
 * @param options.commonName of the root; its other issuers are named after it
 * @param options.now milliseconds since the epoch, default the clock's; every validity counts from
 * here
 */
export function createAuthority({
  commonName,
  now = Date.now(),
}: {
  commonName: string;
  now?: number;
}): Authority {
  const root = createRoot(commonName, now);
  const issuers = new Map<IssuerName, Issuer>([['root', root]]);
  return {
    certificatePem: root.certificatePem,
    issuer: issuerOf,
    rootOf: (name) => (issuerOf(name) as Partial<Root>).certificatePem ?? root.certificatePem,
  };
  function issuerOf(name: IssuerName): Issuer {
    const issuer = issuers.get(name) ?? createIssuer(name);
    issuers.set(name, issuer);
    return issuer;
  }
  function createIssuer(name: IssuerName): Issuer {
    if (name === 'root') return root;
    if (name === 'unknown-root') return createRoot(`${commonName}: unknown root`, now);
    // All that the root says of itself, and another key: the signature alone tells them apart.
    if (name === 'impostor-root')
      return { ...root, key: { ...createKey(), identifier: root.key.identifier } };
    const changes: Changes = INTERMEDIATES[name];
    const signers = [
      issuerOf(changes.under ?? 'root'),
      ...(changes.isCrossSigned ? [issuerOf('unknown-root')] : []),
    ];
    return createIntermediate(`${commonName}: ${name}`, changes, signers, now);
  }
}

/** What each says differently from a right intermediate CA's certificate. */
const INTERMEDIATES = {
  intermediate: {},
  /** Below the intermediate. */
  'lower-intermediate': { under: 'intermediate' },
  /** No server ever sends its certificate: who has seen others of this authority has not seen this. */
  'unsent-intermediate': {},
  /** Signed by a root that nobody trusts as well: that certificate comes last. */
  'cross-signed-intermediate': { isCrossSigned: true },
  /** No CA may stand below it, and one does. */
  'last-intermediate': { pathLength: 0 },
  'intermediate-too-many': { under: 'last-intermediate' },
  /** It says of itself neither that it is a CA nor that it is none. */
  'intermediate-without-constraints': { isCa: 'unsaid' },
  /** A CA whose key may sign anything but certificates. */
  'intermediate-that-may-not-sign': { keyUsage: 'digitalSignature' },
  'expired-intermediate': { validDays: [-400, -1] },
  /** May issue for one domain, which no host of the lab is in. */
  'constrained-intermediate': { permittedDnsName: 'elsewhere.invalid' },
  /**
   * Somebody's server certificate. No key usage, so that basicConstraints alone says it is no CA
   * (RFC 5280 §6.1.4 (k)).
   */
  'server-certificate': {
    isCa: false,
    keyUsage: undefined,
    extendedKeyUsage: 'serverAuth',
    dnsNames: ['elsewhere.invalid'],
  },
} as const satisfies Record<string, Changes>;

interface Changes extends Partial<CertificateContent> {
  /** The issuer of its certificate; default the root. */
  readonly under?: 'intermediate' | 'last-intermediate';
  readonly isCrossSigned?: true;
  /** From and to, in days after now. */
  readonly validDays?: readonly [number, number];
}

interface Root extends Issuer {
  readonly certificatePem: string;
}

function createRoot(commonName: string, now: number): Root {
  const key = createKey();
  const content = caContent(commonName, now);
  return {
    name: distinguishedName(content.subject),
    key,
    certificatePem: issueCertificate(content, key),
    intermediates: [],
  };
}

/** With a certificate from each of the signers, in this order. */
function createIntermediate(
  commonName: string,
  { validDays, under: _, isCrossSigned: __, ...changes }: Changes,
  signers: readonly Issuer[],
  now: number,
): Issuer {
  const key = createKey();
  const content = { ...caContent(commonName, now, validDays), ...changes };
  return {
    name: distinguishedName(content.subject),
    key,
    intermediates: signers.flatMap((signer) => [
      issueCertificate(content, key, signer),
      ...signer.intermediates,
    ]),
  };
}

/** A right CA certificate (RFC 5280 §4.2.1.3, §4.2.1.9). */
function caContent(
  commonName: string,
  now: number,
  validDays: readonly [number, number] = [-800, 3650],
): CertificateContent {
  return {
    subject: { organization: 'Holdfast', commonName },
    validity: validity(now, validDays),
    isCa: true,
    keyUsage: 'authority',
  };
}
