/**
 * The hosts that may take a domain's mail, in the order to try them (RFC 5321 §5.1, RFC 7505).
 */

import type { Dns } from './dns.ts';
import { type AttemptResult, literalOf } from './mail.ts';
import type { Is } from './traits.ts';

export type Candidates =
  | {
      readonly kind: 'hosts';
      /** As in the MX records, letter case included. */
      readonly hosts: readonly string[];
      /** There is no MX record: the domain itself is the host. */
      readonly isImplicit: boolean;
      /** DNSSEC vouches for the list. */
      readonly isSecure: boolean;
    }
  | Exclude<AttemptResult, { kind: 'delivered' }>;

/** `self`: the name under which this sender is an MX itself. */
export async function mxCandidates(
  domain: string,
  self: string,
  dns: Dns,
  is: Is,
): Promise<Candidates> {
  // RFC 5321 §5.1: an address literal is a host itself.
  if (literalOf(domain))
    return {
      kind: 'hosts',
      hosts: [domain],
      isImplicit: false,
      isSecure: is('dane-for-address-literals'),
    };
  const answer = await dns.mx(domain);
  // RFC 5321 §5.1: the MX records are those of the name that an alias leads to.
  if (is('knows-no-alias-of-a-domain') && (await dns.targetOf(domain)) !== domain)
    return { kind: 'temporary', detail: `${domain}: no MX record`, byPolicy: false };
  switch (answer.kind) {
    // RFC 5321 §5.1: a temporary error is no licence for anything; the mail waits.
    case 'failure': {
      if (is('address-after-failed-mx-lookup')) return implicitMx(domain, dns, is);
      const detail = `${domain}: the MX look-up failed: ${answer.why}`;
      if (is('returns-mail-for-a-failed-mx-lookup')) return { kind: 'permanent', detail };
      return { kind: 'temporary', detail, byPolicy: false };
    }
    case 'nxdomain':
      if (is('address-after-nxdomain')) return implicitMx(domain, dns, is);
      return { kind: 'permanent', detail: `${domain}: no such domain` };
    // RFC 5321 §5.1: with no MX record at all the domain itself is the host ("implicit MX").
    case 'nodata':
      return implicitMx(domain, dns, is);
  }
  // RFC 5321 §5.1: who is an MX itself hands mail to those before it alone, or it would come back.
  const own = answer.records.find(({ exchange }) => exchange.toLowerCase() === self);
  const records = answer.records.filter(
    ({ priority, exchange }) =>
      !own || priority < own.priority || (exchange !== own.exchange && is('passes-over-itself')),
  );
  if (own && records.length === 0)
    return { kind: 'temporary', detail: `${domain}: the first MX is this host`, byPolicy: false };
  const hosts = records
    .filter(
      ({ priority }, at) =>
        !is('one-of-equal-mx-only') || records.findIndex((one) => one.priority === priority) === at,
    )
    .map(({ priority, exchange }) => ({ priority, exchange, lot: Math.random() }))
    // RFC 5321 §5.1: lower preference values first, equal ones in random order.
    .sort((a, b) => a.priority - b.priority || a.lot - b.lot)
    .map(({ exchange }) => exchange.replace(/\.$/, ''))
    .map((exchange) => (exchange === '' && is('null-exchange-is-the-domain') ? domain : exchange))
    .filter((exchange) => exchange !== '');
  // RFC 7505 §3: "." as the only exchange says that the domain takes no mail.
  if (hosts.length === 0) {
    const isOdd = records.some(({ priority }) => priority > 0);
    if (is('address-after-null-mx') || (isOdd && is('null-mx-of-preference-0-only')))
      return implicitMx(domain, dns, is);
    return { kind: 'permanent', detail: `${domain}: takes no mail (null MX, RFC 7505)` };
  }
  return {
    kind: 'hosts',
    hosts: is('prefers-the-last-mx') ? hosts.reverse() : hosts,
    isImplicit: false,
    isSecure: answer.secure,
  };
}

async function implicitMx(domain: string, dns: Dns, is: Is): Promise<Candidates> {
  const answer = is('knows-no-implicit-mx')
    ? ({ kind: 'nodata' } as const)
    : await dns.addresses(domain);
  // RFC 7672 §2.2.1 is about MX records: without one the host is as secure as its address.
  if (answer.kind === 'records')
    return { kind: 'hosts', hosts: [domain], isImplicit: true, isSecure: answer.secure };
  if (answer.kind === 'failure')
    return {
      kind: 'temporary',
      detail: `${domain}: the look-up failed: ${answer.why}`,
      byPolicy: false,
    };
  return { kind: 'permanent', detail: `${domain}: neither MX nor address` };
}
