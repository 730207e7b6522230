/**
 * Faults: each makes the reference sender wrong in exactly one way, so that the oracle can be
 * tested by mutation.
 *
 * A fault is one guard, `is('…')`, on the line where the RFC is obeyed.
 */

export type FaultName = keyof typeof FAULTS;

/** By name: one sentence on what the fault does. */
export const FAULTS = {
  // ---- discovery: the TXT record (RFC 8461 §3.1) ----
  'takes-first-of-several-txt':
    'Takes the first of several MTA-STS records, where several mean none.',
  'counts-unrelated-txt':
    'Counts TXT records of other kinds beside the MTA-STS record, and so sees several.',
  'counts-later-versions':
    'Counts records of a later version beside the MTA-STS record, and so sees several.',
  'no-txt-concatenation':
    'Puts a space between the character-strings of a TXT record instead of joining them.',
  'reads-first-string-only': 'Reads only the first character-string of a TXT record.',
  'txt-case-insensitive': 'Takes v=stsv1 for the version tag, whatever its letter case.',
  'version-anywhere': 'Takes a record whose version tag is not its first field.',
  'accepts-invalid-id': 'Uses a record whose id is missing or breaks the grammar.',
  'takes-long-ids': 'Uses a record whose id has more than 32 characters.',
  'wants-ids-of-digits': 'Discards a record whose id has letters in it.',
  'wants-short-ids': 'Discards a record whose id has more than 20 characters.',
  'last-id-wins': 'Takes the last id of a record that has two.',
  'passes-over-empty-fields': 'Uses a record with an empty field in it.',
  'splits-record-at-blanks-only':
    'Does not take a tab for white space between the fields of a record.',
  'needs-last-semicolon': 'Discards a record that has no semicolon at its end.',
  'rejects-record-extensions': 'Discards a record with a field that it does not know.',
  'fetches-without-record': 'Asks for a policy where there is no record of one.',
  'policy-from-parent-domain':
    'Applies the policy of the parent domain where the recipient domain has none.',
  'defers-when-record-fails':
    'Defers mail when the TXT look-up fails, where the mail has to be delivered.',
  'never-refetches': 'Does not act on a new id while a policy is cached.',
  'refetches-only-when-id-grows':
    'Takes a new id for an update only when it sorts after the old one.',
  'compares-ids-without-case': 'Takes ids that differ in letter case for the same.',
  'compares-ids-by-prefix': 'Takes an id that begins like the old one for the same.',
  'compares-ids-as-numbers': 'Compares ids as numbers, so that 01 is 1.',

  // ---- discovery: the policy fetch (RFC 8461 §3.3) ----
  'follows-redirects': 'Follows a redirect of the policy host.',
  'follows-redirects-at-home': 'Follows a redirect of the policy host to itself.',
  'accepts-any-policy-host-certificate': 'Accepts whatever certificate the policy host shows.',
  'policy-host-cn-fallback':
    "Takes the common name of the policy host's certificate where it has no subjectAltName.",
  'policy-host-of-any-name': 'Accepts a certificate of the policy host that names another host.',
  'policy-host-partial-wildcards':
    "Accepts a wildcard within a label of the policy host's certificate.",
  'policy-host-may-be-expired': 'Accepts an expired certificate of the policy host.',
  'policy-host-may-be-early': 'Accepts a certificate of the policy host that is not valid yet.',
  'policy-host-may-be-untrusted':
    'Accepts a certificate of the policy host from an unknown authority.',
  'policy-host-may-be-a-client':
    'Accepts a certificate of the policy host that is for TLS clients only.',
  'policy-host-wants-ec-key':
    'Refuses a right certificate of the policy host because its key is RSA.',
  'policy-host-wants-no-wildcard':
    'Refuses a right certificate of the policy host because a wildcard names it.',
  'policy-host-wants-recipient-domain':
    'Refuses a certificate of the policy host that does not name the recipient domain.',
  'accepts-weak-policy-hosts':
    'Accepts weak keys and signatures in the certificate of the policy host.',
  'speaks-old-tls-to-policy-hosts': 'Speaks TLS 1.0 and 1.1 with the policy host.',
  'no-tls12-to-policy-hosts': 'Speaks no TLS below 1.3 with the policy host.',
  'no-sni-to-policy-host': 'Sends no SNI to the policy host.',
  'fetches-plain-http': 'Fetches the policy over plain HTTP when HTTPS fails.',
  'asks-by-post': 'Asks for the policy by POST.',
  'asks-another-path-first': 'Asks for the policy at another path before the right one.',
  'accepts-any-2xx': 'Takes a policy from any 2xx answer, not only from 200.',
  'accepts-any-status': 'Takes a policy from an answer of any status but a redirect.',
  'ignores-content-type': 'Takes a policy of any media type.',
  'takes-any-text': 'Takes a policy of any media type of text.',
  'takes-no-content-type': 'Takes a policy that comes without a media type.',
  'refuses-media-type-parameters': 'Refuses a policy whose media type has a parameter.',
  'uses-truncated-body': 'Takes what has come of a policy body that is cut short or too long.',
  'no-body-limit': 'Reads a policy body to its end, however long it is.',
  'no-fetch-time-out': 'Waits for a policy for as long as bytes may come.',
  'decodes-leniently': 'Reads a policy body that is no UTF-8.',
  'http-cache':
    'Keeps the policy host’s answers in an HTTP cache: revalidates by ETag, and asks nothing while Cache-Control says fresh.',
  'no-back-off': 'Tries a failed fetch again at once.',
  'never-tries-again': 'Never tries again to fetch a policy, once a fetch has failed.',

  // ---- the policy file (RFC 8461 §3.2) ----
  'last-duplicate-key-wins': 'Of a repeated key takes the last value instead of the first.',
  'rejects-unknown-keys': 'Rejects a policy with a key that it does not know.',
  'rejects-lf': 'Rejects a policy whose lines end in LF alone.',
  'keeps-cr':
    'Cuts lines at LF and keeps the CR, so that the mode of a CRLF policy is "enforce\\r", and the policy invalid.',
  'needs-final-line-end': 'Rejects a policy whose last line has no line end.',
  'needs-blank-after-colon': 'Rejects a policy with no blank after a colon.',
  'keeps-trailing-blanks': 'Rejects a policy with blanks at the end of a line.',
  'wants-version-first': 'Rejects a policy whose version is not its first line.',
  'keys-without-case': 'Takes keys in any letter case.',
  'modes-without-case': 'Takes modes in any letter case.',
  'version-without-case': 'Takes the version in any letter case.',
  'version-may-be-missing': 'Takes a policy without a version.',
  'takes-later-versions': 'Takes a policy of a later version.',
  'missing-mode-is-none': 'Takes a policy without a mode for one of mode none.',
  'unknown-mode-is-none': 'Takes a mode that it does not know for none.',
  'missing-max-age-is-a-day': 'Takes a policy without max_age for one of a day.',
  'reads-max-age-loosely': 'Takes what digits there are for the max_age.',
  'wants-a-day-of-max-age': 'Rejects a policy whose max_age is less than a day.',
  'wants-half-a-year-at-most': 'Rejects a policy whose max_age is more than half a year.',
  'mx-may-be-missing': 'Takes an enforce policy without mx for one that permits every MX.',
  'one-mx-line-only': 'Reads only the first mx of a policy.',
  'last-mx-line-only': 'Reads only the last mx of a policy.',
  'splits-mx-at-commas': 'Takes a list in one mx line for several patterns.',
  'skips-bad-lines': 'Passes over lines of a policy that it cannot read.',

  // ---- the policy cache (RFC 8461 §3.2, §3.3, §5.1, §10.2) ----
  'forgets-cache-when-txt-gone': 'Drops the cached policy when the TXT record is gone.',
  'forgets-cache-on-servfail': 'Drops the cached policy when the TXT look-up fails.',
  'forgets-cache-when-fetch-fails': 'Drops the cached policy when a policy fetch fails.',
  'forgets-cache-when-id-changes': 'Drops the cached policy as soon as there is a new id.',
  'forgets-cache-on-multiple-txt':
    'Drops the cached policy when there are several MTA-STS records.',
  'forgets-cache-on-bad-record':
    'Drops the cached policy when the id of the record breaks the grammar.',
  'forgets-cache-on-restart': 'Starts with an empty policy cache after a restart.',
  'keeps-policies-a-day': 'Applies no cached policy after a day, whatever its max_age.',
  'ignores-max-age': 'Applies a cached policy for ever.',
  'failed-fetch-renews': 'Takes a policy for as new as the last fetch, even one that failed.',
  'lives-from-first-fetch': 'Counts max_age from the first fetch, not from the last.',
  'refetches-only-under-a-new-id': 'Does not fetch an expired policy again under the same id.',
  'caches-by-spelling': 'Keeps a policy by the domain as it is written, capitals and all.',
  'caches-by-mx': 'Applies a cached policy to every domain whose MX it names.',
  'defers-when-discovery-fails':
    'Defers mail when no policy is cached and the fetch fails, where the mail has to be delivered.',

  // ---- which MX the policy permits (RFC 8461 §4.1) ----
  'ignores-mx-list': 'Delivers to an MX that the policy does not name.',
  'checks-first-mx-only': 'Asks whether the policy permits it of the first MX alone.',
  'permits-all-if-one-is-listed': 'Permits every MX where the policy names one of them.',
  'permits-implicit-mx': 'Permits the domain itself where it has no MX record.',
  'matches-the-cname-target': 'Compares the policy with what the CNAME of an MX leads to.',
  'wildcard-matches-deep': 'Lets "*" stand for several labels.',
  'wildcard-matches-apex': 'Lets "*." stand for nothing, so that *.d permits d.',
  'takes-dots-in-patterns-for-any': 'Takes the dots of a pattern for any character.',
  'matches-suffix': 'Permits every MX whose name ends in a pattern.',
  'matches-prefix': 'Permits every MX whose name begins with a pattern.',
  'matches-part': 'Permits every MX whose name has a pattern in it.',
  'wildcard-never-matches': 'Takes the patterns of a policy for literal names.',
  'mx-match-case-sensitive': 'Compares MX names with their letter case.',

  // ---- TLS to the MX (RFC 8461 §4.2, §5, §7.1) ----
  'plaintext-when-starttls-missing':
    'Delivers in clear to an MX that offers no STARTTLS, in spite of an enforce policy.',
  'plaintext-when-ehlo-refused':
    'Delivers in clear to an MX that refuses EHLO, in spite of an enforce policy.',
  'plaintext-after-454':
    'Delivers in clear after the MX refused STARTTLS, in spite of an enforce policy.',
  'plaintext-after-5yz-to-starttls':
    'Delivers in clear after a permanent refusal of STARTTLS, in spite of an enforce policy.',
  'plaintext-after-421':
    'Delivers in clear after the MX closed upon STARTTLS, in spite of an enforce policy.',
  'plaintext-after-250-to-starttls':
    'Delivers in clear after a reply to STARTTLS that is no 220, in spite of an enforce policy.',
  'plaintext-after-failed-handshake':
    'Delivers in clear after the TLS handshake failed, in spite of an enforce policy.',
  'goes-on-after-failed-handshake':
    'Delivers in clear over the connection whose TLS handshake failed.',
  'clear-after-bad-certificate':
    'Delivers in clear where the certificate of the MX is bad, in spite of an enforce policy.',
  'sends-a-second-copy-in-clear': 'Sends every mail a second time, in clear.',
  'lax-with-further-mx': 'Enforces the policy at the first MX alone.',
  'checks-first-address-only': 'Enforces the policy at the first address of an MX alone.',
  'lax-on-retry': 'Does not enforce the policy when mail is tried again.',
  'lax-on-third-attempt': 'Does not enforce the policy from the third attempt on.',
  'leaks-after-a-while': 'Delivers in clear what the policy held back, a moment later.',
  'leaks-after-restart': 'Tries queued mail without its policy after a restart.',
  'sends-as-last-resort': 'Delivers without the policy what has become too old for the queue.',
  'reuses-unverified-connections':
    'Sends mail under a policy over a connection that was opened without one.',
  'no-mx-certificate-check': 'Accepts whatever certificate the MX shows.',
  'mx-cn-fallback': "Takes the common name of the MX's certificate where it has no subjectAltName.",
  'accepts-any-name': 'Accepts a certificate of the MX that names another host.',
  'accepts-the-recipient-domain':
    'Accepts a certificate of the MX that names the recipient domain.',
  'accepts-an-address': 'Accepts a certificate of the MX that names an address.',
  'reads-names-to-the-nul': 'Reads the names of a certificate up to a NUL.',
  'certificate-wildcards-match-deep': 'Lets "*" in a certificate stand for several labels.',
  'certificate-wildcards-match-anywhere': 'Accepts "*" anywhere in the names of a certificate.',
  'certificate-matches-policy-not-host':
    'Compares the certificate with the patterns of the policy instead of the name of the MX.',
  'accepts-expired-certificate': 'Accepts an expired certificate of the MX.',
  'accepts-early-certificate': 'Accepts a certificate of the MX that is not valid yet.',
  'looks-at-the-leafs-dates-only': 'Accepts an expired intermediate of the MX.',
  'accepts-self-signed': 'Accepts a self-signed certificate of the MX.',
  'accepts-unknown-issuers': 'Accepts a certificate of the MX whose issuer it does not know.',
  'accepts-any-issuer': 'Accepts a certificate of the MX whose issuer may issue none.',
  'ignores-name-constraints': 'Accepts a certificate of the MX that its issuer may not issue.',
  'accepts-client-auth-certificate':
    'Accepts a certificate of the MX that is for TLS clients only.',
  'accepts-weak-keys': 'Accepts weak keys and signatures in the certificate of the MX.',
  'refuses-wildcard-certificates':
    'Refuses a right certificate of the MX because a wildcard names it.',
  'refuses-rsa-keys': 'Refuses a right certificate of the MX because its key is RSA.',
  'refuses-intermediates':
    'Refuses a right certificate of the MX because an intermediate vouches for it.',
  'refuses-empty-subject': 'Refuses a right certificate of the MX because its subject is empty.',
  'wants-the-recipient-domain':
    'Refuses a certificate of the MX that does not name the recipient domain.',
  'no-tls12': 'Speaks no TLS below 1.3.',
  'no-tls13': 'Speaks no TLS above 1.2.',
  'speaks-old-tls': 'Speaks TLS 1.0 and 1.1 with the MX.',
  'no-sni-to-mx': 'Sends no SNI to the MX.',
  'mail-before-check': 'Sends MAIL FROM before it looks at the certificate.',
  'no-opportunistic-tls': 'Uses no TLS where there is no policy.',

  // ---- modes (RFC 8461 §5) ----
  'enforces-testing': 'Enforces a policy in testing mode.',
  'enforces-none': 'Enforces a policy of mode none.',
  'no-tls-under-testing': 'Uses no TLS under a policy in testing mode.',
  'no-tls-under-none': 'Uses no TLS under a policy of mode none.',

  // ---- STARTTLS (RFC 3207 §4, §4.2, §6) ----
  'keeps-pre-tls-replies': 'Takes bytes that came in clear behind the 220 for replies inside TLS.',
  'keeps-pre-tls-capabilities':
    'Remembers the extensions offered before TLS and prefers them to those offered inside.',
  'no-ehlo-after-tls': 'Sends no EHLO inside TLS.',
  'says-helo-inside-tls': 'Says HELO instead of EHLO inside TLS.',
  'says-starttls-twice': 'Says STARTTLS inside TLS where it is offered there.',
  'starttls-with-a-parameter': 'Says STARTTLS with a parameter.',
  'pipelines-behind-starttls': 'Sends a command behind STARTTLS without waiting for the reply.',

  // ---- candidates, queue, bounces (RFC 5321 §4.5, §5.1, §6.1, RFC 8461 §5) ----
  'only-first-mx': 'Tries no other MX when the first one fails.',
  'prefers-the-last-mx': 'Tries the MX with the highest preference number first.',
  'tries-first-address-only': 'Tries no other address of an MX when the first one fails.',
  'knows-no-implicit-mx': 'Returns mail to a domain that has an address and no MX.',
  'address-after-null-mx':
    "Falls back to the domain's own address record where its null MX says that it takes no mail.",
  'address-after-nxdomain':
    "Falls back to the domain's own address record where there is no such domain at the MX look-up.",
  'address-after-failed-mx-lookup':
    "Falls back to the domain's own address record when the MX look-up fails.",
  'falls-back-to-address-record':
    "Falls back to the domain's own address record, past the policy, when every MX fails.",
  'returns-mail-for-a-failed-mx-lookup': 'Returns mail at once when the MX look-up fails.',
  'returns-mail-for-a-refused-connection': 'Returns mail at once when a connection is refused.',
  'returns-mail-for-a-bad-greeting': 'Returns mail at once when an MX greets with a 5yz reply.',
  'returns-mail-for-5yz-to-starttls':
    'Returns mail at once when STARTTLS is refused with a 5yz reply.',
  'returns-mail-when-one-mx-fails': 'Returns mail at once when its first MX fails.',
  'bounces-at-once': 'Returns mail at once when the policy forbids its delivery.',
  'bounces-by-cached-policy':
    'Returns mail at once when the policy forbids its delivery, without looking for a newer one.',
  'bounces-unlisted-at-once': 'Returns mail at once when the policy permits none of the MX.',
  'bounces-on-retry': 'Returns mail that could not be delivered at once.',
  'no-recheck-before-bounce':
    'Returns mail too old for the queue without looking for a new policy.',
  'returns-from-postmaster': 'Returns mail under a reverse-path that is not null.',
  'returns-nothing': 'Gives mail up without returning it to its sender.',
  'loses-mail': 'Drops deferred mail without a word.',
  'loses-mail-on-restart': 'Forgets its queue in a restart.',

  // ---- reports (RFC 8460) ----
  'reports-nothing': 'Sends no TLSRPT reports.',
  'reports-wrong-type': 'Reports every failure as dane-required.',
  'reports-wrong-count': 'Reports one more failed session than there was, of each kind.',
} as const satisfies Record<string, string>;
