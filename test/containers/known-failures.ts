/**
 * What the mail servers that come with Holdfast are known to fail, and why that is theirs: one sentence each, with the section it is about.
 * A failure that is not here, and one here that is no more, fails the test.
 */

export type KnownFailures = Readonly<Record<string, string>>;

export const KNOWN_FAILURES: Readonly<Record<string, KnownFailures>> = {
  postfix: {
    'certificates/common-name@common-name-only':
      'RFC 8461 §4.2: a CN does not identify an MX: content exposed and delivered over TLS that identifies nobody, through mx1.victim.test',
    'discovery/unrelated-records@version-10':
      'RFC 8461 §3.1: TXT records that do not open with "v=STSv1;" are dropped before counting: the TXT record was asked for, the policy was not fetched',
    'policy-host/common-name@common-name-only':
      'RFC 8461 §3.3: only a DNS name of the SAN identifies the policy host; a CN does not: content exposed and delivered in clear through mx1.victim.test',
    'policy-syntax/duplicate-keys':
      'RFC 8461 §3.2: of a repeated key, mx excepted, the first one counts: content exposed and delivered in clear through mx1.victim.test',
    'policy-syntax/duplicate-mode-none':
      'RFC 8461 §3.2: of a repeated key, mx excepted, the first one counts: deferred: TLS is required, but was not offered by host mx1.victim.test',
    'policy-syntax/invalid-when-cached@several-mx-on-one-line':
      'RFC 8461 §3.2: a body that is no policy does not replace a cached policy: content exposed and delivered in clear through mx1.victim.test',
    'policy-syntax/shapes@unknown-keys':
      'RFC 8461 §3.2: unknown, well-formed keys of a policy are passed over: content exposed and delivered in clear through mx1.victim.test',
    'starttls/capabilities-forgotten@a-size-of-one-byte':
      'RFC 3207 §4.2/6: what the server said before TLS is forgotten, extensions included: bounced: message size … exceeds size limit 1 of server mx1.victim.test',
  },
  chasquid: {
    'discovery/several-records':
      'RFC 8461 §3.1: more than one MTA-STS record means that there is no policy: deferred: all MXs returned transient failures (last: invalid security level (PLAIN) for STS policy)',
    'policy-syntax/duplicate-mode-none':
      'RFC 8461 §3.2: of a repeated key, mx excepted, the first one counts: deferred: all MXs returned transient failures (last: invalid security level (PLAIN) for STS policy)',
    'queue/mx-lookup-fails@no-answer':
      'RFC 5321 §5.1: after a temporary failure of the MX look-up, the message is queued and tried again: bounced',
    'queue/mx-lookup-fails@servfail':
      'RFC 5321 §5.1: after a temporary failure of the MX look-up, the message is queued and tried again: bounced',
  },
  exim: {},
};
