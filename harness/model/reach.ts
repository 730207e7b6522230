/**
 * Reach: how far the sender came in the steps under attack. Two verdicts of one grade can differ in
 * it: one sender looked and refused, the other never looked.
 */

import type { Observation } from './observation.ts';
import type { Trial } from './verdict.ts';

const REACH = [
  'looked for a policy',
  'fetched a policy',
  'asked for the MX',
  'connected',
  'asked for STARTTLS',
  'finished a TLS handshake',
  'sent the envelope',
  'sent content',
] as const;
export type Reach = (typeof REACH)[number];

/** What the sender came to of the main leg, in any step that is under attack, in this order. */
export function reachOf({ scenario, evidence }: Trial): readonly Reach[] {
  const attacked = new Set(
    scenario.stages.flatMap(({ changes }, index) => (changes.length > 0 ? [index] : [])),
  );
  const reached = new Set(
    evidence.observations
      .filter(({ leg, step }) => leg === 'main' && attacked.has(step))
      .map(reachedBy),
  );
  return REACH.filter((reach) => reached.has(reach));
}

function reachedBy(seen: Observation): Reach | undefined {
  switch (seen.kind) {
    case 'dns-query':
      if (seen.type === 'TXT' && /^_mta-sts\./i.test(seen.name)) return 'looked for a policy';
      return seen.type === 'MX' ? 'asked for the MX' : undefined;
    case 'policy-request':
      return seen.status === 200 ? 'fetched a policy' : undefined;
    case 'smtp-connection':
      return 'connected';
    case 'smtp-command':
      if (seen.verb === 'STARTTLS') return 'asked for STARTTLS';
      return seen.verb === 'MAIL' ? 'sent the envelope' : undefined;
    case 'tls-handshake':
      return seen.service === 'mx' && seen.result === 'completed'
        ? 'finished a TLS handshake'
        : undefined;
    case 'smtp-data':
      return 'sent content';
    default:
      return undefined;
  }
}
