/**
 * What the mail servers that come with Holdfast are known to fail, and why that is theirs: one
 * sentence each, with the section it is about. A failure that is not here, and one here that is no
 * more, fails the test.
 */

export type KnownFailures = Readonly<Record<string, string>>;

export const KNOWN_FAILURES: Readonly<Record<string, KnownFailures>> = {
  postfix: {
    'certificates/common-name@common-name-only':
      'RFC 8461 §4.2 wants a DNS name in the SAN; OpenSSL takes the CN of a certificate without any, and Postfix does not forbid it.',
    'discovery/unrelated-records@version-10':
      'RFC 8461 §3.1: only records that begin with "v=STSv1;" count; the resolver counts "v=STSv10;" as a second one, and so finds no policy.',
    'policy-host/common-name@common-name-only':
      'RFC 8461 §3.3 wants the DNS-ID of the policy host; the TLS of the resolver takes the CN, and with it a forged policy.',
    'policy-syntax/duplicate-keys':
      'RFC 8461 §3.2: of a repeated key the first counts; the resolver lets each one overwrite the one before.',
    'policy-syntax/duplicate-keys-at-first-contact': 'As policy-syntax/duplicate-keys.',
    'starttls/capabilities-forgotten@a-size-of-one-byte':
      'RFC 3207 §4.2: what was said before TLS is forgotten; Postfix keeps the SIZE of the first EHLO reply where the second names none, and bounces.',
  },
  chasquid: {
    'policy-syntax/duplicate-keys-at-first-contact':
      'RFC 8461 §3.2: of a repeated key the first counts; chasquid lets the last one win. After a delivery over TLS its own memory of that hides it.',
  },
  exim: {},
};
