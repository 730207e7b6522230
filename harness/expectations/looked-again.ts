/**
 * RFC 8461 §5: under enforce, no message is failed for good before the TXT record was looked up for
 * a new policy.
 */

import { z } from 'zod';
import { outcomeOf, seqs, stsLookups } from '../model/evidence.ts';
import type { Expectation } from '../model/verdict.ts';
import { inTurn } from './per-message.ts';

export const expectation: Expectation = {
  summary: 'before a message was given up, the TXT record was looked up once more',
  options: z.strictObject({}),
  requirement: '8461-5-recheck-before-bounce',
  describe: () => 'TXT record looked up before the bounce',
  judge: (view) =>
    inTurn(view, (token) => {
      const outcome = outcomeOf(view.now, token);
      if (outcome.kind !== 'bounced')
        return {
          status: 'undecided',
          actual: `the message was not given up: ${outcome.kind}`,
          because: [],
        };
      const before = stsLookups(view.now, view.domains).filter((seen) => seen.seq < outcome.by.seq);
      const because = [...seqs(before), outcome.by.seq];
      if (before.length > 0) return { status: 'met', actual: 'looked up, then bounced', because };
      return { status: 'unmet', actual: 'bounced without looking for a new policy', because };
    }),
};
