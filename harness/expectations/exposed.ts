/**
 * How much an unauthenticated or unlisted hop saw, whatever became of the message. A bare connect
 * and EHLO is nothing: a sender has to connect to learn that the hop is no good.
 */

import { z } from 'zod';
import { exposedBy, harmOf, worstBreach } from '../model/breaches.ts';
import { connectionsTo } from '../model/evidence.ts';
import { dialogueOf, seqs } from '../model/traffic.ts';
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
  example: '- exposed: none',
  requirement: '8461-4-check-all',
  describe: ({ atMost }) =>
    atMost === 'none' ? 'nothing exposed' : `at most the ${atMost} exposed`,
  judge(view, { atMost }) {
    const isTooMuch = (level: Exposure) => LEVELS.indexOf(level) > LEVELS.indexOf(atMost);
    const breach = worstBreach(view);
    if (breach) {
      const harm = harmOf(breach);
      const level = harm === 'envelope' ? 'envelope' : 'content';
      if (isTooMuch(level)) {
        const dialogue = dialogueOf(view.history, breach.part.connection);
        const because = [breach.basis.seq, ...seqs(dialogue)];
        return {
          status: 'unmet',
          actual: `${level} exposed`,
          because,
          harm,
          doubt: breach.doubt,
        };
      }
    }
    const { exposure, because } = exposedBy(view);
    if (!breach && exposure !== 'none' && isTooMuch(exposure)) {
      const actual = `${exposure} exposed`;
      // Who holds no policy owes nobody more than that; where there is one to hold, that is all
      // that is known.
      if (view.stage.policy.mode !== 'absent')
        return {
          status: 'undecided',
          actual: `${actual}, but the sender held no policy then that forbids it`,
          because: seqs(because),
        };
      return { status: 'unmet', actual, because: seqs(because), harm: exposure };
    }
    const tried = connectionsTo(view);
    if (tried.length === 0)
      return { status: 'undecided', actual: 'the sender connected to no MX', because: [] };
    const actual = exposure === 'none' ? 'nothing exposed' : `${exposure} exposed`;
    return { status: 'met', actual, because: seqs(tried.slice(-1)) };
  },
};
