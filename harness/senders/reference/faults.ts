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
  'smart-host-without-its-policy':
    "Asks for the recipient's policy, and not for the smart host's, where a smart host takes the mail.",
  'smart-host-without-its-policy-on-retry':
    "Asks for the recipient's policy, and not for the smart host's, when mail is tried again.",
  'policies-for-address-literals': 'Asks for the policy of an address literal.',
  'never-refreshes': 'Looks for new policies only when there is mail.',
  'refreshes-when-expired': 'Looks for a new policy only once the old one has expired.',
  'passes-over-itself': 'Is an MX of the domain, and hands its mail to those that come after it.',
  'policy-of-the-alias': 'Takes the policy of the name that the recipient domain is an alias of.',
  'defers-when-record-fails':
    'Defers mail when the TXT look-up fails, where the mail has to be delivered.',
  'defers-without-a-record': 'Defers mail to a domain that has no MTA-STS record.',
  'never-refetches': 'Does not act on a new id while a policy is cached.',
  'never-refetches-testing': 'Does not act on a new id while a policy in testing mode is cached.',
  'never-refetches-none': 'Does not act on a new id while a policy of mode none is cached.',
  'refetches-only-when-id-grows':
    'Takes a new id for an update only when it sorts after the old one.',
  'compares-ids-without-case': 'Takes ids that differ in letter case for the same.',
  'compares-ids-by-prefix': 'Takes an id that begins like the old one for the same.',
  'compares-ids-as-numbers': 'Compares ids as numbers, so that 01 is 1.',

  // ---- discovery: the policy fetch (RFC 8461 §3.3) ----
  'follows-redirects': 'Follows a redirect of the policy host.',
  'follows-redirects-at-home': 'Follows a redirect of the policy host to itself.',
  'accepts-any-policy-host-certificate': 'Accepts whatever certificate the policy host shows.',
  'policy-host-resumes':
    'Resumes TLS sessions with policy hosts, refused ones too, and checks nothing then.',
  'policy-host-cn-fallback':
    "Takes the common name of the policy host's certificate where it has no subjectAltName.",
  'policy-host-of-any-name': 'Accepts a certificate of the policy host that names another host.',
  'policy-host-of-a-longer-name':
    'Accepts a certificate of the policy host with a name that ends in that of the host.',
  'policy-host-of-other-name-types':
    'Accepts a certificate of the policy host that has its name in a URI or a mail address.',
  'policy-host-partial-wildcards':
    "Accepts a wildcard within a label of the policy host's certificate.",
  'policy-host-may-be-expired': 'Accepts an expired certificate of the policy host.',
  'policy-host-may-be-early': 'Accepts a certificate of the policy host that is not valid yet.',
  'policy-host-may-be-untrusted':
    'Accepts a certificate of the policy host from an unknown authority.',
  'policy-host-may-be-forged':
    'Accepts a certificate of the policy host that its issuer has not signed.',
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
  'sni-of-the-policy-alias': 'Sends SNI with what the CNAME of the policy host leads to.',
  'fetches-plain-http': 'Fetches the policy over plain HTTP when HTTPS fails.',
  'asks-by-post': 'Asks for the policy by POST.',
  'asks-another-path-first': 'Asks for the policy at another path before the right one.',
  'accepts-any-2xx': 'Takes a policy from any 2xx answer, not only from 200.',
  'accepts-any-status': 'Takes a policy from an answer of any status but a redirect.',
  'takes-body-of-redirect': 'Takes a policy that comes with a 3xx status.',
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
  'forgets-the-cache-while-fetching':
    'Delivers without the cached policy while a new one is being fetched for another message.',
  'wants-http-1.1': 'Takes no policy that comes in HTTP/1.0.',
  'stops-at-an-interim-answer': 'Takes an interim answer, such as 103, for a failed fetch.',
  'scrapes-answers':
    'Takes whatever looks like a policy among the bytes of an answer, by no rule of HTTP.',
  'no-back-off': 'Tries a failed fetch again at once.',
  'backs-off-for-everybody':
    'After a failed fetch asks for no policy of any domain for five minutes.',
  'never-tries-again': 'Never tries again to fetch a policy, once a fetch has failed.',
  'remembers-no-policy': 'For a week asks for no policy where it has found none.',

  // ---- the policy file (RFC 8461 §3.2) ----
  'last-duplicate-key-wins': 'Of a repeated key takes the last value instead of the first.',
  'rejects-unknown-keys': 'Rejects a policy with a key that it does not know.',
  'keys-unanchored': 'Takes a key that ends in one it knows, such as x-mode, for that one.',
  'keys-by-prefix': 'Takes a key that begins with one it knows, such as mode_hint, for that one.',
  'rejects-lf': 'Rejects a policy whose lines end in LF alone.',
  'keeps-cr':
    'Cuts lines at LF and keeps the CR, so that the mode of a CRLF policy is "enforce\\r", and the policy invalid.',
  'needs-final-line-end': 'Rejects a policy whose last line has no line end.',
  'needs-blank-after-colon': 'Rejects a policy with no blank after a colon.',
  'keeps-trailing-blanks': 'Rejects a policy with blanks at the end of a line.',
  'wants-version-first': 'Rejects a policy whose version is not its first line.',
  'strips-byte-order-marks': 'Takes a policy behind a byte order mark.',
  'keys-without-case': 'Takes keys in any letter case.',
  'modes-without-case': 'Takes modes in any letter case.',
  'version-without-case': 'Takes the version in any letter case.',
  'version-may-be-missing': 'Takes a policy without a version.',
  'takes-later-versions': 'Takes a policy of a later version.',
  'missing-mode-is-none': 'Takes a policy without a mode for one of mode none.',
  'unknown-mode-is-none': 'Takes a mode that it does not know for none.',
  'missing-max-age-is-a-day': 'Takes a policy without max_age for one of a day.',
  'reads-max-age-loosely': 'Takes what digits there are for the max_age.',
  'octal-max-age': 'Reads a max_age with a zero in front as an octal number.',
  'max-age-zero-is-a-week': 'Takes a max_age of 0 for one of a week.',
  'wants-a-day-of-max-age': 'Rejects a policy whose max_age is less than a day.',
  'wants-half-a-year-at-most': 'Rejects a policy whose max_age is more than half a year.',
  'mx-may-be-missing': 'Takes an enforce policy without mx for one that permits every MX.',
  'one-mx-line-only': 'Reads only the first mx of a policy.',
  'last-mx-line-only': 'Reads only the last mx of a policy.',
  'reads-ten-mx-lines': 'Reads no more than the first ten mx of a policy.',
  'splits-mx-at-commas': 'Takes a list in one mx line for several patterns.',
  'skips-bad-lines': 'Passes over lines of a policy that it cannot read.',

  // ---- DANE (RFC 7672) ----
  'dane-never-asks': 'Asks for no TLSA records.',
  'dane-remembers-none': 'Asks for no TLSA records for ever, where it has once found none.',
  'dane-remembers-records':
    'Asks for no TLSA records for ever, where it has once found some, and goes by those.',
  'dane-takes-truncated-for-none':
    'Takes a truncated answer without TLSA records for no TLSA records.',
  'dane-without-dnssec': 'Uses TLSA records that DNSSEC does not vouch for.',
  'dane-passes-over-failed-lookups': 'Takes a failed TLSA look-up for no TLSA records.',
  'dane-passes-over-failed-target':
    'Takes a failed TLSA look-up under the name that an alias leads to for no TLSA records there.',
  'dane-passes-over-failed-original':
    'Takes a failed TLSA look-up under the name in the MX record, which is an alias, for no TLSA records there.',
  'dane-passes-over-failed-lookups-on-retry':
    'Takes a failed TLSA look-up for no TLSA records when mail is tried again.',
  'dane-failed-saved-by-policy':
    'Delivers to a host whose TLSA look-up fails where it enforces a policy.',
  'dane-wants-tlsa-everywhere': 'Defers mail to a host that has no TLSA records.',
  'dane-asks-before-the-address': "Asks for TLSA records before it knows the host's address.",
  'dane-asks-insecure-hosts':
    'Asks for TLSA records of a host whose address DNSSEC does not vouch for.',
  'dane-asks-the-alias-only':
    'Asks for TLSA records under the name in the MX record, and not under the one that it is an alias of.',
  'dane-asks-the-target-only':
    'Of an MX host that is an alias, asks for TLSA records under the name it leads to only.',
  'dane-not-behind-tlsa-alias': 'Does without DANE where the name of the TLSA records is an alias.',
  'dane-prefers-hosts-with-tlsa':
    'Tries MX hosts with TLSA records before others that are preferred.',
  'dane-takes-the-first-record': 'Reads only the first of several TLSA records.',
  'dane-takes-unusable-for-none': 'Takes TLSA records of which none is usable for no TLSA records.',
  'dane-wants-usable-records': 'Defers mail to a host of whose TLSA records none is usable.',
  'dane-one-unusable-waives-all':
    'Compares no certificate with TLSA records of which one is unusable.',
  'dane-takes-weaker-digests':
    'Takes a match of a digest beside which there is a stronger one that does not match.',
  'dane-agility-across-usages':
    'Takes no match of a digest beside which there is a stronger one under another usage.',
  'dane-clear-without-tls': 'Sends in clear to a host with TLSA records where TLS cannot be had.',
  'dane-clear-with-unusable':
    'Sends in clear to a host with unusable TLSA records where TLS cannot be had.',
  'dane-takes-any-certificate': 'Compares no certificate with the TLSA records.',
  'dane-saved-by-web-pki':
    'Takes a certificate that a CA vouches for, whatever the TLSA records say.',
  'dane-ee-wants-the-name':
    'Wants the name of the host in a certificate that a TLSA record of usage 3 matches.',
  'dane-ee-wants-the-dates':
    'Refuses an expired certificate that a TLSA record of usage 3 matches.',
  'dane-ee-anywhere-in-the-chain':
    'Takes a TLSA record of usage 3 that matches any certificate that the host shows.',
  'dane-ta-takes-any-issuer':
    'Under usage 2 takes a certificate that was signed by one that may sign none.',
  'dane-ta-ignores-constraints':
    'Under usage 2 looks at no path length, no name constraint and no critical extension.',
  'dane-ta-ignores-names': 'Under usage 2 takes a certificate of whatever name.',
  'dane-ta-ignores-dates': 'Under usage 2 takes an expired certificate.',
  'dane-ta-takes-forged-signatures':
    'Under usage 2 takes a certificate that names the CA as its issuer and is not signed by it.',
  'dane-ta-wants-the-host-name':
    'Under usage 2 refuses a certificate that names the recipient domain and not the host.',
  'dane-ta-takes-any-common-name':
    'Under usage 2 takes the common name where there is a subjectAltName.',
  'dane-ta-takes-partial-wildcards': 'Under usage 2 takes a wildcard within a label.',
  'dane-ta-wants-no-wildcard': 'Under usage 2 refuses a wildcard certificate.',
  'dane-no-sni': 'Sends no SNI to a host with TLSA records.',
  'dane-sni-of-the-host':
    'Sends SNI with the name in the MX record where the TLSA records are at what it is an alias of.',
  'dane-for-address-literals': 'Asks for TLSA records of address literals.',
  'dane-asks-for-port-25': 'Asks for the TLSA records of port 25, whatever port it sends to.',
  'dane-anonymous-suites-only':
    'Offers a host with TLSA records only suites in which it shows no certificate.',
  'dane-lax-on-retry': 'Does without DANE from the second attempt on.',
  'dane-lax-on-fourth-attempt': 'Does without DANE from the fourth attempt on.',
  'dane-lax-as-last-resort': 'Does without DANE for what has become too old for the queue.',
  'dane-lax-after-restart': 'Does without DANE after a restart.',
  'dane-at-the-first-mx-alone': 'Does without DANE at every MX but the first.',
  'dane-not-at-the-third-mx': 'Does without DANE at every MX after the second.',
  'dane-at-the-first-address-alone': 'Does without DANE at every address of an MX but the first.',
  'dane-not-for-implicit-mx': 'Does without DANE at a domain that is its own MX.',
  'dane-not-for-domain-alias': 'Does without DANE where the domain is an alias.',
  'dane-not-over-ipv6': 'Does without DANE at IPv6 addresses.',
  'dane-not-for-bounces': 'Does without DANE for mail from the null reverse-path.',
  'dane-not-under-none': 'Does without DANE under a policy of mode none.',
  'dane-for-the-first-recipient-alone':
    'Does without DANE for every recipient of a message but the first.',
  'dane-not-over-open-connections':
    'Sends mail under DANE over a connection that was opened without.',
  'dane-takes-verified':
    'Sends mail under DANE over a connection whose certificate a policy found right.',
  'dane-unusable-lifts-the-policy':
    'Checks no certificate, in spite of a policy, where no TLSA record is usable.',

  // ---- the policy cache (RFC 8461 §3.2, §3.3, §5.1, §10.2) ----
  'forgets-cache-when-txt-gone': 'Drops the cached policy when the TXT record is gone.',
  'forgets-cache-on-servfail': 'Drops the cached policy when the TXT look-up fails.',
  'forgets-cache-when-fetch-fails': 'Drops the cached policy when a policy fetch fails.',
  'forgets-cache-when-id-changes': 'Drops the cached policy as soon as there is a new id.',
  'forgets-cache-on-multiple-txt':
    'Drops the cached policy when there are several MTA-STS records.',
  'forgets-cache-on-bad-record':
    'Drops the cached policy when the id of the record breaks the grammar.',
  'forgets-on-failed-refresh': 'Drops the cached policy when a refresh fails to fetch it.',
  'forgets-on-refresh-without-record':
    'Drops the cached policy when a refresh finds no TXT record.',
  'refreshes-from-anybody':
    'Accepts whatever certificate the policy host shows when it refreshes a policy.',
  'keeps-the-id-of-a-failed-fetch':
    'Takes the new id for that of the cached policy, although the fetch failed.',
  'forgets-cache-on-restart': 'Starts with an empty policy cache after a restart.',
  'restart-loses-mx': 'After a restart permits every MX under a cached policy.',
  'restart-enforces-testing': 'After a restart enforces a cached policy in testing mode.',
  'renews-on-restart': 'Takes cached policies for new after a restart.',
  'keeps-policies-a-day': 'Applies no cached policy after a day, whatever its max_age.',
  'ignores-max-age': 'Applies a cached policy for ever.',
  'failed-fetch-renews': 'Takes a policy for as new as the last fetch, even one that failed.',
  'lives-from-first-fetch': 'Counts max_age from the first fetch, not from the last.',
  'keeps-longest-max-age':
    'Keeps the max_age of the policy before where that of the new one is shorter.',
  'keeps-enforce-over-testing': 'Keeps the mode enforce where the new policy is in testing mode.',
  'refetches-only-under-a-new-id': 'Does not fetch an expired policy again under the same id.',
  'caches-by-spelling': 'Keeps a policy by the domain as it is written, capitals and all.',
  'bounces-have-their-own-cache':
    'Keeps the policies for mail from the null reverse-path in a cache of its own.',
  'needs-the-record-on-retry':
    'Applies no cached policy to mail that is tried again where there is no record of one.',
  'caches-by-mx': 'Applies a cached policy to every domain whose MX it names.',
  'caches-by-child': 'Applies the cached policy of a subdomain to the domain above it.',
  'permits-what-any-policy-lists': 'Permits an MX that the policy of another domain names.',
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
  'wildcard-matches-no-hyphen': 'Lets "*" stand for no label with a hyphen in it.',
  'wildcard-matches-no-a-label': 'Lets "*" stand for no label of another script.',
  'wildcard-matches-with-case':
    'Compares MX names with the wildcards of a policy with their letter case.',
  'mx-match-case-sensitive': 'Compares MX names with their letter case.',
  'reads-patterns-as-a-shell': 'Lets "*" anywhere in a pattern stand for any characters.',
  'compares-mx-in-unicode': 'Compares the policy with the name of the MX in Unicode.',
  'remembers-permitted-hosts': 'Permits an MX that an earlier policy of the domain named.',
  'permits-by-certificate':
    'Permits an MX that the policy does not name where its certificate has a name that the policy does.',

  // ---- TLS to the MX (RFC 8461 §4.2, §5, §7.1) ----
  'plaintext-when-starttls-missing':
    'Delivers in clear to an MX that offers no STARTTLS, in spite of an enforce policy.',
  'plaintext-when-ehlo-refused':
    'Delivers in clear to an MX that refuses EHLO, in spite of an enforce policy.',
  'plaintext-after-garbled-ehlo':
    'Delivers in clear to an MX whose reply to EHLO cannot be read, in spite of an enforce policy.',
  'helo-after-4yz-to-ehlo':
    'Says HELO and delivers in clear where EHLO is refused for now, in spite of an enforce policy.',
  'helo-after-lost-ehlo':
    'Says HELO on a new connection and delivers in clear where EHLO got no reply, in spite of an enforce policy.',
  'helo-without-esmtp':
    'Says HELO and delivers in clear to an MX that greets without ESMTP, in spite of an enforce policy.',
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
  'plaintext-after-loss-inside-tls':
    'Delivers in clear after EHLO inside TLS got no reply, in spite of an enforce policy.',
  'plaintext-after-refusal-inside-tls':
    'Delivers in clear after EHLO or MAIL was refused inside TLS, in spite of an enforce policy.',
  'goes-on-after-failed-handshake':
    'Delivers in clear over the connection whose TLS handshake failed.',
  'clear-after-bad-certificate':
    'Delivers in clear where the certificate of the MX is bad, in spite of an enforce policy.',
  'sends-a-second-copy-in-clear': 'Sends every mail a second time, in clear.',
  'lax-with-further-mx': 'Enforces the policy at the first MX alone.',
  'lax-at-the-third-mx': 'Enforces the policy at the first two MX alone.',
  'lax-at-the-last-of-several-mx': 'Does not enforce the policy at the last of three or more MX.',
  'lax-with-implicit-mx': 'Does not enforce the policy at a domain that is its own MX.',
  'checks-first-address-only': 'Enforces the policy at the first address of an MX alone.',
  'lax-at-the-third-address': 'Enforces the policy at the first two addresses of an MX alone.',
  'lax-over-ipv6': 'Does not enforce the policy at IPv6 addresses.',
  'lax-for-8-bit-mail': 'Does not enforce the policy on mail with 8-bit text.',
  'lax-for-large-mail': 'Does not enforce the policy on mail of more than 50,000 characters.',
  'lax-on-retry': 'Does not enforce the policy when mail is tried again.',
  'lax-on-third-attempt': 'Does not enforce the policy from the third attempt on.',
  'lax-on-fifth-attempt': 'Does not enforce the policy from the fifth attempt on.',
  'leaks-after-a-while': 'Delivers in clear what the policy held back, a moment later.',
  'leaks-after-restart': 'Tries queued mail without its policy after a restart.',
  'lax-after-hours': 'Delivers without the policy what has been in the queue for four hours.',
  'sends-as-last-resort': 'Delivers without the policy what has become too old for the queue.',
  'last-look-ends-the-policy':
    'Delivers without the policy what has become too old for the queue, where a last look finds none.',
  'keeps-policy-with-the-mail': 'Holds queued mail to what it knew of policies when it was queued.',
  'reuses-unverified-connections':
    'Sends mail under a policy over a connection that was opened without one.',
  'keeps-by-address':
    'Sends mail over a verified connection that was opened to another host at the same address.',
  'sends-over-open-connections':
    'Sends mail for a domain over the connection it has open, whatever the MX are now.',
  'no-mx-certificate-check': 'Accepts whatever certificate the MX shows.',
  'mx-cn-fallback': "Takes the common name of the MX's certificate where it has no subjectAltName.",
  'mx-cn-beside-dns-names':
    "Takes the common name of the MX's certificate beside what its subjectAltName says.",
  'accepts-any-name': 'Accepts a certificate of the MX that names another host.',
  'accepts-the-recipient-domain':
    'Accepts a certificate of the MX that names the recipient domain.',
  'accepts-the-cname-target': 'Accepts a certificate of the MX that names what its CNAME leads to.',
  'accepts-an-address': 'Accepts a certificate of the MX that names an address.',
  'reads-names-to-the-nul': 'Reads the names of a certificate up to a NUL.',
  'accepts-longer-names':
    'Accepts a certificate of the MX with a name that ends in that of the MX.',
  'accepts-other-name-types':
    'Accepts a certificate of the MX that has its name in a URI or a mail address.',
  'certificate-wildcards-match-apex':
    'Lets "*." in a certificate stand for nothing, so that *.h names h.',
  'certificate-wildcards-match-deep': 'Lets "*" in a certificate stand for several labels.',
  'certificate-wildcards-match-anywhere': 'Accepts "*" anywhere in the names of a certificate.',
  'certificate-matches-policy-not-host':
    'Compares the certificate with the patterns of the policy instead of the name of the MX.',
  'certificate-matches-wildcard-not-host':
    'Where a wildcard of the policy permits the MX, accepts a certificate with any name that the wildcard permits.',
  'accepts-expired-certificate': 'Accepts an expired certificate of the MX.',
  'accepts-early-certificate': 'Accepts a certificate of the MX that is not valid yet.',
  'looks-at-the-leafs-dates-only': 'Accepts an expired intermediate of the MX.',
  'accepts-self-signed': 'Accepts a self-signed certificate of the MX.',
  'accepts-unknown-issuers': 'Accepts a certificate of the MX whose issuer it does not know.',
  'accepts-forged-signatures': 'Accepts a certificate of the MX that its issuer has not signed.',
  'accepts-any-issuer': 'Accepts a certificate of the MX whose issuer may issue none.',
  'ignores-name-constraints': 'Accepts a certificate of the MX that its issuer may not issue.',
  'ignores-path-length':
    'Accepts a certificate of the MX whose issuer stands too far below the root.',
  'ignores-critical-extensions':
    'Accepts a certificate of the MX with a critical extension that it does not know.',
  'accepts-client-auth-certificate':
    'Accepts a certificate of the MX that is for TLS clients only.',
  'accepts-weak-keys': 'Accepts weak keys and signatures in the certificate of the MX.',
  'refuses-wildcard-certificates':
    'Refuses a right certificate of the MX because a wildcard names it.',
  'refuses-rsa-keys': 'Refuses a right certificate of the MX because its key is RSA.',
  'refuses-intermediates':
    'Refuses a right certificate of the MX because an intermediate vouches for it.',
  'refuses-empty-subject': 'Refuses a right certificate of the MX because its subject is empty.',
  'certificate-names-with-case':
    'Refuses a right certificate of the MX because its name has other letters, capital or small.',
  'compares-u-labels': 'Compares the certificate with the name of the MX in its own script.',
  'reads-a-hundred-names': 'Reads no more than a hundred names of a certificate.',
  'refuses-p384': 'Refuses a right certificate of the MX because its key is on P-384.',
  'wants-the-recipient-domain':
    'Refuses a certificate of the MX that does not name the recipient domain.',
  'no-tls12': 'Speaks no TLS below 1.3.',
  'no-tls12-nor-tls13': 'Speaks TLS 1.0 and 1.1 with the MX, and nothing above.',
  'no-tls13': 'Speaks no TLS above 1.2.',
  'speaks-old-tls': 'Speaks TLS 1.0 and 1.1 with the MX.',
  'speaks-old-tls-on-retry': 'Speaks TLS 1.0 and 1.1 with the MX when mail is tried again.',
  'speaks-old-tls-with-further-mx': 'Speaks TLS 1.0 and 1.1 with every MX but the first.',
  'falls-back-to-tls11': 'Offers TLS 1.1 and nothing newer after a handshake that failed.',
  'falls-back-to-ssl3': 'Offers SSL 3 and nothing newer after a handshake that failed.',
  'goes-on-with-any-flight':
    'Tries a handshake that failed once more, and goes on whatever is wrong with what the server says.',
  'no-extended-master-secret': 'Offers TLS 1.2 without extended_master_secret.',
  'trusts-old-renegotiation': 'Goes on with a server of TLS 1.2 that has no renegotiation_info.',
  'takes-suites-without-encryption': 'Takes cipher suites that encrypt nothing.',
  'knows-x25519-alone': 'Knows no group for the key exchange but X25519.',
  'takes-static-rsa': 'Takes cipher suites without forward secrecy.',
  'resumes-unverified-sessions':
    'Resumes sessions made without a policy, and takes their certificates for checked.',
  'sni-with-a-dot': 'Sends SNI with a dot at the end of the name.',
  'sni-of-address-literals': 'Sends SNI with an address literal, brackets and all.',
  'no-sni-to-mx': 'Sends no SNI to the MX.',
  'no-sni-on-retry': 'Sends no SNI to the MX when mail is tried again.',
  'no-sni-to-further-mx': 'Sends no SNI to any MX but the first.',
  'sni-of-the-alias': 'Sends SNI with what the CNAME of an MX leads to.',
  'mail-before-check': 'Sends MAIL FROM before it looks at the certificate.',
  'no-opportunistic-tls': 'Uses no TLS where there is no policy.',
  'remembers-hosts-without-tls': 'Uses no TLS with an MX, without a policy, where it failed once.',

  // ---- modes (RFC 8461 §5) ----
  'enforces-testing': 'Enforces a policy in testing mode.',
  'enforces-none': 'Enforces a policy of mode none.',
  'no-tls-under-testing': 'Uses no TLS under a policy in testing mode.',
  'no-tls-under-none': 'Uses no TLS under a policy of mode none.',

  // ---- STARTTLS (RFC 3207 §4, §4.2, §6) ----
  'keeps-pre-tls-replies': 'Takes bytes that came in clear behind the 220 for replies inside TLS.',
  'keeps-half-a-reply':
    'Takes half a reply that came in clear behind the 220 for the beginning of one inside TLS.',
  'keeps-pre-tls-capabilities':
    'Remembers the extensions offered before TLS and prefers them to those offered inside.',
  'no-ehlo-after-tls': 'Sends no EHLO inside TLS.',
  'says-helo-inside-tls': 'Says HELO instead of EHLO inside TLS.',
  'says-starttls-twice': 'Says STARTTLS inside TLS where it is offered there.',
  'starttls-with-a-parameter': 'Says STARTTLS with a parameter.',
  'speaks-before-the-handshake':
    'Says NOOP in clear between the 220 to STARTTLS and the handshake.',
  'never-says-quit': 'Hangs up without QUIT.',
  'pipelines-behind-starttls': 'Sends a command behind STARTTLS without waiting for the reply.',
  'keywords-in-capitals-only': 'Reads EHLO keywords in capitals only.',
  'reads-few-ehlo-lines': 'Reads no more than the first ten lines of an EHLO reply.',

  // ---- replies (RFC 5321 §4.2) ----
  'takes-a-line-for-a-reply':
    'Takes every line of a reply that has a status code of its own for a whole reply.',
  'takes-a-segment-for-a-reply': 'Takes what comes in one segment for a whole reply.',
  'wants-text-in-replies': 'Takes a reply code without a text for no reply.',
  'goes-by-enhanced-codes':
    'Goes by the first digit of the enhanced status code, where the reply code decides.',
  'takes-sent-for-delivered': 'Takes mail for delivered before the server has said so.',
  'returns-mail-for-a-broken-connection':
    'Returns mail at once when the server closes the connection.',

  // ---- candidates, queue, bounces (RFC 5321 §4.5, §5.1, §6.1, RFC 8461 §5) ----
  'only-first-mx': 'Tries no other MX when the first one fails.',
  'prefers-the-last-mx': 'Tries the MX with the highest preference number first.',
  'tries-in-the-order-of-the-policy': 'Tries MX hosts in the order in which the policy names them.',
  'one-of-equal-mx-only': 'Of MX hosts of one preference tries only one.',
  'tries-first-address-only': 'Tries no other address of an MX when the first one fails.',
  'believes-any-packet':
    'Takes any packet for the answer to its question, whatever id and question it repeats.',
  'takes-truncated-mx-answers': 'Takes a truncated answer at the MX look-up for a whole one.',
  'knows-no-ipv6': 'Looks for IPv4 addresses alone.',
  'knows-no-implicit-mx': 'Returns mail to a domain that has an address and no MX.',
  'knows-no-alias-of-a-domain': 'Finds no MX for a domain that is an alias, and keeps the mail.',
  'address-after-null-mx':
    "Falls back to the domain's own address record where its null MX says that it takes no mail.",
  'null-exchange-is-the-domain': 'Takes a null exchange for the domain itself.',
  'null-mx-of-preference-0-only':
    "Falls back to the domain's own address record where its null MX has another preference than 0.",
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
  'policy-of-the-first-recipient':
    'Applies the policy of the domain of the first recipient to all recipients of a message.',
  'recalls-for-other-recipients':
    'Looks for no policy for any recipient of a message but the first, and goes by its cache.',
  'no-policy-for-u-labels':
    'Enforces no policy where the recipient domain is written in U-labels (RFC 6531).',
  'protects-the-first-recipient-only':
    'Enforces the policy for the first recipient of a message alone.',
  'drops-the-other-recipients':
    'Forgets the other recipients of a message when it is returned for one of them.',
  'does-not-protect-bounces':
    'Does not enforce policies on mail from the null reverse-path, bounces among it.',

  'clear-where-tls-is-required':
    'Sends in clear to a domain for which its administrator requires TLS.',

  // ---- REQUIRETLS (RFC 8689) ----
  'omits-requiretls': 'Sends mail that asks for REQUIRETLS without the parameter.',
  'requiretls-left-out-when-refused':
    'Sends such mail without the parameter to a host that refuses it.',
  'requiretls-to-any-host': 'Sends such mail to a host that does not offer REQUIRETLS.',
  'requiretls-to-any-mx': 'Sends such mail to a host that no policy vouches for.',
  'requiretls-in-clear': 'Sends such mail in clear where there is no TLS.',
  'requiretls-without-a-certificate': 'Sends such mail to a host whose certificate is bad.',
  'requiretls-by-dnssec-alone':
    'Sends such mail to a host whatever its certificate, where DNSSEC vouches for the MX records.',
  'requiretls-takes-unusable-tlsa':
    'Sends such mail to a host whatever its certificate, where no TLSA record is usable.',
  'requiretls-first-host-only':
    'Returns such mail where the first host will not do, and tries no other.',
  'requiretls-at-the-first-host-alone':
    'Sends such mail to any host but the first without asking for what REQUIRETLS asks.',
  'requiretls-at-the-first-address-alone':
    'Sends such mail to any address of a host but the first whatever its certificate.',
  'requiretls-not-over-ipv6':
    'Sends such mail to any IPv6 address of a host whatever its certificate.',
  'requiretls-for-the-first-recipient-alone':
    'Forgets for every recipient of a message but the first that it asks for REQUIRETLS.',
  'requiretls-over-any-open-connection':
    'Sends such mail over a connection that was opened for other mail.',
  'keeps-requiretls-mail': 'Keeps such mail in the queue where it has to be returned.',
  'forgets-requiretls-in-the-queue': 'Tries such mail again as if it did not ask for REQUIRETLS.',
  'forgets-requiretls-after-hours':
    'Forgets that mail asks for REQUIRETLS when it has been in the queue for four hours.',
  'forgets-requiretls-in-a-restart': 'Forgets in a restart which mail asks for REQUIRETLS.',
  'bounces-without-requiretls': 'Returns such mail by a bounce that does not ask for REQUIRETLS.',
  'bounces-without-requiretls-on-retry':
    'Tries the bounce of such mail again as if it did not ask for REQUIRETLS.',
  'bounces-requiretls-mail-in-clear':
    'Returns such mail in clear where the way home has no TLS, in spite of a policy.',
  'returns-requiretls-mail-whole': 'Returns such mail with its body.',
  'obeys-tls-required-beside-requiretls':
    'Obeys "TLS-Required: No" where REQUIRETLS is asked for as well.',
  'ignores-tls-required-no': 'Enforces the policy on mail that says "TLS-Required: No".',
  'no-tls-where-optional': 'Uses no TLS for mail that says "TLS-Required: No".',
  'tls-required-anywhere':
    'Takes a line "TLS-Required: No" in the text of mail for the header field.',
  'tls-required-any-value': 'Takes "TLS-Required: Yes" for "TLS-Required: No".',
  'tls-required-longer-values': 'Takes "TLS-Required: None" for "TLS-Required: No".',
  'tls-required-x': 'Takes "X-TLS-Required: No" for "TLS-Required: No".',
  'tls-required-longer-names': 'Takes "TLS-Required-By: No" for "TLS-Required: No".',
  'tls-optional-sticks':
    'Enforces no policy of a domain after mail to it that says "TLS-Required: No".',
  'reuses-after-tls-optional':
    'Sends mail under a policy over a connection that was opened for mail that says "TLS-Required: No".',

  // ---- reports (RFC 8460) ----
  'reports-nothing': 'Sends no TLSRPT reports.',
  'reports-wrong-type': 'Reports every failure as dane-required.',
  'looks-for-reporting-elsewhere': 'Looks for the reporting record at another name.',
  'joins-reporting-by-blanks': 'Puts a blank between the strings of a reporting record.',
  'no-reporting-extensions': 'Discards a reporting record with a field that it does not know.',
  'reporting-of-any-version':
    'Takes v=tlsrptv1 for the version of a reporting record, whatever its letter case.',
  'first-of-several-reporting-records': 'Takes the first of several reporting records.',
  'counts-unrelated-reporting-records':
    'Counts other TXT records at the name as reporting records.',
  'reports-to-the-first-address': 'Tries only the first address that a reporting record gives.',
  'reports-to-one-uri': 'Takes a rua of several addresses for none.',
  'reports-once': 'Takes a report that was refused for one that has arrived.',
  'wants-200-for-reports': 'Takes any answer to a report but 200 for a refusal.',
  'reports-the-first-policy': 'Reports under the first policy that it ever had of a domain.',
  'reports-by-put': 'Sends reports by PUT.',
  'reports-as-json': 'Calls a report application/json.',
  'reports-unpacked': 'Sends reports that are not compressed.',
  'reports-one-policy-alone': 'Writes a single policy where an array of policies belongs.',
  'reports-half-days': 'Reports on days that end at noon.',
  'reports-dates-without-offset': 'Writes dates that do not say how far they are from UTC.',
  'reports-dates-as-numbers': 'Writes dates as seconds since 1970.',
  'reports-contact-as-uri': 'Writes a mailto URI where a mail address belongs.',
  'reports-other-policy-types': 'Calls the type of an MTA-STS policy "mta-sts".',
  'reports-policy-as-text': 'Writes the policy as one string where an array of its lines belongs.',
  'reports-mx-as-text': 'Writes the mx patterns as one string where an array belongs.',
  'reports-counts-as-text': 'Writes numbers of sessions as strings.',
  'reports-no-sending-ip': 'Leaves its own address out of a report.',
  'reports-no-mx-name': 'Leaves the name of the MX host out of a report.',
  'reports-the-first-mx-name': 'Reports every failure under the name of the MX that failed first.',
  'reports-without-an-id': 'Leaves the id out of a report.',
  'reports-wrong-count': 'Reports one more failed session than there was, of each kind.',
  'reports-no-successes': 'Says of every policy that no session was good.',
  'reports-failures-only': 'Sends no report where no session failed.',
  'reports-one-kind-of-failure':
    'Adds up failures of all kinds as one, under the type of the first.',
  'reports-no-unlisted-mx':
    'Does not report that it kept mail from an MX that the policy does not name.',
  'reports-first-attempts-only': 'Reports no session of mail that is tried again.',
  'reports-handshakes-as-no-starttls': 'Reports a handshake that fails as STARTTLS not supported.',
  'reports-no-reasons': 'Never says why a session failed.',
  'reports-bad-tlsa-as-web-pki':
    'Reports TLSA records that do not match as an untrusted certificate.',
  'reports-failed-lookups-as-no-starttls':
    'Reports TLSA records that cannot be had as STARTTLS not supported.',
  'reports-dane-as-sts': 'Reports sessions held to TLSA records under the MTA-STS policy.',
  'reports-tlsa-in-groups': 'Writes the data of TLSA records in groups of eight digits.',
  'reports-another-mx-address': 'Gives its own address for that of the MX host.',
  'reports-u-labels': 'Writes the domain that has no policy in U-labels.',
  'reports-of-yesterday': 'Reports sessions as those of the day before.',
  'reports-under-one-id': 'Gives all its reports the same id.',
  'reports-all-domains-alike':
    'Adds the sessions with other domains to those of the domain it reports to.',
  'reports-members-twice': 'Writes a member of the report twice.',
  'reports-in-latin-1': 'Writes reports in ISO 8859-1.',
  'reports-in-clear': 'Posts reports over http, where a record asks for it.',
  'guesses-where-reports-go': 'Mails reports to the postmaster where a record has no rua.',
  'counts-report-sessions': 'Counts the session that carries a report in the next one.',
  // ---- reports by mail (RFC 8460 §3, §5.3) ----
  'reports-by-https-only': 'Takes a report to a mailbox for one that cannot be delivered.',
  'holds-reports-back': 'Holds a report by mail to the policy of its domain.',
  'mails-unsigned-reports': 'Mails reports without a DKIM signature.',
  'changes-signed-reports': 'Changes a report by mail after it was signed.',
  'signs-reports-as-another': 'Signs reports by mail for a domain that is not its own.',
  'signs-part-of-reports': 'Signs the first half of a report by mail, and says so with the tag l.',
  'signs-no-report-fields': 'Signs neither TLS-Report-Domain nor TLS-Report-Submitter.',
  'dkim-key-for-anything': 'Does not declare its DKIM key for the service tlsrpt.',
  'mails-reports-as-mixed': 'Mails reports as multipart/mixed.',
  'mails-reports-as-octets': 'Attaches reports as application/octet-stream.',
  'mails-reports-without-words': 'Mails reports without a part that people can read.',
  'mails-reports-without-fields':
    'Mails reports without TLS-Report-Domain and TLS-Report-Submitter.',
  'mails-reports-with-any-subject': 'Mails reports under a subject that no program can read.',
  'reports-under-another-name': 'Submits reports by mail in another name than that of its contact.',
  'names-reports-by-date': 'Names the file with a report by its date alone.',
  'names-packed-reports-json': 'Names a compressed report .json.',
} as const satisfies Record<string, string>;
