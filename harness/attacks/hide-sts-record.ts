/**
 * Nobody finds the MTA-STS record. With no policy cached that is undetectable (RFC 8461 §10.2);
 * a cached policy binds all the same (§3.3).
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { STS_NAME } from '../model/plan.ts';
import { addDnsRule } from '../model/plan-changes.ts';

const options = z.strictObject({
  how: z
    .enum(['nxdomain', 'nodata', 'servfail', 'refused', 'drop'])
    .default('nxdomain')
    .describe('What is answered instead of the record'),
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Hides the _mta-sts TXT record',
  options,
  shorthand: 'how',
  example: '- hide-sts-record: nodata',
  apply: (plan, { how }) => addDnsRule(plan, { name: STS_NAME, type: 'TXT', answer: how }),
};
