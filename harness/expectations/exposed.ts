/**
 * How much an unauthenticated or unlisted hop saw, whatever became of the message. A bare connect and EHLO is nothing:
 * a sender has to connect to learn that the hop is no good.
 */

import { z } from 'zod';
import { isPermittedMx } from '../protocol/mx-match.ts';
import { exposedBy, seqs } from '../model/evidence.ts';
import type { Expectation, Exposure } from '../model/verdict.ts';

const LEVELS = ['none', 'envelope', 'content'] as const satisfies readonly Exposure[];

const options = z.strictObject({
  atMost: z.enum(LEVELS).default('none').describe('none: no MAIL, RCPT or DATA · envelope: MAIL and RCPT at most'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'no more than this was exposed',
  options,
  shorthand: 'atMost',
  describe: ({ atMost }) => (atMost === 'none' ? 'nothing exposed' : `at most the ${atMost} exposed`),
  judge(view, { atMost }) {
    const { exposure, because } = exposedBy(view.now, (mx) => isPermittedMx(view.permittedMx, mx));
    const actual = exposure === 'none' ? 'nothing exposed' : `${exposure} exposed`;
    if (LEVELS.indexOf(exposure) > LEVELS.indexOf(atMost)) return { status: 'unmet', actual, because: seqs(because), harm: exposure === 'none' ? undefined : exposure };
    const tried = view.now.filter((seen) => seen.kind === 'smtp-connection' || (seen.kind === 'dns-query' && seen.type === 'MX'));
    if (tried.length === 0) return { status: 'undecided', actual: 'the sender never came near the MX', because: [] };
    return { status: 'met', actual, because: seqs(tried.slice(-1)) };
  },
};
