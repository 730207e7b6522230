/**
 * What the mail servers that come with Holdfast are known to fail, and why that is theirs: one
 * sentence each, with the section it is about. A failure that is not here, and one here that is no
 * more, fails the test.
 */

export type KnownFailures = Readonly<Record<string, string>>;

const OVERWRITES =
  'RFC 8461 §3.2: of a repeated key the first counts; the resolver lets each overwrite the last.';
const TAKES_THE_CN =
  'RFC 8461 §3.3 wants the DNS-ID of the policy host; the resolver takes the CN, and with it a ' +
  'forged policy.';
const COUNTS_OTHERS =
  'RFC 8461 §3.1: only records that begin with "v=STSv1;" count; the resolver counts one that ' +
  'begins otherwise as a second, and so finds no policy: mail goes in clear.';

export const KNOWN_FAILURES: Readonly<Record<string, KnownFailures>> = {
  postfix: {
    'certificates/common-name@common-name-only':
      'RFC 8461 §4.2 wants a DNS name in the SAN; OpenSSL takes the CN of a certificate without ' +
      'any, and Postfix does not forbid it.',
    'discovery/repeated-id':
      'RFC 8461 §3.2: of a repeated id the first counts; the resolver takes no such record.',
    'discovery/unrelated-records@version-10': COUNTS_OTHERS,
    'discovery/unrelated-records@version-and-no-semicolon': COUNTS_OTHERS,
    'policy-host/common-name@common-name-only': TAKES_THE_CN,
    'policy-host/forged-at-first-contact@common-name-only': TAKES_THE_CN,
    'policy-syntax/duplicate-keys-at-first-contact': OVERWRITES,
    'policy-syntax/duplicate-keys@mode': OVERWRITES,
    'policy-syntax/duplicate-keys@version': OVERWRITES,
    'policy-syntax/invalid-when-cached@a-line-without-a-colon':
      'RFC 8461 §3.2: a body that breaks the grammar is no policy; the resolver passes over the ' +
      'line, and takes a "none" for the cached "enforce".',
    'starttls/capabilities-forgotten@a-size-of-one-byte':
      'RFC 3207 §4.2: what was said before TLS is forgotten; Postfix keeps the SIZE of the first ' +
      'EHLO reply where the second names none, and bounces.',
  },
  chasquid: {
    'policy-syntax/duplicate-keys-at-first-contact':
      'RFC 8461 §3.2: of a repeated key the first counts; chasquid lets the last one win.',
    'queue/mx-lookup-fails@no-answer':
      'RFC 5321 §5.1: an MX look-up that fails is tried again; chasquid goes to the address of ' +
      'the domain instead, whoever answers there.',
    'queue/mx-lookup-fails@servfail': 'As queue/mx-lookup-fails@no-answer.',
  },
  exim: {},
};
