/** The result types of RFC 8460 §4.3 in plain words: what was met, and what to look at. */

import type { ResultType } from '../protocol/tlsrpt-report.ts';

interface Words {
  readonly meaning: string;
  readonly lookAt: string;
}

const PATH =
  'If it is as it should be, and only some senders report this, somebody on their path may be taking TLS away.';

const WORDS: Readonly<Record<ResultType, Words>> = {
  'starttls-not-supported': {
    meaning: 'it offered no STARTTLS',
    lookAt: `does it offer STARTTLS on port 25 to everybody? ${PATH}`,
  },
  'certificate-host-mismatch': {
    meaning: 'its certificate is for other names',
    lookAt: 'does its certificate have the name that stands in the MX record?',
  },
  'certificate-expired': {
    meaning: 'its certificate had expired',
    lookAt: 'renew its certificate, and see that the server has loaded the new one.',
  },
  'certificate-not-trusted': {
    meaning: 'its certificate was not trusted',
    lookAt: `is its certificate of a public authority, and are the intermediate ones sent along? ${PATH}`,
  },
  'validation-failure': {
    meaning: 'TLS failed for another reason',
    lookAt: 'which TLS versions and ciphers does it take? Its log of that time may tell more.',
  },
  'tlsa-invalid': {
    meaning: 'no TLSA record fits its certificate',
    lookAt:
      'do its TLSA records fit its certificate? A new certificate wants its record before it is put to use.',
  },
  'dnssec-invalid': {
    meaning: 'its DNS answers could not be validated',
    lookAt: 'are the signatures of the zone valid, and does the DS record fit?',
  },
  'dane-required': {
    meaning: 'the sender demands DANE, and found no usable TLSA records',
    lookAt: 'does the sender have reason to expect TLSA records, and are they there?',
  },
  'sts-policy-fetch-error': {
    meaning: 'the policy could not be fetched',
    lookAt:
      'can the policy be fetched by https, with status 200 and without a redirect? If the domain has given up MTA-STS, remove the record _mta-sts.',
  },
  'sts-policy-invalid': {
    meaning: 'the policy was fetched, and is not valid',
    lookAt: 'check the policy file against RFC 8461 §3.2.',
  },
  'sts-webpki-invalid': {
    meaning: 'the certificate of the policy host was not valid',
    lookAt: 'does the policy host have a valid certificate of a public authority for its name?',
  },
};

export function meaningOf(type: string | undefined): string {
  return wordsOf(type)?.meaning ?? 'a kind of failure that RFC 8460 does not have';
}

/** A question or two for the owner of the domain. */
export function lookAt(type: string | undefined): string {
  return wordsOf(type)?.lookAt ?? 'ask the reporter what is meant.';
}

function wordsOf(type: string | undefined): Words | undefined {
  return type !== undefined && Object.hasOwn(WORDS, type) ? WORDS[type as ResultType] : undefined;
}
