/**
 * RFC 5321 §4.5.4.1: what cannot be delivered now is queued. Needs no policy, so it proves nothing
 * about one.
 */

import { z } from 'zod';
import { outcomeOf } from '../model/evidence.ts';
import type { Expectation } from '../model/verdict.ts';
import { inTurn } from './per-message.ts';

export const expectation: Expectation = {
  summary: 'every message is still queued',
  options: z.strictObject({}),
  requirement: '5321-4.5.4.1-queue',
  describe: () => 'deferred',
  judge: (view) =>
    inTurn(view, (token) => {
      const outcome = outcomeOf(view.now, token);
      if (outcome.kind === 'pending')
        return {
          status: 'undecided',
          actual: 'the sender did not say what became of the message',
          because: [],
        };
      if (outcome.kind === 'delivered')
        return {
          status: 'unmet',
          actual: `delivered through ${outcome.accepted.mx}`,
          because: [outcome.accepted.seq],
        };
      if (outcome.kind === 'bounced')
        return { status: 'unmet', actual: 'bounced', because: [outcome.by.seq] };
      return { status: 'met', actual: 'deferred', because: [outcome.by.seq] };
    }),
};
