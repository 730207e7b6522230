/**
 * Certificates as DANE sees them (RFC 6698 §2.1): what a TLSA record of each would hold, and whether
 * each is vouched for by the next.
 */

import { createHash, X509Certificate } from 'node:crypto';
import type { ShownCertificate } from '../harness/protocol/dane.ts';
import { isAllowedBy } from './constraints.ts';

/** Of a chain in PEM, in its order. `now`: milliseconds since the epoch. */
export function describeChain(chainPem: string, now: number): ShownCertificate[] {
  const chain = certificatesIn(chainPem);
  return chain.map((certificate, place) => ({
    associations: associationsOf(certificate),
    names: namesOf(certificate),
    inDate: Date.parse(certificate.validFrom) <= now && now <= Date.parse(certificate.validTo),
    isSignedByNext: isSignedBy(certificate, chain[place + 1]),
    ...(!isAllowedBy(chain, place, namesOf(chain[0]!)) && { forbidsChain: true }),
  }));
}

export function certificatesIn(pem: string): X509Certificate[] {
  const parts = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return parts.map((part) => new X509Certificate(part));
}

function associationsOf(certificate: X509Certificate): Record<string, string> {
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  const forms = [certificate.raw, key].flatMap((bytes, selector) => [
    [`${selector} 0`, bytes.toString('hex')],
    [`${selector} 1`, createHash('sha256').update(bytes).digest('hex')],
    [`${selector} 2`, createHash('sha512').update(bytes).digest('hex')],
  ]);
  return Object.fromEntries(forms);
}

function namesOf({ subject, subjectAltName = '' }: X509Certificate): string[] {
  const names = subjectAltName.split(', ').filter((name) => name.startsWith('DNS:'));
  if (names.length > 0) return names.map((name) => name.slice('DNS:'.length));
  const commonName = /^CN=(.+)$/m.exec(subject ?? '')?.[1];
  return commonName === undefined ? [] : [commonName];
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate | undefined): boolean {
  return (
    issuer?.ca === true && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
  );
}
