/**
 * The MTA-STS record reads otherwise: another id, another version, or no valid record at all (RFC
 * 8461 §3.1).
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { lines } from '../model/plan.ts';
import { replaceRecords, stsRecordOwner } from '../model/plan-changes.ts';

const options = z.strictObject({
  record: lines.describe('Text of the TXT record; a list gives its character-strings one by one'),
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Replaces the _mta-sts TXT record',
  options,
  shorthand: 'record',
  example: '- replace-sts-record: v=STSv1; id=attacker;',
  apply(plan, { record }) {
    const name = stsRecordOwner(plan);
    return replaceRecords(plan, name, 'TXT', [{ name, type: 'TXT', text: record }]);
  },
};
