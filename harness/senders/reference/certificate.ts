/**
 * What a policy asks of an MX's certificate (RFC 8461 §4.2): the path leads to a trusted root,
 * nothing in it has expired, and a DNS-ID names the host dialled, not just a pattern.
 */

import type { X509Certificate } from 'node:crypto';
import type tls from 'node:tls';
import { domainToUnicode } from 'node:url';
import type { StsPolicy } from '../../protocol/sts-policy.ts';
import { dnsNamesOf, identifies, isNamedElsewhere, pathProblem } from './network.ts';
import { permits } from './reading.ts';
import type { Failure } from './tlsrpt.ts';
import type { Is } from './traits.ts';

export type CertificateProblem = Failure;

/** undefined: it is as the policy asks. */
export function certificateProblem(
  socket: tls.TLSSocket,
  certificate: X509Certificate | undefined,
  host: string,
  policy: Pick<StsPolicy, 'mx'>,
  is: Is,
): CertificateProblem | undefined {
  if (is('no-mx-certificate-check')) return undefined;
  const invalid = pathProblem(socket);
  if (invalid !== undefined && !isCondoned(invalid, certificate, is)) {
    const type =
      invalid === 'CERT_HAS_EXPIRED' || invalid === 'CERT_NOT_YET_VALID'
        ? 'certificate-expired'
        : 'certificate-not-trusted';
    return { type, why: `certificate not valid: ${invalid}`, reason: invalid };
  }
  const hasNameIn = (mx: readonly string[]) =>
    dnsNamesOf(certificate).some((name) => permits({ mx }, name));
  if (is('certificate-matches-policy-not-host') && hasNameIn(policy.mx)) return undefined;
  const wildcards = policy.mx.filter((mx) => mx.startsWith('*.') && permits({ mx: [mx] }, host));
  if (is('certificate-matches-wildcard-not-host') && hasNameIn(wildcards)) return undefined;
  // RFC 8461 §4.1: the certificate does not make up for a name that the policy does not list.
  if (is('permits-by-certificate') && !permits(policy, host))
    return hasNameIn(policy.mx)
      ? undefined
      : { type: 'certificate-host-mismatch', why: 'the certificate has no listed name' };
  const dislike = disliked(certificate, host, is);
  if (dislike) return { type: 'certificate-not-trusted', why: dislike, reason: dislike };
  return isNamed(certificate, host, is)
    ? undefined
    : { type: 'certificate-host-mismatch', why: 'the certificate does not name the host' };
}

function isNamed(certificate: X509Certificate | undefined, host: string, is: Is): boolean {
  if (is('accepts-any-name')) return true;
  const names = dnsNamesOf(certificate).map((name) => name.toLowerCase());
  const domain = host.slice(host.indexOf('.') + 1);
  if (is('accepts-the-recipient-domain') && names.includes(domain)) return true;
  if (is('accepts-an-address') && certificate?.subjectAltName?.includes('IP Address:')) return true;
  if (
    is('reads-names-to-the-nul') &&
    names.some((name) => name.split(/\\u0000|\0|\\0/)[0] === host)
  )
    return true;
  if (is('accepts-longer-names') && names.some((name) => name.endsWith(host))) return true;
  if (is('accepts-other-name-types') && isNamedElsewhere(certificate, host)) return true;
  if (is('certificate-wildcards-match-apex') && names.includes(`*.${host}`)) return true;
  const deep = names.some((name) => name.startsWith('*.') && host.endsWith(name.slice(1)));
  if (is('certificate-wildcards-match-deep') && deep) return true;
  const inner = names.some((name) =>
    new RegExp(`^${name.replaceAll('.', '\\.').replaceAll('*', '[^.]+')}$`).test(host),
  );
  if (is('certificate-wildcards-match-anywhere') && inner) return true;
  const commonName = is('mx-cn-beside-dns-names') ? 'always' : is('mx-cn-fallback');
  return identifies(certificate, host, { commonName });
}

/** Faults: right certificates (RFC 8461 §4.2) that are refused all the same. */
function disliked(leaf: X509Certificate | undefined, host: string, is: Is): string | undefined {
  const issuer = leaf?.issuerCertificate;
  const isRsa = leaf?.publicKey.asymmetricKeyType === 'rsa';
  if (is('refuses-rsa-keys') && isRsa) return 'the key is RSA';
  if (is('refuses-intermediates') && issuer && !issuer.checkIssued(issuer))
    return 'an intermediate vouches for it';
  if (is('refuses-wildcard-certificates') && dnsNamesOf(leaf).some((name) => name.startsWith('*')))
    return 'a wildcard names it';
  const names = dnsNamesOf(leaf);
  const isExact = names.includes(host) || names.some((name) => name.startsWith('*'));
  if (is('certificate-names-with-case') && !isExact) return 'the name has other letters';
  if (is('compares-u-labels') && !names.includes(domainToUnicode(host)) && host.includes('xn--'))
    return 'the name is no U-label';
  if (is('reads-a-hundred-names') && names.indexOf(host) >= 100) return 'the name comes too late';
  if (is('refuses-p384') && leaf?.publicKey.asymmetricKeyDetails?.namedCurve === 'secp384r1')
    return 'the key is on P-384';
  const domain = host.slice(host.indexOf('.') + 1);
  if (is('wants-the-recipient-domain') && !dnsNamesOf(leaf).includes(domain))
    return 'it does not name the recipient domain';
  return is('refuses-empty-subject') && !leaf?.subject ? 'the subject is empty' : undefined;
}

const SELF_SIGNED: readonly string[] = ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN'];

const UNKNOWN_ISSUER: readonly string[] = [
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_GET_ISSUER_CERT',
];

/** The object identifier 2.999.1, in DER. */
const UNKNOWN_EXTENSION = Buffer.from('0603883701', 'hex');

/** RFC 5280 §4.2.1.12: id-kp-clientAuth. */
function isForClients(leaf: X509Certificate | undefined): boolean {
  return leaf?.keyUsage?.includes('1.3.6.1.5.5.7.3.2') === true;
}

function isCondoned(invalid: string, leaf: X509Certificate | undefined, is: Is): boolean {
  const isLeafExpired = leaf !== undefined && Date.parse(leaf.validTo) < Date.now();
  switch (invalid) {
    case 'CERT_HAS_EXPIRED':
      if (is('accepts-expired-certificate')) return true;
      return is('looks-at-the-leafs-dates-only') && !isLeafExpired;
    case 'CERT_NOT_YET_VALID':
      return is('accepts-early-certificate');
    // Of the leaf, or of an issuer that may issue none.
    case 'INVALID_CA':
    case 'INVALID_PURPOSE':
      return isForClients(leaf) ? is('accepts-client-auth-certificate') : is('accepts-any-issuer');
    case 'CERT_SIGNATURE_FAILURE':
      return is('accepts-forged-signatures');
    case 'PATH_LENGTH_EXCEEDED':
      return is('ignores-path-length');
    // What Node calls a broken name constraint, and a critical extension that is not known.
    case 'UNSPECIFIED':
      return leaf?.raw.includes(UNKNOWN_EXTENSION)
        ? is('ignores-critical-extensions')
        : is('ignores-name-constraints');
    default:
      if (SELF_SIGNED.includes(invalid)) return is('accepts-self-signed');
      return UNKNOWN_ISSUER.includes(invalid) && is('accepts-unknown-issuers');
  }
}
