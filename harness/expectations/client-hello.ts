/**
 * What a ClientHello offers, to MX hosts and to policy hosts: no SSL (RFC 9325 §3.1.1), no lower
 * version after a handshake that failed (§3.1.3), the extensions that TLS 1.2 is not safe without
 * (§3.5), a server name of the right form (RFC 6066 §3), and suites in which the server shows its
 * certificate (RFC 7672 §8.2).
 */

import { z } from 'zod';
import type { Offer } from '../model/observation.ts';
import { isBefore, ofKind, type Seen, seqs } from '../model/traffic.ts';
import type { Expectation } from '../model/verdict.ts';
import { readAddress } from '../protocol/ipv4.ts';

const RULES = {
  'no-ssl': {
    requirement: '9325-3.1.1-no-sslv3',
    text: 'no SSL 2 or SSL 3 offered',
    breaks: ({ offer }) => lowestOf(offer) < AGES.indexOf('TLSv1'),
  },
  'no-fallback': {
    requirement: '9325-3.1.3-no-fallback',
    text: 'TLS 1.2 or newer offered, time and again',
    breaks: ({ offer }, earlier) =>
      highestOf(offer) < TLS12 && earlier.some((one) => highestOf(one.offer) >= TLS12),
  },
  'sni-form': {
    requirement: '6066-3-sni-form',
    text: 'SNI without an address, a dot at the end or other letters than ASCII',
    breaks: ({ servername }) =>
      readAddress(servername.replace(/^\[(.*)\]$/, '$1')) !== undefined ||
      servername.includes(':') ||
      servername.endsWith('.') ||
      /[^\x00-\x7f]/.test(servername),
  },
  'renegotiation-info': {
    requirement: '9325-3.5-renegotiation-info',
    text: 'renegotiation_info offered with TLS 1.2',
    // RFC 5746 §3.3: the cipher suite value says the same.
    breaks: ({ offer }) => lacks(offer, 0xff01) && !offer.ciphers.split(' ').includes('00ff'),
  },
  'extended-master-secret': {
    requirement: '9325-3.5-extended-master-secret',
    text: 'extended_master_secret offered with TLS 1.2',
    breaks: ({ offer }) => lacks(offer, 23),
  },
  'certificate-suites': {
    requirement: '7672-8.2-ciphers',
    text: 'cipher suites offered in which the server shows a certificate',
    breaks: ({ offer }) =>
      offer.ciphers.split(' ').every((suite) => ANONYMOUS.has(suite) || SIGNALS.has(suite)),
  },
} as const satisfies Record<string, Rule>;
type RuleName = keyof typeof RULES;

interface Rule {
  readonly requirement: string;
  readonly text: string;
  /** `earlier`: hellos to the same host, in the steps before as well. */
  breaks(hello: Hello, earlier: readonly Hello[]): boolean;
}

type Hello = Seen<'tls-handshake'> & { readonly offer: Offer };

const options = z.strictObject({
  rule: z.enum(Object.keys(RULES) as [RuleName, ...RuleName[]]).describe('which of these rules'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'what the sender offers in its ClientHello is in order',
  options,
  shorthand: 'rule',
  example: '- client-hello: no-fallback',
  cites: ({ rule }) => [RULES[rule].requirement],
  standsAlone: true,
  describe: ({ rule }) => RULES[rule].text,
  judge(view, { rule }) {
    const { requirement, text, breaks }: Rule = RULES[rule];
    const all = ofKind(view.history, 'tls-handshake').filter(isHello);
    const hellos = all.filter(({ step }) => step === view.index);
    const earlierThan = (hello: Hello) =>
      all.filter((one) => one.host === hello.host && isBefore(one, hello));
    const broken = hellos.filter((hello) => breaks(hello, earlierThan(hello)));
    if (broken.length > 0)
      return {
        status: 'unmet',
        actual: broken.map(tell).join(' · '),
        because: seqs(broken),
        requirement,
      };
    if (hellos.length === 0)
      return { status: 'undecided', actual: 'no ClientHello was seen', because: [], requirement };
    // Only after a handshake that failed is there anything to fall back from.
    const failed = hellos.filter(
      ({ offer, result }) => result === 'failed' && highestOf(offer) >= TLS12,
    );
    if (rule === 'no-fallback' && failed.length === 0)
      return { status: 'undecided', actual: 'no handshake failed', because: [], requirement };
    return { status: 'met', actual: text, because: seqs(hellos), requirement };
  },
};

function isHello(seen: Seen<'tls-handshake'>): seen is Hello {
  return (seen.offer?.versions.length ?? 0) > 0 && seen.service !== 'report-host';
}

/** Of DH_anon and ECDH_anon (RFC 5246 §A.5, RFC 8422 §6, and the ciphers that came after). */
const ANONYMOUS = new Set(
  (
    '0017 0018 0019 001a 001b 0034 003a 0046 006c 006d 0089 009b 00a6 00a7 00bf 00c5 ' +
    'c015 c016 c017 c018 c019 c046 c047 c05a c05b c084 c085'
  ).split(' '),
);
/** RFC 5746 §3.3, RFC 7507 §2: no suites at all. */
const SIGNALS = new Set(['00ff', '5600']);

const AGES = ['SSLv2', 'SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];
const TLS12 = AGES.indexOf('TLSv1.2');

/** What has another name is newer than all that has one. */
function ages({ versions }: Offer): number[] {
  return versions
    .map((version) => AGES.indexOf(version))
    .map((age) => (age < 0 ? AGES.length : age));
}

const highestOf = (offer: Offer) => Math.max(...ages(offer), 0);
const lowestOf = (offer: Offer) => Math.min(...ages(offer), AGES.length);

/** Of TLS 1.2 alone; TLS 1.3 needs none of these. */
function lacks(offer: Offer, extension: number): boolean {
  const isListed = offer.extensions.includes(SUPPORTED_VERSIONS);
  const isTls12 = isListed ? offer.versions.includes('TLSv1.2') : highestOf(offer) <= TLS12;
  return isTls12 && !offer.extensions.includes(extension);
}

const SUPPORTED_VERSIONS = 43;

function tell({ host, servername, offer }: Hello): string {
  const name = servername === '' ? 'no SNI' : `SNI ${servername}`;
  return `to ${host}: ${offer.versions.join(', ') || 'no version'}, ${name}`;
}
