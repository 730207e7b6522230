/**
 * The policy host serves the attacker's policy. By itself that is no forgery that a sender could
 * know (RFC 8461 §10.1); put together with a defect that makes the answer no policy (a wrong
 * certificate, a redirect, a 404) it is the flip: the sender that takes it is freed from its cached
 * policy by an attacker who could not authenticate.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { policyText } from '../model/baseline.ts';
import { ATTACKER } from '../model/plan.ts';
import { changePage, replaceRecords, stsRecordOwner } from '../model/plan-changes.ts';
import { formatStsRecord } from '../protocol/sts-record.ts';

const options = z.strictObject({
  mode: z
    .enum(['enforce', 'testing', 'none'])
    .default('none')
    .describe('Mode of the policy offered'),
  id: z.string().default('attacker1').describe('Policy id announced in the TXT record'),
  mx: z
    .array(z.string())
    .default([`mx.${ATTACKER}`])
    .describe('mx patterns of the policy offered'),
  maxAgeSeconds: z
    .int()
    .nonnegative()
    .default(604_800)
    .describe('max_age of the policy offered, in seconds'),
  announce: z
    .boolean()
    .default(true)
    .describe('The TXT record gets the new id, so that the sender fetches the policy'),
});

export const attack: Attack<z.output<typeof options>> = {
  summary: "Serves the attacker's policy at the policy host",
  options,
  shorthand: 'mode',
  example: '- offer-policy: { mode: enforce, mx: [mx.attacker.test] }',
  apply(plan, { mode, id, mx, maxAgeSeconds, announce }) {
    const offered = changePage(plan, (page) => ({
      ...page,
      body: policyText(mode, maxAgeSeconds, mx),
    }));
    if (!announce) return offered;
    const name = stsRecordOwner(plan);
    return replaceRecords(offered, name, 'TXT', [
      { name, type: 'TXT', text: formatStsRecord({ id }) },
    ]);
  },
};
