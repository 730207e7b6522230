/**
 * Faults that cannot be caught under a temperament, each with the reason; by hand.
 */

interface Excuse {
  readonly reason: string;
  readonly faults: readonly string[];
}

/** By temperament. */
export const EXCUSED: Readonly<Record<string, readonly Excuse[]>> = {
  'keeps-to-cache': [
    {
      reason: 'It looks at no record while a policy holds, and so at no new id.',
      faults: [
        'never-refetches',
        'refetches-only-when-id-grows',
        'compares-ids-without-case',
        'compares-ids-by-prefix',
        'compares-ids-as-numbers',
        'last-id-wins',
        'http-cache',
        'lives-from-first-fetch',
        'reads-patterns-as-a-shell',
        'sends-over-open-connections',
        'forgets-the-cache-while-fetching',
        'reports-the-first-policy',
        'remembers-permitted-hosts',
        'keeps-the-id-of-a-failed-fetch',
        'keeps-longest-max-age',
        'never-refetches-none',
        'never-refetches-testing',
        'keeps-enforce-over-testing',
        'max-age-zero-is-a-week',
        'needs-the-record-on-retry',
      ],
    },
    {
      reason: 'Nothing that it could see makes it forget a policy that holds.',
      faults: [
        'forgets-cache-when-txt-gone',
        'forgets-cache-on-servfail',
        'forgets-cache-when-fetch-fails',
        'forgets-cache-when-id-changes',
        'forgets-cache-on-multiple-txt',
        'forgets-cache-on-bad-record',
      ],
    },
    {
      reason: 'It learned the policy under a certificate that suits it, and never sees another.',
      faults: ['policy-host-wants-recipient-domain'],
    },
  ],
  'fetches-beside': [
    {
      reason: 'Its delivery does not wait for what becomes of the fetch.',
      faults: [
        'defers-without-a-record',
        'defers-when-record-fails',
        'defers-when-discovery-fails',
        'forgets-the-cache-while-fetching',
        'reports-the-first-policy',
        'needs-the-record-on-retry',
      ],
    },
  ],
  'reuses-connections': [
    {
      reason: 'It may count messages, of which one connection carries several, or connections.',
      faults: ['counts-report-sessions'],
    },
  ],
  'wants-tls': [
    {
      reason: 'It sends nothing in clear, to nobody.',
      faults: [
        'dane-clear-without-tls',
        'clear-where-tls-is-required',
        'dane-clear-with-unusable',
        'dane-takes-unusable-for-none',
        'requiretls-in-clear',
        'plaintext-when-starttls-missing',
        'plaintext-when-ehlo-refused',
        'plaintext-after-garbled-ehlo',
        'plaintext-after-454',
        'plaintext-after-5yz-to-starttls',
        'plaintext-after-421',
        'plaintext-after-250-to-starttls',
        'plaintext-after-failed-handshake',
        'goes-on-after-failed-handshake',
        'leaks-after-restart',
        'sends-as-last-resort',
        'no-tls12-nor-tls13',
        'helo-after-4yz-to-ehlo',
        'helo-after-lost-ehlo',
      ],
    },
  ],
  'starttls-unasked': [
    {
      reason: 'It says STARTTLS whether or not it has read the offer.',
      faults: [
        'keywords-in-capitals-only',
        'reads-few-ehlo-lines',
        'helo-without-esmtp',
        'helo-after-lost-ehlo',
      ],
    },
  ],
  'gives-up-without-ehlo': [
    {
      reason: 'It never says HELO.',
      faults: [
        'plaintext-when-ehlo-refused',
        'plaintext-after-garbled-ehlo',
        'helo-after-4yz-to-ehlo',
      ],
    },
  ],
  'logs-the-end-only': [
    {
      reason:
        'What it has dropped without a word may be waiting still, for all that anybody knows.',
      faults: ['drops-the-other-recipients'],
    },
  ],
  'no-dsn': [
    {
      reason: 'It declares no DSN, and what is about bounces is unsupported.',
      faults: [
        'sends-as-last-resort',
        'dane-lax-as-last-resort',
        'last-look-ends-the-policy',
        'no-recheck-before-bounce',
        'returns-from-postmaster',
        'returns-nothing',
        'bounces-without-requiretls',
        'bounces-without-requiretls-on-retry',
        'bounces-requiretls-mail-in-clear',
        'returns-requiretls-mail-whole',
      ],
    },
  ],
};

/** Why this fault need not be caught under this temperament; undefined: it has to be. */
export const excuseOf = (fault: string, temperament: string): string | undefined =>
  EXCUSED[temperament]?.find(({ faults }) => faults.includes(fault))?.reason;
