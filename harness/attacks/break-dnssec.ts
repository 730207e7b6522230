/**
 * The chain of signatures from the root to an answer is broken, or ends above it (RFC 4035 §5). What
 * a validator finds bogus is no answer (§5.5); where a zone has no DS record, or one of an algorithm
 * that nobody knows, it is as if it were not signed (§5.2). A validator may keep a key for the rest of
 * a second: what is done to a DS record is done before it is first asked for.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { type DnsRule, dnsType, testName, VICTIM } from '../model/plan.ts';
import { addDnsRule, PlanError } from '../model/plan-changes.ts';

type Part = Omit<DnsRule, 'name' | 'type'>;

/** Of the answer to the question itself. */
const ANSWERS = {
  'signatures-stripped': { dnssec: 'unsigned' },
  'signatures-expired': { dnssec: 'expired' },
  'signatures-not-yet-valid': { dnssec: 'not-yet-valid' },
  'signatures-of-other-key': { dnssec: 'other-key' },
  'signatures-of-unknown-algorithm': { dnssec: 'unknown-algorithm' },
  'denial-missing': { answer: 'nodata', dnssec: 'no-denial' },
  'denial-forged': { answer: 'nodata', dnssec: 'forged-denial' },
  'denial-unsigned': { answer: 'nodata', dnssec: 'unsigned' },
  'ad-claimed': { dnssec: 'claimed' },
} as const satisfies Record<string, Part>;

/** Of the DS record of its zone. */
const DELEGATIONS = {
  'ds-removed': { answer: 'nodata', dnssec: 'proven' },
  'ds-withheld': { answer: 'nodata', dnssec: 'unsigned' },
  'ds-of-other-key': { dnssec: 'other-key' },
  'ds-of-unknown-algorithm': { dnssec: 'unknown-algorithm' },
} as const satisfies Record<string, Part>;

type Answer = keyof typeof ANSWERS;
type Delegation = keyof typeof DELEGATIONS;

const options = z.strictObject({
  how: z
    .enum([...Object.keys(ANSWERS), ...Object.keys(DELEGATIONS)] as [Answer, ...Delegation[]])
    .describe(
      'signatures-…, denial-… and ad-claimed: in the answer; ds-…: in the delegation of its zone',
    ),
  name: testName.default(`_25._tcp.mx1.${VICTIM}`).describe('The name asked for'),
  type: dnsType.default('TLSA').describe('The type asked for'),
  zone: testName.default(VICTIM).describe('The signed zone that the name is in'),
});

export const attack: Attack<z.output<typeof options>> = {
  summary:
    'Breaks the signatures of an answer (DNSSEC), the proof that there is none, or the DS record above them',
  options,
  shorthand: 'how',
  example: '- break-dnssec: signatures-expired',
  apply(plan, { how, name, type, zone }) {
    if (plan.dns.secure === undefined && /^(?:signatures|ds)-/.test(how))
      throw new PlanError('nothing in this plan is signed: the domain needs dnssec or dane');
    return addDnsRule(
      plan,
      how in DELEGATIONS
        ? { name: zone, type: 'DS', ...DELEGATIONS[how as Delegation] }
        : { name, type, ...ANSWERS[how as Answer] },
    );
  },
};
