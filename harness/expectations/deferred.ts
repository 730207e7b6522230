/**
 * RFC 5321 §4.5.4.1: what cannot be delivered now is queued. Needs no policy, so it proves nothing
 * about one.
 */

import { z } from 'zod';
import { connectionsTo, failedLookups, mxLookups, outcomeIn } from '../model/evidence.ts';
import type { Expectation } from '../model/verdict.ts';
import { inTurn, notTried } from './per-message.ts';

export const expectation: Expectation = {
  summary: 'every message is still queued',
  options: z.strictObject({}),
  example: '- deferred',
  requirement: '5321-4.5.4.1-queue',
  describe: () => 'deferred',
  judge: (view) =>
    inTurn(view, (token) => {
      const outcome = outcomeIn(view, token);
      switch (outcome.kind) {
        case 'pending':
          return {
            status: 'undecided',
            actual: 'the sender did not say what became of the message',
            because: [],
          };
        case 'delivered':
          return {
            status: 'unmet',
            actual: `delivered through ${outcome.accepted.mx}`,
            because: [outcome.accepted.seq],
          };
        case 'bounced':
          return (
            notTried(view, token) ?? {
              status: 'unmet',
              actual: 'bounced',
              because: [outcome.by.seq],
              harm: 'returned',
            }
          );
        case 'deferred': {
          const lookups = [
            ...failedLookups(view.now, view.domains),
            ...mxLookups(view.now, view.domains),
          ];
          const tried = [...lookups, ...connectionsTo(view)].at(-1);
          if (!tried)
            return {
              status: 'undecided',
              actual: 'deferred, but the sender never came near an MX',
              because: [outcome.by.seq],
            };
          return { status: 'met', actual: 'deferred', because: [tried.seq, outcome.by.seq] };
        }
      }
    }),
};
