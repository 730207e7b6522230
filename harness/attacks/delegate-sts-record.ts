/**
 * The MTA-STS record stands behind CNAMEs, as at a provider that hosts the policy (RFC 8461 §8.2).
 * No attack in itself: the sender has to follow them.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import type { DnsRecord, LabPlan } from '../model/plan.ts';
import { addDnsRule, addRecords, stsRecordOwner } from '../model/plan-changes.ts';

const options = z.strictObject({
  through: z
    .array(z.string())
    .min(1)
    .default(['sts.provider.test'])
    .describe('Names the chain of CNAMEs passes; the last has the record'),
  chase: z
    .boolean()
    .default(true)
    .describe(
      'The name server answers the whole chain at once; false: one CNAME, and the client asks again',
    ),
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Puts the _mta-sts TXT record behind a chain of CNAMEs',
  options,
  example: '- delegate-sts-record: { through: [a.provider.test, b.provider.test] }',
  apply(plan, { through, chase }) {
    const first = stsRecordOwner(plan);
    const aliases = [first, ...through.slice(0, -1)];
    const moved = moveText(plan, first, through.at(-1)!);
    const chained = addRecords(
      moved,
      aliases.map((name, at): DnsRecord => ({ name, type: 'CNAME', target: through[at]! })),
    );
    return chase
      ? chained
      : aliases.reduce(
          (made, name) => addDnsRule(made, { name, type: 'TXT', answer: 'cname-only' }),
          chained,
        );
  },
};

function moveText(plan: LabPlan, from: string, to: string): LabPlan {
  const records = plan.dns.records.map((record) =>
    record.name === from && record.type === 'TXT' ? { ...record, name: to } : record,
  );
  return { ...plan, dns: { ...plan.dns, records } };
}
