/**
 * RFC 8461 §5: a policy failure should be transient; nobody is told that the mail cannot be
 * delivered. Returned mail is not lost mail.
 */

import { z } from 'zod';
import { outcomeOf } from '../model/evidence.ts';
import type { Expectation } from '../model/verdict.ts';
import { inTurn } from './per-message.ts';

export const expectation: Expectation = {
  summary: 'no message was given up',
  options: z.strictObject({}),
  requirement: '8461-5-transient',
  describe: () => 'not bounced',
  judge: (view) =>
    inTurn(view, (token) => {
      const outcome = outcomeOf(view.now, token);
      if (outcome.kind === 'pending')
        return {
          status: 'undecided',
          actual: 'the sender did not say what became of the message',
          because: [],
        };
      if (outcome.kind === 'bounced')
        return { status: 'unmet', actual: 'bounced', because: [outcome.by.seq] };
      return { status: 'met', actual: outcome.kind, because: [] };
    }),
};
