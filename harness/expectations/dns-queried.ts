/** A name was looked up in this step, or was not. */

import { z } from 'zod';
import { mxLookups } from '../model/evidence.ts';
import { stsLookups } from '../model/held-policy.ts';
import { dnsType } from '../model/plan.ts';
import { namesOf, ofKind, seqs } from '../model/traffic.ts';
import type { Expectation } from '../model/verdict.ts';
import { plainName } from '../model/zone.ts';
import { counted } from '../protocol/printable.ts';

const options = z.strictObject({
  name: z.string().describe('the name, as in the scenario'),
  type: dnsType.default('TXT').describe('the record type'),
  never: z.boolean().default(false).describe('it must not have been looked up'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'a name was looked up in this step (or was not)',
  options,
  shorthand: 'name',
  example: '- dns-queried: { name: _mta-sts.victim.test, never: true }',
  requirement: '8461-3.1-txt-name',
  standsAlone: true,
  describe: ({ name, type, never }) => `${never ? 'no ' : ''}${type} query for ${name}`,
  judge(view, { name, type, never }) {
    const all = ofKind(view.now, 'dns-query');
    const names = namesOf(all, view.qualified(name));
    const queries = all.filter(
      (seen) => seen.type === type && names.includes(plainName(seen.name)),
    );
    const actual = counted(queries.length, `${type} query`, `${type} queries`);
    if (queries.length > 0)
      return { status: never ? 'unmet' : 'met', actual, because: seqs(queries) };
    // That a name was not asked for says something only of one that asked for what lies beside it.
    const beside =
      type === 'TXT' ? stsLookups(view.now, view.domains) : mxLookups(view.now, view.domains);
    if (never && beside.length === 0)
      return {
        status: 'undecided',
        actual: `the sender asked for no ${type === 'TXT' ? 'policy record' : 'MX'} of the recipient's domain`,
        because: [],
      };
    if (all.length === 0)
      return { status: 'undecided', actual: 'the sender asked nothing', because: [] };
    return { status: never ? 'met' : 'unmet', actual, because: seqs(beside) };
  },
};
