/** RFC 5321 §4.5.4.1, §6.1: the message was given up and its author told. */

import { z } from 'zod';
import { bouncesOf, noticesOf, outcomeIn } from '../model/evidence.ts';
import type { Expectation } from '../model/verdict.ts';
import { inTurn } from './per-message.ts';

const options = z.strictObject({
  dsn: z
    .boolean()
    .default(false)
    .describe(
      'a DSN with the null reverse-path must have come home (needs a sender that declares dsn)',
    ),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'every message was given up by the sender',
  options,
  example: '- bounced: { dsn: true }',
  requirement: '5321-6.1-dsn-null',
  awaits: ['bounce'],
  describe: ({ dsn }) => (dsn ? 'returned by a DSN' : 'bounced'),
  judge(view, { dsn }) {
    if (dsn && !view.trial.sender.capabilities.includes('dsn'))
      return { status: 'unsupported', actual: 'the sender declares no DSN', because: [] };
    const all = [...view.whole, ...view.own.whole];
    return inTurn(view, (token) => {
      const outcome = outcomeIn(view, token);
      const unmet = { status: 'unmet' } as const;
      switch (outcome.kind) {
        case 'pending':
          return {
            status: 'undecided',
            actual: 'the sender did not say what became of the message',
            because: [],
          };
        // RFC 5321 §4.5.4.1 says how long mail has to be tried at least, and not how long at most.
        case 'deferred':
          return {
            status: 'undecided',
            actual: 'still queued: the sender tries longer than this',
            because: [outcome.by.seq],
          };
        case 'delivered':
          return { ...unmet, actual: 'delivered', because: [outcome.accepted.seq] };
        case 'bounced': {
          const [home] = bouncesOf(all, token);
          if (!dsn || home)
            return {
              status: 'met',
              actual: home ? 'returned by a DSN' : 'bounced',
              because: [home?.seq ?? outcome.by.seq],
            };
          const [other] = noticesOf(all, token);
          if (other)
            return {
              ...unmet,
              actual: `returned by a notice from <${other.mailFrom}>, which itself can be returned`,
              because: [other.seq],
            };
          return {
            ...unmet,
            actual: 'given up, but no DSN came home',
            because: [outcome.by.seq],
            harm: 'mail-lost',
          };
        }
      }
    });
  },
};
