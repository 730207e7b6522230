/**
 * The hosts that may take a domain's mail, in the order to try them (RFC 5321 §5.1, RFC 7505).
 */

import type { Dns } from './dns.ts';
import type { Outcome } from './mail.ts';

export type Candidates =
  | { readonly kind: 'hosts'; readonly hosts: readonly string[] }
  | Exclude<Outcome, { kind: 'delivered' }>;

/** Host names as in the MX records, letter case included, or why there are none. */
export async function mxCandidates(domain: string, dns: Dns): Promise<Candidates> {
  const answer = await dns.mx(domain);
  switch (answer.kind) {
    // RFC 5321 §5.1: a temporary error is no licence for anything; the mail waits.
    case 'failure':
      return {
        kind: 'temporary',
        detail: `${domain}: the MX look-up failed: ${answer.why}`,
        byPolicy: false,
      };
    case 'nxdomain':
      return { kind: 'permanent', detail: `${domain}: no such domain` };
    // RFC 5321 §5.1: with no MX record at all the domain itself is the host ("implicit MX").
    case 'nodata':
      return implicitMx(domain, dns);
  }
  const hosts = answer.records
    .map(({ priority, exchange }) => ({ priority, exchange, lot: Math.random() }))
    // RFC 5321 §5.1: lower preference values first, equal ones in random order.
    .sort((a, b) => a.priority - b.priority || a.lot - b.lot)
    .map(({ exchange }) => exchange.replace(/\.$/, ''))
    .filter((exchange) => exchange !== '');
  // RFC 7505 §3: "." as the only exchange says that the domain takes no mail.
  return hosts.length > 0
    ? { kind: 'hosts', hosts }
    : { kind: 'permanent', detail: `${domain}: takes no mail (null MX, RFC 7505)` };
}

async function implicitMx(domain: string, dns: Dns): Promise<Candidates> {
  const answer = await dns.addresses(domain);
  if (answer.kind === 'records') return { kind: 'hosts', hosts: [domain] };
  if (answer.kind === 'failure')
    return {
      kind: 'temporary',
      detail: `${domain}: the look-up failed: ${answer.why}`,
      byPolicy: false,
    };
  return { kind: 'permanent', detail: `${domain}: neither MX nor address` };
}
