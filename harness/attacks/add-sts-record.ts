/**
 * One more TXT record beside the MTA-STS record. RFC 8461 §3.1: a second one that begins with
 * v=STSv1; means that the domain has no policy; one of another kind is passed over.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { lines } from '../model/plan.ts';
import { addRecords, stsRecordOwner } from '../model/plan-changes.ts';

const options = z.strictObject({
  record: lines.describe(
    'Text of the added TXT record; a list gives its character-strings one by one',
  ),
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Adds a TXT record beside the _mta-sts record',
  options,
  shorthand: 'record',
  example: '- add-sts-record: v=STSv1; id=second;',
  apply: (plan, { record }) =>
    addRecords(plan, [{ name: stsRecordOwner(plan), type: 'TXT', text: record }]),
};
