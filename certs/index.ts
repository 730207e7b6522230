/**
 * The lab's PKI: two authorities, one for web hosts and one for MX hosts, so that a sender can
 * distrust each alone; and a certificate of any profile for any host.
 *
 * A slow lab makes false verdicts: RSA keys, which are slow to make, are one of each length for all
 * leaves, made off the event loop before the first certificate is asked for, and nothing is issued
 * twice. EC keys are each certificate's own: DANE tells servers apart by them (RFC 7672 §3.1.1).
 */

import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { CertificateProfile } from '../harness/model/plan.ts';
import { type Authority, createAuthority } from './authority.ts';
import { type Leaf, type Names, PROFILES, type Profile } from './profiles.ts';
import {
  type CertificateContent,
  createKey,
  issueCertificate,
  type Key,
  keyOf,
  mismatchedKeyPem,
  validity,
} from './x509.ts';

export { certificatesIn, describeChain } from './associations.ts';
export { PROFILES } from './profiles.ts';

export interface Pki {
  readonly authorities: { readonly policyHosts: Authority; readonly mxHosts: Authority };
  /**
   * Throws CertificateError when there is no such profile, or when it needs a name that the request
   * does not give.
   */
  issue(request: CertificateRequest): IssuedCertificate;
}

export interface CertificateRequest {
  readonly profile: CertificateProfile;
  readonly host: string;
  /** MX hosts have an authority of their own. */
  readonly service: 'mx' | 'policy-host' | 'report-host';
  /** What some profiles put in place of the host. */
  readonly others?: Partial<Omit<Names, 'host'>>;
}

export interface IssuedCertificate {
  readonly profile: CertificateProfile;
  /** PKCS #8. */
  readonly keyPem: string;
  /** What the server sends: the leaf, then any intermediates. */
  readonly chainPem: string;
  /** The root that it leads to; empty where it is its own issuer. */
  readonly rootPem: string;
  /** The leaf's dNSNames. */
  readonly dnsNames: readonly string[];
  /**
   * Whether a sender may accept it for the host it was requested for; for any other host, ask
   * `identifies`.
   */
  readonly authenticates: boolean;
  /** It must be loaded with `ciphers: 'DEFAULT@SECLEVEL=0'`. */
  readonly needsLowSecurityLevel: boolean;
}

/**
 * A new PKI. `now`: milliseconds since the epoch, default the clock's; every validity counts from
 * here.
 */
export async function createPki({ now = Date.now() }: { now?: number } = {}): Promise<Pki> {
  const authorities = {
    policyHosts: createAuthority({ commonName: 'Holdfast lab, policy hosts', now }),
    mxHosts: createAuthority({ commonName: 'Holdfast lab, MX hosts', now }),
  };
  const [rsa2048, rsa1024] = await Promise.all([createRsaKey(2048), createRsaKey(1024)]);
  const keys = { p384: createKey('P-384'), rsa2048, rsa1024 };
  const issued = new Map<string, IssuedCertificate>();

  return {
    authorities,
    issue(request) {
      const { profile, host, service, others = {} } = request;
      const { needs }: Profile = PROFILES[profile];
      const other = needs && others[needs];
      const id = JSON.stringify([profile, host, service, others.recipientDomain, other]);
      const certificate =
        issued.get(id) ??
        issue(request, service === 'mx' ? authorities.mxHosts : authorities.policyHosts, keys, now);
      issued.set(id, certificate);
      return certificate;
    },
  };
}

/**
 * Whether a sender that follows the RFCs may take this certificate as proof that it speaks to
 * `host`.
 */
export function identifies(
  { profile, dnsNames }: Pick<IssuedCertificate, 'profile' | 'dnsNames'>,
  host: string,
): boolean {
  const { brokenPath }: Profile = PROFILES[profile];
  return !brokenPath && dnsNames.some((name) => matches(name, host));
}

/** What was asked of the PKI cannot be issued. The message says why. */
export class CertificateError extends Error {}

/** RFC 9525 §6.3: letter case does not count; "*" stands for one whole label, the leftmost. */
function matches(dnsName: string, host: string): boolean {
  const [firstLabel, ...rest] = dnsName.toLowerCase().split('.');
  const [firstOfHost, ...restOfHost] = host.toLowerCase().split('.');
  return (
    (firstLabel === '*' || firstLabel === firstOfHost) && rest.join('.') === restOfHost.join('.')
  );
}

function issue(
  { profile: name, host, others = {} }: CertificateRequest,
  authority: Authority,
  keys: Keys,
  now: number,
): IssuedCertificate {
  const profile: Profile = PROFILES[name];
  if (profile.needs && others[profile.needs] === undefined) {
    throw new CertificateError(`certificate profile "${name}" for ${host} needs ${profile.needs}`);
  }
  const leaf = { ...rightLeaf(host), ...profile.change?.({ ...others, host } as Names) };
  const key = leaf.key === 'p256' ? createKey() : keys[leaf.key];
  const issuer = leaf.issuer === 'self' ? undefined : authority.issuer(leaf.issuer);
  const leafPem = issueCertificate(leafContent(leaf, now), key, issuer);
  return {
    profile: name,
    keyPem: leaf.isOfAnotherKey ? mismatchedKeyPem(key) : key.privateKeyPem,
    chainPem: [leafPem, ...sentBehind(leaf, issuer?.intermediates ?? [], leafPem)].join(''),
    rootPem: leaf.issuer === 'self' ? '' : authority.rootOf(leaf.issuer),
    dnsNames: leaf.dnsNames,
    authenticates: identifies({ profile: name, dnsNames: leaf.dnsNames }, host),
    needsLowSecurityLevel: profile.needsLowSecurityLevel ?? false,
  };
}

function rightLeaf(host: string): Leaf {
  return {
    dnsNames: [host],
    validDays: [-1, 89],
    extendedKeyUsage: 'serverAuth',
    issuer: 'root',
    key: 'p256',
  };
}

/** RFC 8446 §4.4.2: what a server sends behind its own certificate. */
function sentBehind({ sends }: Leaf, chain: readonly string[], own: string): readonly string[] {
  switch (sends) {
    case 'leaf-alone':
      return [];
    case 'reversed':
      return chain.toReversed();
    case 'with-more':
      return [own, strangerPem(), ...chain];
    default:
      return chain;
  }
}

/** Somebody's certificate. */
function strangerPem(): string {
  return createAuthority({ commonName: 'A stranger' }).certificatePem;
}

function leafContent(
  { commonName, emptySubject, validDays, ...leaf }: Leaf,
  now: number,
): CertificateContent {
  // RFC 5280 appendix A.1, ub-common-name: a longer host name stands in the subjectAltName alone.
  const usualName = leaf.dnsNames.find((name) => name.length <= 64);
  const subject = emptySubject
    ? {}
    : { organization: 'Holdfast', commonName: commonName ?? usualName };
  return {
    ...leaf,
    subject,
    validity: validity(now, validDays),
    isCa: false,
    keyUsage: 'digitalSignature',
  };
}

type Keys = Readonly<Record<Exclude<Leaf['key'], 'p256'>, Key>>;

async function createRsaKey(modulusLength: number): Promise<Key> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength });
  return keyOf(privateKey);
}
