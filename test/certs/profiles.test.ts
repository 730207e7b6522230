/**
 * Every profile against a verifier that is not ours: `openssl verify`, strict, with the host name
 * checked.
 */

import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createPki,
  type IssuedCertificate,
  identifies,
  type Pki,
  PROFILES,
} from '../../certs/index.ts';
import { type CertificateProfile, RIGHT_CERTIFICATES } from '../../harness/model/plan.ts';

/** The first error of `openssl verify` (X509_V_ERR_*); 0: accepted. */
const OPENSSL_ERROR: Record<CertificateProfile, number> = {
  right: 0,
  'right-rsa': 0,
  'right-intermediate': 0,
  'right-and-recipient-domain': 0,
  wildcard: 0,
  'empty-subject': 0,
  'upper-case-name': 0,
  'many-names': 0,
  'right-p384': 0,
  'reversed-chain': 0,
  'more-certificates': 0,
  'cross-signed': 0,
  expired: 10,
  'not-yet-valid': 9,
  'self-signed': 18,
  'unknown-ca': 20,
  'missing-intermediate': 20,
  'expired-intermediate': 10,
  'non-ca-issuer': 79,
  'name-constraint': 47,
  'path-too-long': 25,
  'issuer-without-constraints': 79,
  'issuer-may-not-sign': 79,
  'unknown-extension': 34,
  'forged-signature': 7,
  'wrong-key': 0,
  'wrong-name': 62,
  'other-listed-mx': 62,
  'recipient-domain': 62,
  'common-name-only': 0,
  'common-name-right': 62,
  'common-name-wrong': 62,
  'common-name-and-address': 0,
  'ip-address-only': 62,
  'wildcard-too-high': 62,
  'wildcard-partial': 0,
  'wildcard-inner': 62,
  'wildcard-of-all': 62,
  'wildcard-twice': 62,
  'wildcard-below': 62,
  'longer-name': 62,
  'name-of-another-type': 62,
  'overlong-name': 62,
  'nul-in-name': 62,
  'client-auth-only': 26,
  sha1: 68,
  'weak-key': 66,
};

/** What OpenSSL accepts by default and the RFCs do not. */
const OPENSSL_TOO_LENIENT: readonly CertificateProfile[] = [
  // Nothing is wrong with it but who shows it: see test/lab/tls.test.ts.
  'wrong-key',
  'common-name-only',
  'common-name-and-address',
  'wildcard-partial',
];

const NAMES = Object.keys(PROFILES) as CertificateProfile[];
const HOST = 'mx1.victim.k3.test';
const others = {
  listedMx: 'mx2.victim.k3.test',
  recipientDomain: 'victim.k3.test',
  address: '192.0.2.7',
};

let pki: Pki;
beforeAll(async () => {
  pki = await createPki();
});
const issue = (profile: CertificateProfile, host = HOST) =>
  pki.issue({ profile, host, service: 'mx', others });

