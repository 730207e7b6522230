/**
 * Faults: each makes the reference sender wrong in exactly one way, so that the oracle can be
 * tested by mutation (DESIGN §4.11).
 *
 * A fault is one guard, `fault === '…'`, on the line where the RFC is obeyed; a name stands in the
 * source once.
 */

export type FaultName = keyof typeof FAULTS;

/** By name: one sentence on what the fault does. */
export const FAULTS = {
  // ---- discovery: the TXT record (RFC 8461 §3.1) ----
  'takes-first-of-several-txt':
    'Takes the first of several MTA-STS records, where several mean none.',
  'counts-unrelated-txt':
    'Counts TXT records of other kinds beside the MTA-STS record, and so sees several.',
  'no-txt-concatenation':
    'Puts a space between the character-strings of a TXT record instead of joining them.',
  'txt-case-insensitive': 'Takes v=stsv1 for the version tag, whatever its letter case.',
  'accepts-invalid-id': 'Uses a record whose id is missing or breaks the grammar.',
  'fetches-without-record': 'Asks for a policy where there is no record of one.',
  'policy-from-parent-domain':
    'Applies the policy of the parent domain where the recipient domain has none.',
  'never-refetches': 'Does not act on a new id while a policy is cached.',
  'refetches-only-when-id-grows':
    'Takes a new id for an update only when it sorts after the old one.',

  // ---- discovery: the policy fetch (RFC 8461 §3.3) ----
  'follows-redirects': 'Follows a redirect of the policy host.',
  'accepts-any-policy-host-certificate': 'Accepts whatever certificate the policy host shows.',
  'policy-host-cn-fallback':
    "Takes the common name of the policy host's certificate where it has no subjectAltName.",
  'no-sni-to-policy-host': 'Sends no SNI to the policy host.',
  'fetches-plain-http': 'Fetches the policy over plain HTTP when HTTPS fails.',
  'accepts-any-2xx': 'Takes a policy from any 2xx answer, not only from 200.',
  'ignores-content-type': 'Takes a policy of any media type.',
  'uses-truncated-body': 'Takes what has come of a policy body that is cut short or too long.',
  'http-cache':
    'Keeps the policy host’s answers in an HTTP cache: revalidates by ETag, and asks nothing while Cache-Control says fresh.',

  // ---- the policy file (RFC 8461 §3.2) ----
  'last-duplicate-key-wins': 'Of a repeated key takes the last value instead of the first.',
  'rejects-unknown-keys': 'Rejects a policy with a key that it does not know.',
  'rejects-lf': 'Rejects a policy whose lines end in LF alone.',
  'keeps-cr':
    'Cuts lines at LF and keeps the CR, so that the mode of a CRLF policy is "enforce\\r", and the policy invalid.',

  // ---- the policy cache (RFC 8461 §3.3, §5.1, §10.2) ----
  'forgets-cache-when-txt-gone': 'Drops the cached policy when the TXT record is gone.',
  'forgets-cache-on-servfail': 'Drops the cached policy when the TXT look-up fails.',
  'forgets-cache-when-fetch-fails': 'Drops the cached policy when a policy fetch fails.',
  'forgets-cache-on-multiple-txt':
    'Drops the cached policy when there are several MTA-STS records.',
  'forgets-cache-on-restart': 'Starts with an empty policy cache after a restart.',
  'ignores-max-age': 'Applies a cached policy for ever.',
  'caches-by-mx': 'Applies a cached policy to every domain whose MX it names.',
  'defers-when-discovery-fails':
    'Defers mail when no policy is cached and the fetch fails, where the mail has to be delivered.',

  // ---- which MX the policy permits (RFC 8461 §4.1) ----
  'ignores-mx-list': 'Delivers to an MX that the policy does not name.',
  'wildcard-matches-deep': 'Lets "*" stand for several labels.',
  'wildcard-matches-apex': 'Lets "*." stand for nothing, so that *.d permits d.',
  'matches-suffix': 'Permits every MX whose name ends in a pattern.',
  'wildcard-never-matches': 'Takes the patterns of a policy for literal names.',
  'mx-match-case-sensitive': 'Compares MX names with their letter case.',

  // ---- TLS to the MX (RFC 8461 §4.2, §5, §7.1) ----
  'plaintext-when-starttls-missing':
    'Delivers in clear to an MX that offers no STARTTLS, in spite of an enforce policy.',
  'plaintext-after-454':
    'Delivers in clear after the MX refused STARTTLS, in spite of an enforce policy.',
  'plaintext-after-failed-handshake':
    'Delivers in clear after the TLS handshake failed, in spite of an enforce policy.',
  'no-mx-certificate-check': 'Accepts whatever certificate the MX shows.',
  'mx-cn-fallback': "Takes the common name of the MX's certificate where it has no subjectAltName.",
  'certificate-matches-policy-not-host':
    'Compares the certificate with the patterns of the policy instead of the name of the MX.',
  'accepts-expired-certificate': 'Accepts an expired certificate of the MX.',
  'accepts-client-auth-certificate':
    'Accepts a certificate of the MX that is for TLS clients only.',
  'refuses-wildcard-certificates':
    'Refuses a right certificate of the MX because a wildcard names it.',
  'refuses-rsa-keys': 'Refuses a right certificate of the MX because its key is RSA.',
  'refuses-intermediates':
    'Refuses a right certificate of the MX because an intermediate vouches for it.',
  'refuses-empty-subject': 'Refuses a right certificate of the MX because its subject is empty.',
  'no-tls12': 'Speaks no TLS below 1.3.',
  'no-tls13': 'Speaks no TLS above 1.2.',
  'no-sni-to-mx': 'Sends no SNI to the MX.',
  'mail-before-check': 'Sends MAIL FROM before it looks at the certificate.',
  'no-opportunistic-tls': 'Uses no TLS where there is no policy.',

  // ---- modes (RFC 8461 §5) ----
  'enforces-testing': 'Enforces a policy in testing mode.',
  'enforces-none': 'Enforces a policy of mode none.',

  // ---- STARTTLS (RFC 3207 §4.2, §6) ----
  'keeps-pre-tls-replies': 'Takes bytes that came in clear behind the 220 for replies inside TLS.',
  'keeps-pre-tls-capabilities':
    'Remembers the extensions offered before TLS and prefers them to those offered inside.',
  'no-ehlo-after-tls': 'Sends no EHLO inside TLS.',

  // ---- candidates, queue, bounces (RFC 5321 §5.1, RFC 8461 §5) ----
  'only-first-mx': 'Tries no other MX when the first one fails.',
  'falls-back-to-address-record':
    "Falls back to the domain's own address record, past the policy, when every MX fails.",
  'bounces-at-once': 'Returns mail at once when the policy forbids its delivery.',
  'no-recheck-before-bounce':
    'Returns mail too old for the queue without looking for a new policy.',
  'loses-mail': 'Drops deferred mail without a word.',

  // ---- reports (RFC 8460) ----
  'reports-nothing': 'Sends no TLSRPT reports.',
  'reports-wrong-type': 'Reports every failure as dane-required.',
  'reports-wrong-count': 'Reports one more failed session than there was, of each kind.',
} as const satisfies Record<string, string>;
