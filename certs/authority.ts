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
}

interface Issuer extends Signer {
  /** The certificates between leaf and root, PEM: what a server has to send after its own. */
  readonly intermediatesPem: string;
}

/** The root; a root that nobody trusts; and what the root has signed. */
export type IssuerName = 'root' | 'unknown-root' | keyof typeof INTERMEDIATES;

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
    issuer(name) {
      const issuer = issuers.get(name) ?? createIssuer(name, root, now);
      issuers.set(name, issuer);
      return issuer;
    },
  };
}

/** What each says differently from a right intermediate CA's certificate. */
const INTERMEDIATES = {
  intermediate: {},
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
  /** From and to, in days after now. */
  readonly validDays?: readonly [number, number];
}

interface Root extends Issuer {
  readonly commonName: string;
  readonly certificatePem: string;
}

function createIssuer(name: IssuerName, root: Root, now: number): Issuer {
  switch (name) {
    case 'root':
      return root;
    case 'unknown-root':
      return createRoot(`${root.commonName}: unknown root`, now);
    default:
      return createIntermediate(`${root.commonName}: ${name}`, INTERMEDIATES[name], root, now);
  }
}

function createRoot(commonName: string, now: number): Root {
  const key = createKey();
  const content = caContent(commonName, now);
  return {
    commonName,
    name: distinguishedName(content.subject),
    key,
    certificatePem: issueCertificate(content, key),
    intermediatesPem: '',
  };
}

function createIntermediate(
  commonName: string,
  { validDays, ...changes }: Changes,
  root: Signer,
  now: number,
): Issuer {
  const key = createKey();
  const content = { ...caContent(commonName, now, validDays), ...changes };
  return {
    name: distinguishedName(content.subject),
    key,
    intermediatesPem: issueCertificate(content, key, root),
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