describe('openssl verify', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-certs-'));
    await writeFile(join(folder, 'root.pem'), pki.authorities.mxHosts.certificatePem);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const version = String(spawnSync('openssl', ['version']).stdout);
  beforeEach(({ skip }) =>
    skip(!/^OpenSSL [3-9]/.test(version), 'there is no OpenSSL 3 or later on the PATH'),
  );

  it.each(NAMES)('%s', async (profile) => {
    expect(await firstError(issue(profile))).toBe(OPENSSL_ERROR[profile]);
  });

  it('the right ones are those that plans call right', () => {
    expect(NAMES.filter((name) => PROFILES[name].authenticates)).toEqual([...RIGHT_CERTIFICATES]);
  });

  it('agrees with the RFCs, but for its known leniency', () => {
    const differ = NAMES.filter(
      (name) => PROFILES[name].authenticates !== (OPENSSL_ERROR[name] === 0),
    );
    expect(differ).toEqual(OPENSSL_TOO_LENIENT);
  });

  it.each(['report-host', 'policy-host'] as const)(
    'accepts a %s under the policy hosts’ authority',
    async (service) => {
      const certificate = pki.issue({ profile: 'right-intermediate', host: HOST, service });
      await writeFile(join(folder, 'policy-root.pem'), pki.authorities.policyHosts.certificatePem);
      expect(await firstError(certificate, 'policy-root.pem')).toBe(0);
      expect(await firstError(certificate, 'root.pem')).toBe(20);
    },
  );

  async function firstError(
    { profile, chainPem }: IssuedCertificate,
    root = 'root.pem',
  ): Promise<number> {
    const chain = join(folder, `${profile}.pem`);
    await writeFile(chain, chainPem);
    const strict = [
      '-x509_strict',
      '-purpose',
      'sslserver',
      '-auth_level',
      '2',
      '-verify_hostname',
      HOST,
      '-no-CApath',
      '-no-CAstore',
    ];
    const args = ['verify', ...strict, '-CAfile', join(folder, root), '-untrusted', chain, chain];
    const output = await new Promise<string>((resolve) =>
      execFile('openssl', args, (_, stdout, stderr) => resolve(stdout + stderr)),
    );
    if (output.trim() === `${chain}: OK`) return 0;
    const code = /^error (\d+) at/m.exec(output)?.[1];
    if (code === undefined) throw new Error(output);
    return Number(code);
  }
});

describe('what a profile says of itself', () => {
  it.each(NAMES)('%s: what it declares is what its path and names amount to', (profile) => {
    for (const host of [HOST, 'mta-sts.victim.k3.test'])
      expect(issue(profile, host).authenticates).toBe(PROFILES[profile].authenticates);
  });

  it.each(NAMES)('%s: a server can load it as it says', (profile) => {
    const { keyPem: key, chainPem: cert, needsLowSecurityLevel } = issue(profile);
    createSecureContext({
      key,
      cert,
      ...(needsLowSecurityLevel && { ciphers: 'DEFAULT@SECLEVEL=0' }),
    });
  });

  it('weak-key cannot be loaded otherwise', () => {
    const { keyPem: key, chainPem: cert } = issue('weak-key');
    expect(() => createSecureContext({ key, cert })).toThrow(/key too small/);
  });
});

describe('identifies', () => {
  const given = (profile: CertificateProfile, ...dnsNames: string[]) => ({
    accepts: (host: string) =>
      expect(identifies({ profile, dnsNames }, host), `${dnsNames} for ${host}`).toBe(true),
    refuses: (host: string) =>
      expect(identifies({ profile, dnsNames }, host), `${dnsNames} for ${host}`).toBe(false),
  });

  it('compares whole names, in any case', () => {
    const name = given('right', 'mx1.victim.test');
    name.accepts('mx1.victim.test');
    name.accepts('MX1.Victim.TEST');
    name.refuses('mx2.victim.test');
    name.refuses('victim.test');
    name.refuses('mx1.victim.test.attacker.test');
    given('right', 'a.test', 'B.test').accepts('b.test');
    given('right').refuses('mx1.victim.test');
  });

  it('takes "*" for one whole label, the leftmost', () => {
    const wildcard = given('wildcard', '*.victim.test');
    wildcard.accepts('mx1.victim.test');
    wildcard.refuses('victim.test');
    wildcard.refuses('a.mx1.victim.test');
    given('right', 'm*.victim.test').refuses('mx1.victim.test');
    given('right', '*1.victim.test').refuses('mx1.victim.test');
    given('right', 'mx1.*.test').refuses('mx1.victim.test');
    given('right', '*.*.test').refuses('mx1.victim.test');
  });

  it('judges a certificate for whatever host shows it', () => {
    expect(identifies(issue('wildcard'), 'mx2.victim.k3.test')).toBe(true);
    expect(identifies(issue('other-listed-mx'), 'mx2.victim.k3.test')).toBe(true);
    expect(identifies(issue('expired'), HOST)).toBe(false);
    expect(issue('recipient-domain', 'victim.k3.test').authenticates).toBe(true);
  });
});
