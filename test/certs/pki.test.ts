/**
 * The PKI as the lab's servers use it: issued once, served over TLS, believed under the right
 * authority only.
 */

import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import forge from 'node-forge';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../../certs/authority.ts';
import {
  CertificateError,
  createPki,
  type IssuedCertificate,
  type Pki,
} from '../../certs/index.ts';
import type { CertificateProfile } from '../../harness/model/plan.ts';

const HOST = 'mx1.victim.k3.test';

let pki: Pki;
beforeAll(async () => {
  pki = await createPki();
});
const mx = (profile: CertificateProfile, host = HOST) =>
  pki.issue({ profile, host, service: 'mx' });
const leafOf = ({ chainPem }: IssuedCertificate) => new X509Certificate(chainPem);

describe('TLS', () => {
  it.each([
    ['right', 'authorized'],
    ['right-rsa', 'authorized'],
    ['right-intermediate', 'authorized'],
    ['wildcard', 'authorized'],
    ['empty-subject', 'authorized'],
    ['expired', 'CERT_HAS_EXPIRED'],
    ['not-yet-valid', 'CERT_NOT_YET_VALID'],
    ['self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['unknown-ca', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['missing-intermediate', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['many-names', 'authorized'],
    ['right-p384', 'authorized'],
    ['reversed-chain', 'authorized'],
    ['more-certificates', 'authorized'],
    ['cross-signed', 'authorized'],
    ['wrong-name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['nul-in-name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ] as const)('%s: %s', async (profile, result) => {
    expect(await handshake(mx(profile), pki.authorities.mxHosts.certificatePem)).toBe(result);
  });

  it('has one authority for web hosts and one for MX hosts', async () => {
    const { policyHosts, mxHosts } = pki.authorities;
    const policyHost = pki.issue({ profile: 'right', host: HOST, service: 'policy-host' });
    const reportHost = pki.issue({ profile: 'right', host: HOST, service: 'report-host' });
    expect(await handshake(policyHost, policyHosts.certificatePem)).toBe('authorized');
    expect(await handshake(reportHost, policyHosts.certificatePem)).toBe('authorized');
    expect(await handshake(policyHost, mxHosts.certificatePem)).toBe(
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    );
    expect(await handshake(mx('right'), policyHosts.certificatePem)).toBe(
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    );
  });

  /**
   * Serves the certificate to a client that trusts `ca` and wants HOST; how that ended for the
   * client.
   */
  async function handshake({ keyPem, chainPem }: IssuedCertificate, ca: string): Promise<string> {
    const server = createServer({ key: keyPem, cert: chainPem }, (socket) =>
      socket.on('error', () => {}),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect({
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      servername: HOST,
      ca,
    });
    try {
      await once(client, 'secureConnect');
      return 'authorized';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error);
    } finally {
      client.destroy();
      server.close();
    }
  }
});

describe('a right leaf', () => {
  it('says what a server certificate has to say, and no more', () => {
    const leaf = leafOf(mx('right'));
    expect(leaf.subjectAltName).toBe(`DNS:${HOST}`);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']); // node:crypto's name for the extended key usage: serverAuth
    expect(leaf.raw.toString('hex')).toContain('0603551d0f0101ff040403020780'); // keyUsage, critical: digitalSignature
    expect(leaf.ca).toBe(false);
    expect(leaf.verify(new X509Certificate(pki.authorities.mxHosts.certificatePem).publicKey)).toBe(
      true,
    );
  });

  it('names its issuer byte for byte as the issuer names itself', () => {
    const [leaf, intermediate] = mx('right-intermediate')
      .chainPem.split(/(?<=-----END CERTIFICATE-----\n)/)
      .map(names);
    expect(leaf?.issuer).toBe(intermediate?.subject);
    expect(intermediate?.issuer).toBe(names(pki.authorities.mxHosts.certificatePem).subject);
  });

  it('holds the issuer’s word for how long it is valid, past 2049 too', async () => {
    for (const year of [2027, 2060]) {
      const day = (offset: number) => new Date(Date.UTC(year, 5, 15 + offset));
      const then = await createPki({ now: day(0).getTime() });
      const { validFrom, validTo } = leafOf(
        then.issue({ profile: 'right', host: HOST, service: 'mx' }),
      );
      expect([new Date(validFrom), new Date(validTo)]).toEqual([day(-1), day(89)]);
    }
  });

  it('leaves the common name out when the host is too long for one', () => {
    const host = `${'long'.repeat(15)}.victim.test`;
    expect(leafOf(mx('right', host)).subject).toBe('O=Holdfast');
    expect(leafOf(mx('right', host)).subjectAltName).toBe(`DNS:${host}`);
    expect(leafOf(mx('common-name-only', host)).subject).toBe(`O=Holdfast\nCN=${host}`);
  });

  const names = (pem: string) => {
    const tbsCertificate = forge.asn1.fromDer(new X509Certificate(pem).raw.toString('latin1'))
      .value[0] as forge.asn1.Asn1;
    const hex = (field: number) =>
      forge.asn1.toDer(tbsCertificate.value[field] as forge.asn1.Asn1).toHex();
    return { issuer: hex(3), subject: hex(5) };
  };
});

describe('issuing', () => {
  it('gives 200 hosts 200 certificates, each under a key of its own', () => {
    const issued = Array.from({ length: 200 }, (_, index) =>
      mx('right', `mx${index}.victim.k4.test`),
    );
    const serials = issued.map((certificate) => leafOf(certificate).serialNumber);
    expect(new Set(serials).size).toBe(200);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/); // 16 bytes, positive
    expect(new Set(issued.map(({ keyPem }) => keyPem)).size).toBe(200);
  });

  it('issues once what is asked for twice', () => {
    const request = {
      profile: 'recipient-domain',
      host: HOST,
      service: 'mx',
      others: { recipientDomain: 'victim.k3.test' },
    } as const;
    const first = pki.issue(request);
    expect(pki.issue(structuredClone(request))).toBe(first);
    expect(pki.issue({ ...request, profile: 'right' })).not.toBe(first);
    expect(pki.issue({ ...request, host: 'mx2.victim.k3.test' })).not.toBe(first);
    expect(pki.issue({ ...request, service: 'policy-host' })).not.toBe(first);
    expect(pki.issue({ ...request, others: { recipientDomain: 'other.k3.test' } })).not.toBe(first);
  });

  it('takes the host’s parent for the recipient domain', () => {
    expect(mx('recipient-domain', 'mta-sts.victim.k5.test').dnsNames).toEqual(['victim.k5.test']);
  });

  it.each([
    ['other-listed-mx', /"other-listed-mx" for mx1\.victim\.k3\.test needs listedMx/],
    ['ip-address-only', /needs address/],
  ] as const)('refuses %s', (profile, message) => {
    expect(() => mx(profile)).toThrow(CertificateError);
    expect(() => mx(profile)).toThrow(message);
  });
});

describe('an authority', () => {
  it('makes an issuer once', () => {
    const authority = createAuthority({ commonName: 'a root' });
    expect(authority.issuer('intermediate')).toBe(authority.issuer('intermediate'));
    expect(authority.issuer('unknown-root')).not.toBe(authority.issuer('root'));
  });

  it('shares nothing with another of the same name', () => {
    const [one, other] = [
      createAuthority({ commonName: 'a root' }),
      createAuthority({ commonName: 'a root' }),
    ];
    const root = new X509Certificate(one.certificatePem);
    const publicKeyOf = (authority: typeof one) =>
      new X509Certificate(authority.certificatePem).publicKey;
    expect(root.ca).toBe(true);
    expect(root.verify(publicKeyOf(one))).toBe(true);
    expect(root.verify(publicKeyOf(other))).toBe(false);
    expect(
      new X509Certificate(one.issuer('intermediate').intermediates[0]!).verify(publicKeyOf(other)),
    ).toBe(false);
  });
});
