/** RFC 7672 §2.2: the TLSA records of an MX host were looked up in this step, or were not. */

import { z } from 'zod';
import { connectionsTo, mxLookups } from '../model/evidence.ts';
import { portTo, tlsaLookups } from '../model/held-tlsa.ts';
import { isBefore, ofKind, seqs } from '../model/traffic.ts';
import type { Expectation } from '../model/verdict.ts';
import { counted } from '../protocol/printable.ts';

const options = z.strictObject({
  mx: z.string().default('mx1.victim.test').describe('the MX host'),
  never: z.boolean().default(false).describe('they must not have been looked up'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'the TLSA records of an MX host were looked up, after its address (or were not)',
  options,
  shorthand: 'mx',
  hosts: ['mx'],
  example: '- tlsa-queried: mx1.victim.test',
  requirement: '7672-2.2.2-addr-before-tlsa',
  standsAlone: true,
  describe: ({ mx, never }) => `${never ? 'no ' : ''}TLSA query for ${mx}`,
  judge(view, { mx, never }) {
    const host = view.qualified(mx).toLowerCase();
    const queries = tlsaLookups(view.now, host, portTo(view.history));
    const actual = counted(queries.length, 'TLSA query', 'TLSA queries');
    const addresses = ofKind(view.now, 'dns-query').filter(
      ({ type, name }) => (type === 'A' || type === 'AAAA') && name.toLowerCase() === host,
    );
    const [first] = queries;
    if (first && never) return { status: 'unmet', actual, because: seqs(queries) };
    if (first) {
      const isAfter = addresses.some((address) => isBefore(address, first));
      return isAfter || addresses.some(({ at }) => at === first.at)
        ? { status: 'met', actual, because: seqs(queries) }
        : { status: 'unmet', actual: `${actual}, before the address`, because: seqs(queries) };
    }
    // That a name was not asked for says something only of one that came so far.
    const beside = [...mxLookups(view.now, view.domains), ...addresses];
    if (addresses.length === 0 || connectionsTo(view).length === 0)
      return {
        status: 'undecided',
        actual: `the sender did not come to ${mx}`,
        because: seqs(beside),
      };
    return { status: never ? 'met' : 'unmet', actual, because: seqs(beside) };
  },
};
