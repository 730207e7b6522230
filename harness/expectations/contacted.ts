/**
 * An MX was connected to in this step, or was not; and in which order (RFC 5321 §5.1, RFC 8461
 * §5.1).
 */

import { z } from 'zod';
import { connectionsTo, mxLookups, seqs } from '../model/evidence.ts';
import type { Expectation } from '../model/verdict.ts';

const options = z.strictObject({
  mx: z.string().describe('the MX host'),
  never: z.boolean().default(false).describe('it must not have been connected to'),
  before: z.string().optional().describe('this MX host must not have been connected to earlier'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'an MX was connected to (or was not)',
  options,
  shorthand: 'mx',
  requirement: '8461-5.1-preference-order',
  standsAlone: true,
  describe: ({ mx, never, before }) =>
    `${never ? 'no connection' : 'a connection'} to ${mx}${before ? ` before ${before}` : ''}`,
  judge(view, { mx, never, before }) {
    const all = connectionsTo(view);
    if (all.length === 0 && mxLookups(view.now, view.domains).length === 0)
      return { status: 'undecided', actual: 'the sender never came near an MX', because: [] };
    const to = (name: string) =>
      all.filter((seen) => seen.mx.toLowerCase() === view.qualified(name).toLowerCase());
    const order = all.map((seen) => seen.mx).join(', ') || 'no connection';
    if (never)
      return {
        status: to(mx).length === 0 ? 'met' : 'unmet',
        actual: order,
        because: seqs(to(mx)),
      };
    const [first] = to(mx);
    const [other] = before ? to(before) : [];
    const met = first !== undefined && (other === undefined || first.seq < other.seq);
    return { status: met ? 'met' : 'unmet', actual: order, because: seqs(all) };
  },
};
