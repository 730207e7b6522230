/**
 * RFC 8461 §5: a policy failure should be transient; nobody is told that the mail cannot be
 * delivered. Returned mail is not lost mail.
 */

import { z } from 'zod';
import { isEnforced, looksBefore, outcomeIn, tokensSubmitted } from '../model/evidence.ts';
import type { Expectation } from '../model/verdict.ts';
import { inTurn } from './per-message.ts';

export const expectation: Expectation = {
  summary: 'no message was given up',
  options: z.strictObject({}),
  example: '- not-bounced',
  requirement: '8461-5-transient',
  cites: () => ['8461-5-recheck-before-bounce', '8461-5-transient'],
  describe: () => 'not bounced',
  judge(view) {
    const earlier = view.tokens.length === 0 ? tokensSubmitted(view.history) : [];
    // Some senders try again by themselves as time passes.
    if (earlier.length > 0)
      return { status: 'met', actual: 'delivered before this step', because: [] };
    return inTurn(view, (token) => {
      const outcome = outcomeIn(view, token);
      if (outcome.kind === 'pending')
        return {
          status: 'undecided',
          actual: 'the sender did not say what became of the message',
          because: [],
        };
      if (outcome.kind === 'bounced') {
        const words = outcome.by.kind === 'sender-status' ? `: ${outcome.by.detail}` : '';
        // What was broken where it was given up was judged there.
        if (outcome.by.step < view.index && isEnforced(view, token, outcome.by))
          return {
            status: 'unmet',
            known: true,
            actual: `bounced before this step${words}`,
            because: [outcome.by.seq],
            requirement: '8461-5-transient',
          };
        const isBlind =
          isEnforced(view, token, outcome.by) && looksBefore(view, outcome.by).length === 0;
        return {
          status: 'unmet',
          known: true,
          actual: `bounced${isBlind ? ' without looking for a new policy' : ''}${words}`,
          because: [outcome.by.seq],
          ...(isBlind && { requirement: '8461-5-recheck-before-bounce' }),
        };
      }
      return { status: 'met', actual: outcome.kind, because: [] };
    });
  },
};
