/**
 * An MX was connected to in this step, or was not; and in which order (RFC 5321 §5.1, RFC 8461
 * §5.1).
 */

import { z } from 'zod';
import { connectionsTo, mxLookups, outcomeIn } from '../model/evidence.ts';
import { isBefore, seqs } from '../model/traffic.ts';
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
  hosts: ['mx', 'before'],
  example: '- contacted: { mx: mx1.victim.test, before: mx2.victim.test }',
  requirement: '8461-5.1-preference-order',
  describe: ({ mx, never, before }) =>
    `${never ? 'no connection' : 'a connection'} to ${mx}${before ? ` before ${before}` : ''}`,
  judge(view, { mx, never, before }) {
    const all = connectionsTo(view);
    const to = (name: string) =>
      all.filter((seen) => seen.mx.toLowerCase() === view.qualified(name).toLowerCase());
    const order = all.map((seen) => seen.mx).join(', ') || 'no connection';
    const [first] = to(mx);
    if (never && first)
      return { status: 'unmet', actual: order, because: seqs(to(mx)), standsAlone: true };
    // That it stayed away says something only of one that was done with the message.
    const isDone =
      view.tokens.length > 0 &&
      view.tokens.every((token) => outcomeIn(view, token).kind !== 'pending');
    const came = [...all, ...mxLookups(view.now, view.domains)];
    if (came.length === 0)
      return { status: 'undecided', actual: 'the sender never came near an MX', because: [] };
    if (!first && !isDone)
      return {
        status: 'undecided',
        actual: `${order}, and the sender did not say what became of the message`,
        because: seqs(came),
      };
    if (never) return { status: 'met', actual: order, because: seqs(came.slice(-1)) };
    if (before && all.length === 0)
      return { status: 'undecided', actual: 'no connection, and so no order', because: seqs(came) };
    const [other] = before ? to(before) : [];
    const met = first !== undefined && (other === undefined || isBefore(first, other));
    // Who came to no host at all may have had a reason of its own: the positive control tells.
    const standsAlone = all.length > 0;
    return { status: met ? 'met' : 'unmet', actual: order, because: seqs(all), standsAlone };
  },
};
