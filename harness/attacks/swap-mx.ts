/**
 * The MX records name the attacker's host. RFC 8461 §4.1: under enforce, a host that the policy
 * does not name gets no mail, however right its certificate is; a permitted one further down the
 * list does.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { ATTACKER, CERTIFICATE_PROFILES, type DnsRecord, testName, VICTIM } from '../model/plan.ts';
import { addHost, changeMx, overlayMx, replaceRecords } from '../model/plan-changes.ts';

const options = z.strictObject({
  to: testName
    .default(`mx.${ATTACKER}`)
    .describe('The MX host named; made if the plan has none of that name'),
  preference: z
    .int()
    .nonnegative()
    .max(65_535)
    .default(0)
    .describe('Its preference; the lowest is tried first'),
  keep: z.boolean().default(false).describe('The honest MX records stay beside it'),
  certificate: z
    .enum(CERTIFICATE_PROFILES)
    .optional()
    .describe('Certificate profile that host shows; default right'),
  certificateFor: z
    .string()
    .optional()
    .describe("Host name its certificate is made for; default the host's own"),
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Names a host of the attacker in the MX records',
  options,
  shorthand: 'to',
  example: '- swap-mx: { to: mx.attacker.test, keep: true }',
  apply(plan, { to, preference, keep, certificate, certificateFor }) {
    const honest = keep
      ? plan.dns.records.filter((record) => record.name === VICTIM && record.type === 'MX')
      : [];
    const swapped: DnsRecord = { name: VICTIM, type: 'MX', preference, exchange: to };
    const named = replaceRecords(addHost(plan, 'mxHosts', to, {}), VICTIM, 'MX', [
      swapped,
      ...honest,
    ]);
    return changeMx(named, to, (mx) => overlayMx(mx, { tls: { certificate, certificateFor } }));
  },
};
