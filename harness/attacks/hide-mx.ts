/**
 * Nobody finds the MX records. RFC 5321 §5.1: a look-up that fails for now makes the message wait,
 * and leads nowhere else.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { VICTIM } from '../model/plan.ts';
import { addDnsRule } from '../model/plan-changes.ts';

const options = z.strictObject({
  how: z
    .enum(['servfail', 'nxdomain', 'nodata', 'refused', 'drop'])
    .default('servfail')
    .describe('What is answered instead of the records'),
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Hides the MX records of the domain',
  options,
  shorthand: 'how',
  example: '- hide-mx: drop',
  apply: (plan, { how }) => addDnsRule(plan, { name: VICTIM, type: 'MX', answer: how }),
};
