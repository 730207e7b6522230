/**
 * Requirements: what the RFCs ask of a sender, one row each. Scenarios, expectations and findings
 * name rows by id.
 *
 * An id is its place, `<rfc>-<section>-<slug>`; the third argument of a row gives the section where
 * the text stands elsewhere. `basis` says how firm the ground is: `keyword` an RFC 2119 word on
 * that very point, `grammar` follows from the ABNF, `prose` normative text without such a word,
 * `derived` our inference. `testable` says whether a lab can ask it at all: `partly` where it takes a
 * setting of the sender, its logs, or a wait of days.
 */

export type Level = 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT' | 'MAY';
export type Basis = 'keyword' | 'grammar' | 'prose' | 'derived';
export type Testable = 'yes' | 'partly' | 'no';

export interface Requirement {
  /** `RFC 8461` */
  readonly rfc: string;
  /** `3.1`; where two sections make the point together, `3.1/5.1`. */
  readonly section: string;
  readonly level: Level;
  readonly basis: Basis;
  readonly testable: Testable;
  /** Part of a sentence, in our words, that reads on from `RFC 8461 §5: `. */
  readonly text: string;
}

type Row = Omit<Requirement, 'rfc' | 'section'> & { readonly section?: string };

const row =
  (level: Level) =>
  (basis: Basis, text: string, section?: string): Row => ({
    level,
    basis,
    testable: 'yes',
    text,
    section,
  });
const partly = (whole: Row): Row => ({ ...whole, testable: 'partly' });
const untestable = (whole: Row): Row => ({ ...whole, testable: 'no' });
const must = row('MUST');
const mustNot = row('MUST NOT');
const should = row('SHOULD');
const shouldNot = row('SHOULD NOT');
const may = row('MAY');

