/** RFC 5280 §4.2.1.9, §4.2.1.10, §4.2. */

import { expect, test } from 'vitest';
import { describeChain } from '../../certs/associations.ts';
import { createPki } from '../../certs/index.ts';
import type { CertificateProfile } from '../../harness/model/plan.ts';

const pki = await createPki();

const chainOf = (profile: CertificateProfile) => {
  const { chainPem, rootPem } = pki.issue({ profile, host: 'mx1.victim.test', service: 'mx' });
  return describeChain(chainPem + rootPem, Date.now());
};

test.each<[CertificateProfile, number]>([
  ['unknown-extension', 0],
  ['name-constraint', 1],
  ['path-too-long', 2],
])('%s: the certificate at place %i forbids it, and no other', (profile, place) => {
  const forbids = chainOf(profile).map(({ forbidsChain = false }) => forbidsChain);
  expect(forbids.indexOf(true)).toBe(place);
  expect(forbids.lastIndexOf(true)).toBe(place);
});

test.each<CertificateProfile>([
  'right',
  'right-intermediate',
  'cross-signed',
  'many-names',
  'nul-in-name',
  'expired',
  'self-signed',
  'empty-subject',
])('%s: nothing in the chain forbids it', (profile) => {
  expect(chainOf(profile).some(({ forbidsChain }) => forbidsChain)).toBe(false);
});
