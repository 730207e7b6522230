/**
 * How much an unauthenticated or unlisted hop saw, whatever became of the message. A bare connect
 * and EHLO is nothing: a sender has to connect to learn that the hop is no good.
 */

import { z } from 'zod';
import { connectionsTo, exposedBy, seqs } from '../model/evidence.ts';
import type { Expectation, Exposure } from '../model/verdict.ts';

const LEVELS = ['none', 'envelope', 'content'] as const satisfies readonly Exposure[];

const options = z.strictObject({
  atMost: z
    .enum(LEVELS)
    .default('none')
    .describe('none: no MAIL, RCPT or DATA · envelope: MAIL and RCPT at most'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'no more than this was exposed',
  options,
  shorthand: 'atMost',
  requirement: '8461-4-check-all',
  describe: ({ atMost }) =>
    atMost === 'none' ? 'nothing exposed' : `at most the ${atMost} exposed`,
  judge(view, { atMost }) {
    const { exposure, because } = exposedBy(view);
    const actual = exposure === 'none' ? 'nothing exposed' : `${exposure} exposed`;
    if (LEVELS.indexOf(exposure) > LEVELS.indexOf(atMost))
      return {
        status: 'unmet',
        actual,
        because: seqs(because),
        harm: exposure === 'none' ? undefined : exposure,
      };
    const tried = connectionsTo(view);
    if (tried.length === 0)
      return { status: 'undecided', actual: 'the sender connected to no MX', because: [] };
    return { status: 'met', actual, because: seqs(tried.slice(-1)) };
  },
};