const ROWS: Readonly<Record<string, Row>> = {
  // RFC 8461 §2: MTA-STS beside DANE
  '8461-2-dane-precedence': mustNot(
    'keyword',
    'a host that fails DANE is not saved by passing MTA-STS',
  ),

  // RFC 8461 §3.1: the TXT record
  '8461-3.1-txt-name': must(
    'prose',
    'discovery is a TXT look-up at _mta-sts under the policy domain',
  ),
  '8461-3.1-version-first': must(
    'grammar',
    'a record that does not open with its version is no MTA-STS record',
  ),
  '8461-3.1-version-case': must(
    'grammar',
    'v=STSv1 counts only in exactly these letters, case included',
  ),
  '8461-3.1-id-required': must('grammar', 'a record without an id means that there is no policy'),
  '8461-3.1-id-syntax': must(
    'grammar',
    'an id is 1 to 32 ASCII letters and digits; any other voids the record',
  ),
  '8461-3.1-discard-nonsts': must(
    'keyword',
    'TXT records that do not open with "v=STSv1;" are dropped before counting',
  ),
  '8461-3.1-multi-records': must(
    'keyword',
    'more than one MTA-STS record means that there is no policy',
  ),
  '8461-3.1-filter-needs-semicolon': must(
    'prose',
    '"v=STSv10;" and "v=STSv1x" do not count as a second record',
  ),
  '8461-3.1-no-record': must(
    'keyword',
    'no usable record and no cached policy: deliver as if there were no MTA-STS',
  ),
  '8461-3.1-syntax-invalid': must(
    'grammar',
    'a sole record that breaks the grammar means that there is no policy',
  ),
  '8461-3.1-concat-strings': must(
    'keyword',
    'the character-strings of one TXT record are joined with nothing between them',
  ),
  '8461-3.1-cname': must('keyword', 'a CNAME at _mta-sts is followed to the TXT record'),
  '8461-3.1-field-order': must('grammar', 'behind the version, fields stand in any order'),
  '8461-3.1-trailing-delim': must(
    'grammar',
    'a record may end with its last semicolon or without it',
  ),
  '8461-3.1-wsp-delim': must(
    'grammar',
    'blanks and tabs may stand around the semicolons of a record',
  ),
  '8461-3.1-id-unordered': must(
    'prose',
    'any other id means a new policy; ids are not greater or less than each other',
  ),
  '8461-3.1-no-fetch-without-txt': must('prose', 'no usable record, no HTTPS request for a policy'),
  '8461-3.1-dns-error': partly(
    must('derived', 'when the TXT look-up fails, the cached policy still binds'),
  ),

  // RFC 8461 §3.2: fields of record and policy
  '8461-3.2-txt-unknown-fields': must(
    'keyword',
    'unknown, well-formed fields of the record are passed over',
  ),
  '8461-3.2-txt-duplicates': partly(must('keyword', 'of a repeated id, the first one counts')),
  '8461-3.2-url': must(
    'prose',
    'the policy is got from https://mta-sts.<domain>/.well-known/mta-sts.txt',
  ),
  '8461-3.2-content-type': should(
    'keyword',
    'a policy that is not served as text/plain is refused',
  ),
  '8461-3.2-content-type-params': must(
    'keyword',
    'further parameters of the media type are passed over',
  ),
  '8461-3.2-version-required': must('grammar', 'a policy without version STSv1 is invalid'),
  '8461-3.2-mode-required': must(
    'grammar',
    'a policy whose mode is missing, or not one of the three known, is invalid',
  ),
  '8461-3.2-max-age-required': must('grammar', 'a policy without max_age is invalid'),
  '8461-3.2-max-age-bound': partly(
    must('grammar', 'max_age is a whole number of seconds, 31557600 at most'),
  ),
  '8461-3.2-cache-up-to-max-age': should(
    'keyword',
    'a policy is kept until max_age after it was last fetched',
  ),
  '8461-3.2-mx-required': must(
    'grammar',
    'a policy to enforce or to test without any mx is invalid',
  ),
  '8461-3.2-none-without-mx': must(
    'grammar',
    'mode none needs no mx; such a policy is the way to opt out',
  ),
  '8461-3.2-mx-per-line': must('keyword', 'one mx line names one host; it holds no list'),
  '8461-3.2-mx-multiple': must('grammar', 'every mx line counts, wherever it stands'),
  '8461-3.2-mx-alabel': must(
    'keyword',
    'internationalised mx values are A-labels; U-labels match nothing',
  ),
  '8461-3.2-mx-syntax': must(
    'grammar',
    'an mx value is a host name, or "*." and a domain, and nothing else',
  ),
  '8461-3.2-line-terms': must('grammar', 'policy lines end with LF or with CRLF'),
  '8461-3.2-final-newline': must('grammar', 'the last line of a policy may lack its line end'),
  '8461-3.2-trailing-wsp': must('grammar', 'blanks and tabs behind a value are passed over'),
  '8461-3.2-key-delim': must(
    'grammar',
    'blanks may follow the colon of a policy line, none may precede it',
  ),
  '8461-3.2-unknown-keys': must('keyword', 'unknown, well-formed keys of a policy are passed over'),
  '8461-3.2-duplicate-keys': must(
    'keyword',
    'of a repeated key, mx excepted, the first one counts',
  ),
  '8461-3.2-key-case': must(
    'grammar',
    'keys and modes are case-sensitive: "Mode" is an unknown key',
  ),
  '8461-3.2-order-free': must(
    'grammar',
    'the keys of a policy stand in any order, version included',
  ),
  '8461-3.2-syntax-invalid': must(
    'derived',
    'a body that is no policy does not replace a cached policy',
  ),

  // RFC 8461 §3.3: fetching and caching
  '8461-3.3-https-only': must('prose', 'a policy is taken only over authenticated HTTPS'),
  '8461-3.3-cert-identity': must(
    'prose',
    'the certificate of the policy host names mta-sts.<domain>',
  ),
  '8461-3.3-cert-dnsid-only': must(
    'prose',
    'only a DNS name of the SAN identifies the policy host; a CN does not',
  ),
  '8461-3.3-cert-wildcard': may(
    'prose',
    'a wildcard for the whole left-most label is good for the policy host',
  ),
  '8461-3.3-cert-wildcard-bounds': mustNot(
    'prose',
    'wildcards of any other form do not identify the policy host',
  ),
  '8461-3.3-cert-chain': must(
    'prose',
    'the certificate of the policy host chains to a trusted root',
  ),
  '8461-3.3-cert-expiry': must('prose', 'a policy under an expired certificate is not taken'),
  '8461-3.3-revocation': partly(
    may('keyword', 'a sender can check whether the certificate of the policy host was revoked'),
  ),
  '8461-3.3-status-200': must('keyword', 'only the answer 200 brings a policy'),
  '8461-3.3-no-redirect': mustNot('keyword', 'no redirect is followed to a policy'),
  '8461-3.3-no-http-cache': mustNot(
    'keyword',
    'HTTP caching has no say in how long a policy lives',
  ),
  '8461-3.3-fetch-backoff': should(
    'keyword',
    'after a failed fetch, five minutes pass before the same id is tried again',
  ),
  '8461-3.3-timeout': may('keyword', 'a sender can give up a fetch, after a minute or so'),
  '8461-3.3-size-limit': may(
    'keyword',
    'a sender can refuse a policy above some size, 64 KB or so',
  ),
  '8461-3.3-continue-on-fetch-failure': must(
    'keyword',
    'no policy to be had and none cached: deliver as without MTA-STS',
  ),
  '8461-3.3-cached-policy-applies': must(
    'keyword',
    'a cached policy binds until it expires, even when discovery fails',
  ),
  '8461-3.3-proactive-refresh': partly(
    should('keyword', 'cached policies are refreshed before they expire, mail or no mail'),
  ),
  '8461-3.3-refresh-alert': partly(
    should('keyword', 'the administrator is told when a refresh fails, except for mode none'),
  ),

  // RFC 8461 §3.4: which domain's policy
  '8461-3.4-smarthost': must(
    'keyword',
    'for mail through a smart host, the policy domain is that of the smart host',
  ),
  '8461-3.4-no-parent': mustNot(
    'keyword',
    "mail to a subdomain is not put under its parent's policy",
  ),
  '8461-3.4-address-literal': must('prose', 'there is no policy for an address literal'),

  // RFC 8461 §4: validating the MX
  '8461-4-check-all': must(
    'keyword',
    'the MX is allowed, offers STARTTLS and has a valid certificate: all three',
  ),
  '8461-4.1-mx-match': must(
    'keyword',
    'the name in the MX record matches an mx pattern of the policy',
  ),
  '8461-4.1-match-name-not-cert': must(
    'derived',
    'patterns are held against the MX name, not against names in its certificate',
  ),
  '8461-4.1-cert-for-own-name': must(
    'derived',
    'a certificate for some other allowed host does not do',
    '4.2',
  ),
  '8461-4.1-exact': must('prose', 'a pattern without wildcard matches that one name'),
  '8461-4.1-case': must('prose', 'names match whatever the case of their letters'),
  '8461-4.1-trailing-dot': must(
    'prose',
    'a dot at the end of the MX name does not stop it from matching',
  ),
  '8461-4.1-wildcard-one-label': must('prose', '"*." stands for exactly one label, the left-most'),
  '8461-4.1-wildcard-not-apex': must('prose', '"*.example.com" does not match example.com'),
  '8461-4.1-wildcard-not-deep': must('prose', '"*.example.com" does not match a.b.example.com'),
  '8461-4.1-wildcard-leftmost-only': must(
    'prose',
    'a wildcard anywhere but as the left-most label matches nothing',
  ),
  '8461-4.1-idn': must('prose', 'an A-label MX name matches an A-label pattern'),
  '8461-4.1-mx-cname': must(
    'prose',
    'the name checked is the one in the MX record, not what a CNAME leads to',
  ),
  '8461-4.1-implicit-mx': must(
    'derived',
    'a domain without MX records is its own MX, and its name is what must match',
  ),
  '8461-4.1-none-match-defer': must(
    'derived',
    'when no MX matches, the message goes nowhere and is not lost',
  ),
  '8461-4.2-expired': must('keyword', 'an expired certificate does not validate an MX'),
  '8461-4.2-untrusted': must('keyword', 'the certificate of an MX chains to a trusted root'),
  '8461-4.2-san-mismatch': must(
    'keyword',
    'a DNS name in the SAN of the certificate matches the MX',
  ),
  '8461-4.2-no-cn': must('keyword', 'a CN does not identify an MX'),
  '8461-4.2-wildcard-cert': must(
    'keyword',
    'a wildcard in a certificate covers the left-most label of the MX name',
  ),
  '8461-4.2-revocation': partly(
    may('keyword', 'a sender can check whether the certificate of an MX was revoked'),
  ),

  // RFC 8461 §5: applying the policy
  '8461-5-enforce-no-starttls': mustNot(
    'keyword',
    'under enforce, no delivery to a host that does not offer STARTTLS',
  ),
  '8461-5-enforce-starttls-refused': mustNot(
    'derived',
    'under enforce, no delivery to a host that offers STARTTLS and then refuses it',
  ),
  '8461-5-enforce-handshake-fail': mustNot(
    'derived',
    'under enforce, no delivery in clear after a failed TLS handshake',
  ),
  '8461-5-enforce-bad-cert': mustNot(
    'keyword',
    'under enforce, no delivery to a host whose certificate does not validate',
  ),
  '8461-5-testing-deliver': may('prose', 'under testing, mail is delivered whatever fails'),
  '8461-5-testing-report': should(
    'prose',
    'under testing, failures are reported to a domain that asks for reports',
  ),
  '8461-5-none': should('prose', 'under none, mail is sent as if there were no policy'),
  '8461-5-recheck-before-bounce': mustNot(
    'keyword',
    'no message is bounced before the TXT record was looked up for a newer policy',
  ),
  '8461-5-updated-policy-rescues': must(
    'derived',
    'a newer policy is fetched and used before mail is given up',
  ),
  '8461-5-transient': should(
    'keyword',
    'a policy failure is temporary: the message stays queued and is tried again',
  ),
  '8461-5-policy-isolation': must(
    'derived',
    'a policy binds mail to its own domain, and no other domain on the same MX',
    '4/5',
  ),

  // RFC 8461 §5.1: flow
  '8461-5.1-next-candidate': must('prose', 'after a host that fails, the next MX is tried'),
  '8461-5.1-preference-order': must(
    'prose',
    'MX hosts are tried by preference; the policy does not reorder them',
  ),
  '8461-5.1-lower-pref-nontls': mustNot(
    'derived',
    'failure at the first MX is no way to delivery in clear at the second',
  ),
  '8461-5.1-cold-fetch': should(
    'prose',
    'with no policy in the cache, the sender tries to fetch one',
  ),
  '8461-5.1-id-change-refetch': must('prose', 'a new id leads to a new fetch'),
  '8461-5.1-same-id-no-fetch': may(
    'prose',
    'while the id stays the same, the cached policy can be used without a fetch',
    '3',
  ),
  '8461-5.1-absent-txt-keeps-cache': must(
    'keyword',
    'a TXT record that is gone does not end a cached policy',
    '3.1/5.1',
  ),

  // RFC 8461 §6: reporting
  '8461-6-report-fetch-failure': should(
    'keyword',
    'a policy that could not be fetched is reported',
  ),
  '8461-6-report-refresh-failure': should(
    'keyword',
    'a failed fetch is reported even while a cached policy serves',
  ),
  '8461-6-report-delivery-failure': should(
    'keyword',
    'an MX without STARTTLS or without a valid certificate is reported',
  ),

  // RFC 8461 §7, §8, §10: TLS, operation, security
  '8461-7.1-sni-https': must('keyword', 'the fetch names the policy host in SNI'),
  '8461-7.1-sni-smtp': must('keyword', 'TLS with an MX names that MX in SNI'),
  '8461-7.1-no-sni-echo': must(
    'derived',
    'a certificate is judged by its names, whether or not the server heeded SNI',
  ),
  '8461-7.2-tls12': must('keyword', 'TLS 1.2 or 1.3 is supported'),
  '8461-7.2-tls-guidance': should(
    'keyword',
    'TLS is used as the general guidance has it: no outdated versions or ciphers',
  ),
  '8461-8.1-dns-ttl': may(
    'prose',
    'until old DNS answers have run out everywhere, the old policy can be in use',
  ),
  '8461-8.2-delegation': must(
    'keyword',
    'a policy hosted elsewhere works, under a certificate for the original name',
  ),
  '8461-8.3-removal': must(
    'prose',
    'mode none under a new id ends enforcement, and the record can then go',
  ),
  '8461-8.3-none-not-unauthenticated': must(
    'derived',
    'mode none counts only if it came over authenticated HTTPS',
  ),
  '8461-8.4-no-two-pass': partly(
    should(
      'prose',
      'hosts that fail are like unreachable ones; the MX list is not filtered beforehand',
    ),
  ),
  '8461-10.2-refresh-before-expiry': partly(
    shouldNot('keyword', 'an update is not put off until the cached policy expires'),
  ),
  '8461-10.2-alert-repeat': partly(
    should(
      'keyword',
      'the administrator is warned of repeated refresh failures well before expiry',
    ),
  ),

  // RFC 8460 §3: the reporting record
  '8460-3-txt-name': must(
    'prose',
    'the reporting record is a TXT at _smtp._tls under the policy domain',
  ),
  '8460-3-version': must('keyword', 'the record opens with exactly v=TLSRPTv1, case included'),
  '8460-3-multi-discard': must(
    'keyword',
    'unless exactly one TLSRPT record is found, nothing is reported',
  ),
  '8460-3-concat': must(
    'keyword',
    'the character-strings of one TXT record are joined with nothing between them',
  ),
  '8460-3-rua-required': must('grammar', 'a record without rua asks for no reports'),
  '8460-3-rua-list': must('grammar', 'rua can hold several URIs, commas and blanks between them'),
  '8460-3-rua-schemes': must('prose', 'reports go to mailto and https URIs'),
  '8460-3-multi-rua-try': may('keyword', 'a report can go to each of several URIs'),
  '8460-3-not-done-until-accepted': shouldNot(
    'keyword',
    'a report that no endpoint has accepted is not taken for delivered',
  ),
  '8460-3-unknown-fields': must(
    'keyword',
    'unknown, well-formed fields of the record are passed over',
  ),
  '8460-3-https-post': should('prose', 'a report to an https URI is sent by POST'),
  '8460-3-https-cert-ignore': may(
    'keyword',
    'a bad certificate at the report endpoint can be disregarded',
  ),
  '8460-3-mailto-despite-tls': must(
    'keyword',
    'a report by mail is delivered even where TLS with its MX fails',
  ),
  '8460-3-exclude-report-session': shouldNot(
    'keyword',
    'the session that carries a report is not counted in the next one',
  ),
  '8460-3-dkim-valid': must('keyword', 'a report by mail has a valid DKIM signature of its sender'),
  '8460-3-dkim-no-l': mustNot('keyword', 'the DKIM signature of a report has no tag l'),
  '8460-3-dkim-service': partly(
    should('keyword', 'the DKIM key of the sender is declared for the service tlsrpt'),
  ),

  // RFC 8460 §4, §4.1: the report, and when it is made
  '8460-4-ijson': must('prose', 'a report is one I-JSON text: UTF-8, no member twice'),
  '8460-4-policies-array': must('keyword', 'policies is an array, even for a single policy'),
  '8460-4-multi-failures': should('prose', 'each type of failure is an entry with its own count'),
  '8460-4-multi-policies': may('keyword', 'a report can list several policies that applied'),
  '8460-4.1-full-day': should('keyword', 'a report is about one whole day, in UTC'),
  '8460-4.1-delay': partly(should('prose', 'reports go out after a random delay, not all at once')),

  // RFC 8460 §4.2: counts
  '8460-4.2.1-success-count': should(
    'prose',
    'sessions with TLS as the policy asks are counted as successful',
  ),
  '8460-4.2.2-failure-count': should('prose', 'sessions that failed are counted as failed'),
  '8460-4.2-success-only-report': should(
    'prose',
    'a day without failures is reported too',
    '4.2.1',
  ),

  // RFC 8460 §4.3: result types
  '8460-4.3-starttls': should(
    'prose',
    'an MX without STARTTLS is reported as starttls-not-supported',
    '4.3.1',
  ),
  '8460-4.3-host-mismatch': should(
    'prose',
    'a certificate for another name is reported as certificate-host-mismatch',
    '4.3.1',
  ),
  '8460-4.3-expired': should(
    'prose',
    'an expired certificate is reported as certificate-expired',
    '4.3.1',
  ),
  '8460-4.3-not-trusted': should(
    'keyword',
    'an untrusted chain is certificate-not-trusted, and a reason code says why',
    '4.3.1',
  ),
  '8460-4.3-validation-failure': should(
    'keyword',
    'any other failure is validation-failure, and a reason code says why',
    '4.3.3',
  ),
  '8460-4.3-sts-fetch-error': should(
    'prose',
    'a policy that cannot be got is reported as sts-policy-fetch-error',
    '4.3.2.2',
  ),
  '8460-4.3-sts-invalid': should(
    'prose',
    'a policy that makes no sense is reported as sts-policy-invalid',
    '4.3.2.2',
  ),
  '8460-4.3-sts-webpki': should(
    'prose',
    'a bad certificate of the policy host is reported as sts-webpki-invalid',
    '4.3.2.2',
  ),
  '8460-4.3-tlsa-invalid': should(
    'prose',
    'a set of TLSA records of which none matches is reported as tlsa-invalid',
    '4.3.2.1',
  ),
  '8460-4.3-dnssec-invalid': partly(
    should('prose', 'answers that DNSSEC proves false are reported as dnssec-invalid', '4.3.2.1'),
  ),
  '8460-4.3-dane-required': partly(
    should(
      'prose',
      'a host without TLSA, where the sender is set to insist, is reported as dane-required',
      '4.3.2.1',
    ),
  ),
  '8460-4.3.4-transient': may('prose', 'mere network trouble can go unreported'),

  // RFC 8460 §4.4: the report's members
  '8460-4.4-required-fields': must(
    'prose',
    'a report says who sent it, for what time, whom to ask, and lists policies',
  ),
  '8460-4.4-datetime': must('prose', 'dates are RFC 3339 strings'),
  '8460-4.4-contact': must('prose', 'contact-info is a bare mail address'),
  '8460-4.4-policy-type': must('prose', 'policy-type is tlsa, sts or no-policy-found'),
  '8460-4.4-policy-string': must(
    'prose',
    'policy-string is an array, one string for each line of the policy',
  ),
  '8460-4.4-policy-domain-alabel': must('keyword', 'policy-domain is written in A-labels'),
  '8460-4.4-mx-host-array': must('prose', 'mx-host is an array of the mx patterns of the policy'),
  '8460-4.4-sending-ip': must('prose', 'failures tell the address of the sender'),
  '8460-4.4-mx-hostname': must(
    'prose',
    'receiving-mx-hostname is the name in the MX record that was tried',
  ),
  '8460-4.4-receiving-ip': must('prose', 'receiving-ip is the address that was dialled'),
  '8460-4.4-counts-int': must('prose', 'counts are whole JSON numbers'),

  // RFC 8460 §4.5, §5: DANE in a report, and how a report is sent
  '8460-4.5-tlsa-format': must(
    'prose',
    'a TLSA record is told as four fields, with blanks between them and none inside',
  ),
  '8460-5.1-filename': should(
    'keyword',
    'the file is named sender!policy-domain!begin!end, the times in seconds',
  ),
  '8460-5.1-extension': must(
    'keyword',
    'the file name ends with .json or .json.gz, as its content',
  ),
  '8460-5.2-gzip': should('keyword', 'a report is compressed with gzip, by mail and by HTTPS'),
  '8460-5.3-multipart': must(
    'prose',
    'a report by mail is multipart/report of type tlsrpt: words first, then the report',
  ),
  '8460-5.3-headers': must(
    'keyword',
    'the mail has the header fields TLS-Report-Domain and TLS-Report-Submitter',
  ),
  '8460-5.3-submitter-match': must('keyword', 'TLS-Report-Submitter is the domain of contact-info'),
  '8460-5.3-headers-signed': should('keyword', 'the DKIM signature covers both TLS-Report fields'),
  '8460-5.3-subject': should(
    'keyword',
    'the subject names the report domain, the submitter and the report id',
  ),
  '8460-5.3-no-policy-honor': mustNot(
    'keyword',
    'a report by mail is not held back because MTA-STS or DANE fails',
  ),
  '8460-5.4-media-type': should(
    'keyword',
    'a POST is of type application/tlsrpt+gzip or application/tlsrpt+json',
  ),
  '8460-5.4-success-2xx': must('keyword', 'any 2xx answer means that the report was accepted'),
  '8460-5.5-retry': partly(
    should('keyword', 'a report that was not accepted is tried again, for a day, ever less often'),
  ),

  // RFC 7672 §2.1: DNS errors and security
  '7672-2.1.1-secure-resolver': partly(
    must('keyword', 'DANE is used only behind a resolver that validates and can be trusted'),
  ),
  '7672-2.1.1-indeterminate': must(
    'keyword',
    'a bogus or indeterminate answer is a failed look-up',
  ),
  '7672-2.1.2-mx-error-delay': must(
    'keyword',
    'when DNS fails to say which hosts to use, the mail is delayed',
  ),
  '7672-2.1.2-tlsa-error-unreachable': mustNot(
    'keyword',
    'a host whose TLSA look-up fails is not delivered to',
  ),
  '7672-2.1.3-cname-insecure': must(
    'keyword',
    'one insecure alias makes the whole answer insecure',
  ),

  // RFC 7672 §2.2: TLSA records, and what follows from them
  '7672-2.2-usable': must(
    'keyword',
    'with a usable TLSA record, TLS that it authenticates, or the next host, or delay',
  ),
  '7672-2.2-unusable': must(
    'keyword',
    'secure TLSA records of which none is usable: TLS all the same, authenticated or not',
  ),
  '7672-2.2-none': should(
    'keyword',
    'no TLSA records, or insecure ones: deliver as if there were no DANE',
  ),
  '7672-2.2-error': must('keyword', 'a TLSA look-up that fails leads to the next host or to delay'),
  '7672-2.2-mandatory': partly(
    may('keyword', 'a sender can be told to insist on DANE for chosen domains', '2.2/6'),
  ),
  '7672-2.2-address-literal': must('keyword', 'there is no DANE for a next hop that is an address'),
  '7672-2.2.1-mx-sort': mustNot(
    'keyword',
    'a host with TLSA records is not put before one of better preference',
  ),
  '7672-2.2.1-insecure-mx': may(
    'keyword',
    'after an insecure MX look-up, a sender can use the TLSA records of the host or not',
  ),
  '7672-2.2.1-no-misreport': partly(
    mustNot('keyword', 'delivery after an insecure MX look-up is not logged as secure'),
  ),
  '7672-2.2.2-addr-before-tlsa': must(
    'keyword',
    'the addresses of a host are looked up before its TLSA records',
  ),
  '7672-2.2.2-skip-insecure-addr': shouldNot(
    'keyword',
    'a host whose addresses are insecure is not asked for TLSA records',
  ),
  '7672-2.2.3-port': must('keyword', 'the TLSA name has the port that is dialled'),
  '7672-2.2.3-base-domain-order': must(
    'keyword',
    'of a secure alias, TLSA records are sought at the end of the chain, then at its start',
  ),
  '7672-2.2.3-tlsa-cname': must(
    'keyword',
    'a CNAME at the TLSA name is followed, and the base domain stays',
  ),
  '7672-2.2.3-starttls-commit': mustNot(
    'keyword',
    'a host with secure TLSA records, usable or not, gets no mail in clear',
  ),

  // RFC 7672 §3, §5, §8, §9: authentication by TLSA
  '7672-3.1.1-ee-name-ignored': mustNot(
    'keyword',
    'with DANE-EE(3), the names in the certificate are not checked',
    '3.1.1/3.2.1',
  ),
  '7672-3.1.1-ee-expiry-ignored': must(
    'keyword',
    'with DANE-EE(3), the dates of the certificate are not checked',
  ),
  '7672-3.1.2-ta-chain': must(
    'prose',
    'with DANE-TA(2), the chain that the server sends leads to the authority of the record',
  ),
  '7672-3.1.3-pkix-usages': may('keyword', 'usages 0 and 1 can be taken for unusable'),
  '7672-3.2-auth': mustNot('keyword', 'no delivery to a host that no TLSA record authenticates'),
  '7672-3.2.2-ta-names': must(
    'keyword',
    'with DANE-TA(2), the certificate names the TLSA base domain or the next-hop domain',
  ),
  '7672-3.2.2-insecure-mx-ref': must(
    'keyword',
    'after an insecure MX look-up, the certificate names the MX host: nothing else counts',
  ),
  '7672-3.2.3-cn-only-if-no-san': must(
    'prose',
    'the CN counts only in a certificate without a DNS name in its SAN',
  ),
  '7672-3.2.3-wildcard': must(
    'keyword',
    'a wildcard stands for the whole left-most label of a name, and for no part of one',
  ),
  '7672-5-agility': must(
    'keyword',
    'of several digests of one usage and selector, only the strongest counts',
  ),
  '7672-8.1-sni': must('keyword', 'SNI holds the TLSA base domain'),
  '7672-8.2-ciphers': should('keyword', 'ciphers that are not anonymous are offered'),
  '7672-9.1-no-override': mustNot(
    'keyword',
    'usable TLSA records that do not match are not passed over',
  ),

  // RFC 8689: REQUIRETLS
  '8689-2-session-conditions': must(
    'keyword',
    'REQUIRETLS is sent only inside verified TLS, to an MX that is vouched for and offers it',
  ),
  '8689-4.2.1-mx-validate': must(
    'keyword',
    'an MX that DNSSEC does not vouch for is checked against the MTA-STS policy',
  ),
  '8689-4.2.1-name-match': must('keyword', 'the certificate of the MX names that host'),
  '8689-4.2.1-try-others': must(
    'keyword',
    'a host that fails gets QUIT, the next is tried; if all fail, nothing is sent',
  ),
  '8689-4.2.1-dsn': must('keyword', 'if no host will do, the message is returned'),
  '8689-4.2.2-tls-optional': should(
    'keyword',
    'mail with "TLS-Required: No" is delivered even where MTA-STS or DANE fails',
  ),
  '8689-5-bounce-protect': must(
    'keyword',
    'the bounce of such a message asks for REQUIRETLS too, and returns no more than the header',
  ),

  // RFC 3207: STARTTLS
  '3207-4-start-tls-first': must(
    'keyword',
    'after 220 to STARTTLS, the TLS handshake comes before anything else',
  ),
  '3207-4-abort-on-no-handshake': should(
    'keyword',
    'when the handshake cannot start, the connection is dropped',
  ),
  '3207-4-454-policy': may(
    'keyword',
    'after 454, local policy says whether to go on, to retry or to give up',
  ),
  '3207-4-no-params': must('prose', 'STARTTLS is sent without parameters'),
  '3207-4-pipelining-last': must('prose', 'STARTTLS is the last command of a pipelined group'),
  '3207-4.1-decide': must(
    'keyword',
    'after the handshake, the sender decides at once whether it is secure enough',
  ),
  '3207-4.1-quit': should('keyword', 'TLS that is not secure enough is followed by QUIT'),
  '3207-4.2-discard-server-knowledge': must(
    'keyword',
    'what the server said before TLS is forgotten, extensions included',
    '4.2/6',
  ),
  '3207-4.2-re-ehlo': should('keyword', 'EHLO is the first command inside TLS'),
  '3207-4.2-no-double-tls': mustNot('keyword', 'inside TLS, STARTTLS is not sent again'),
  '3207-6-response-injection': must(
    'keyword',
    'bytes that came in clear behind the 220 are no replies inside TLS',
  ),
  '3207-6-config-required-tls': partly(
    must('keyword', 'the sender can be told to insist on TLS for chosen hosts'),
  ),
  '3207-6-opportunistic': should('keyword', 'the sender can use TLS wherever it is offered'),
  '3207-6-retry-tls-later': partly(
    should('prose', 'a host whose TLS failed once is not taken for one without TLS'),
  ),

  // RFC 5321, RFC 7505: finding the MX, queueing, returning
  '5321-5.1-mx-lookup': must(
    'keyword',
    'MX records are looked up, through a CNAME if there is one',
  ),
  '5321-5.1-temp-dns': must(
    'keyword',
    'after a temporary failure of the MX look-up, the message is queued and tried again',
  ),
  '5321-5.1-nxdomain': must('keyword', 'a domain that does not exist is an error'),
  '5321-5.1-no-a-if-mx': mustNot(
    'keyword',
    'where there are MX records, the addresses of the domain are not used',
  ),
  '5321-5.1-implicit-mx': must('keyword', 'a domain without MX records is its own MX'),
  '5321-5.1-sort': must('keyword', 'lower preference first, equal ones in random order'),
  '5321-5.1-multi-address': should('keyword', 'at least two addresses are tried'),
  '5321-5.1-each-address': must(
    'keyword',
    'a sender can try every host and address of the domain, until one takes the mail',
  ),
  '5321-4.5.4.1-queue': must(
    'keyword',
    'mail that cannot be delivered now is queued and tried again',
  ),
  '5321-4.5.4.1-interval': partly(
    should('keyword', 'half an hour between attempts, four or five days before giving up'),
  ),
  '5321-4.5.3.2-timeouts': partly(must('keyword', 'each command has its timeout')),
  '5321-6.1-dsn-null': must('keyword', 'a notice of failure has the null reverse-path'),
  '5321-4.2-code-decides': must(
    'keyword',
    'what a client does follows from the reply code alone, and not from the text',
  ),
  '5321-4.2-any-text': must('keyword', 'any text behind a reply code is acceptable, or none'),
  '5321-4.2-multiline': must(
    'derived',
    'every line of an EHLO reply is read, whatever the case of its keyword',
  ),
  '7505-3-null-mx': must(
    'prose',
    'a null MX means that the domain takes no mail: no attempt at its address',
    '3/4',
  ),

  // RFC 6125, RFC 9525, RFC 5280, RFC 6066: certificates and names
  '6125-6.4.1-case': must(
    'keyword',
    'names are compared label by label, whatever the case of their letters',
  ),
  '6125-6.4.2-idn': must('keyword', 'labels in Unicode become A-labels before they are compared'),
  '6125-6.4.3-wildcard-left': shouldNot(
    'keyword',
    'a wildcard anywhere but in the left-most label matches nothing',
  ),
  '6125-6.4.3-wildcard-one': shouldNot('keyword', 'a wildcard covers no more than one label'),
  '6125-6.4.4-cn-last': mustNot(
    'keyword',
    'a CN is not looked at when the certificate has a DNS name',
  ),
  '9525-6.3-wildcard': must(
    'keyword',
    'a name with any wildcard but one whole left-most label is passed over',
  ),
  '9525-2-no-cn': mustNot('keyword', 'the CN is never looked at'),
  '5280-6-path': must(
    'derived',
    'each certificate of the chain is valid now, may sign, and keeps its constraints',
    '6.1',
  ),
  '5280-4.2.1.12-eku': must(
    'keyword',
    'a certificate serves only the purposes that its extended key usage names',
  ),
  '6066-3-sni-form': mustNot(
    'keyword',
    'SNI holds no address, no dot at the end and nothing but ASCII',
  ),

  // RFC 7817: identities of mail servers, as clients of users see them
  '7817-3-scope': untestable(
    mustNot('keyword', 'the rules for submission, IMAP and POP do not rule mail between MTAs'),
  ),

  // RFC 8996, RFC 9325: TLS versions and use
  '8996-4-no-tls10': mustNot('keyword', 'TLS 1.0 is not used'),
  '8996-5-no-tls11': mustNot('keyword', 'TLS 1.1 is not used'),
  '9325-3.1.1-tls12': must('keyword', 'TLS 1.2 is supported'),
  '9325-3.1.1-tls13': should(
    'keyword',
    'TLS 1.3 is supported, and preferred where both sides have it',
  ),
  '9325-3.1.1-no-sslv3': mustNot('keyword', 'SSL 2 and SSL 3 are not negotiated'),
  '9325-3.1.3-no-fallback': mustNot(
    'keyword',
    'what speaks TLS 1.2 does not fall back to a version before it',
  ),
  '9325-3.2-strict-policy': partly(
    must('keyword', 'the sender can be told never to go on in clear'),
  ),
  '9325-3.5-renegotiation-info': must(
    'keyword',
    'with TLS 1.2 renegotiation_info is offered, and a server without it is left',
  ),
  '9325-3.5-extended-master-secret': must(
    'keyword',
    'with TLS 1.2 extended_master_secret is offered',
  ),
  '9325-4.1-no-null': mustNot('keyword', 'no cipher suite without encryption is negotiated'),
  '9325-4.1-no-static-rsa': shouldNot(
    'keyword',
    'no cipher suite with key transport by RSA is negotiated',
  ),
  '9325-4.2.1-groups': should('keyword', 'the groups P-256 and X25519 are supported'),
  '9325-4.5-dh-size': must('derived', 'finite-field Diffie-Hellman takes 2048 bits or more'),
  '9325-4.5-key-size': should(
    'keyword',
    'RSA keys below 2048 bits and signatures with SHA-1 or MD5 are not accepted',
  ),
  '9325-5.2-opportunistic': untestable(
    may('keyword', 'where the alternative is no TLS at all, the rules can be relaxed'),
  ),

  // RFC 8446: TLS itself
  '8446-4.1.3-downgrade': must(
    'keyword',
    'a ServerHello of an older version whose random tells that TLS 1.3 is known ends the handshake',
  ),
  '8446-4.1.4-hello-retry': must('keyword', 'a second HelloRetryRequest ends the handshake'),
  '8446-4.4.2-path-building': should(
    'keyword',
    'certificates in any order, and some that nobody needs, are put up with',
  ),
  '8446-4.4.3-certificate-verify': must(
    'keyword',
    'a signature that is not of the key in the certificate ends the handshake',
  ),
};

/** Every requirement by id. */
export const REQUIREMENTS: Readonly<Record<string, Requirement>> = Object.fromEntries(
  Object.entries(ROWS).map(([id, { section, ...rest }]) => {
    const [rfc, place] = id.split('-');
    return [id, { rfc: `RFC ${rfc}`, section: section ?? place!, ...rest }];
  }),
);

/**
 * Whether to break it is a failure by itself: a MUST by an RFC 2119 word on that very point, or by the
 * grammar.
 */
export function isBinding({ level, basis }: Pick<Requirement, 'level' | 'basis'>): boolean {
  const isMust = level === 'MUST' || level === 'MUST NOT';
  return isMust && (basis === 'keyword' || basis === 'grammar');
}

/**
 * `RFC 8461 §5: under enforce, no delivery to …`. Throws RangeError for an id that is not in the
 * table.
 */
export function citeRequirement(id: string): string {
  if (!Object.hasOwn(REQUIREMENTS, id)) throw new RangeError(`no requirement ${id}`);
  const { rfc, section, text } = REQUIREMENTS[id]!;
  return `${rfc} §${section}: ${text}`;
}
