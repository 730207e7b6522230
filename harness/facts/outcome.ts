/** What it does with the mail, where more than one thing is right. */

import { outcomeIn } from '../model/evidence.ts';
import type { Fact } from '../model/verdict.ts';

const WORDS = {
  delivered: 'delivered',
  deferred: 'kept in the queue',
  bounced: 'returned',
} as const;

export const fact: Fact = {
  summary: 'what becomes of the mail where more than one thing is right',
  observe(view) {
    const [first, ...others] = view.tokens.map((token) => outcomeIn(view, token));
    if (first === undefined || first.kind === 'pending') return undefined;
    if (others.some(({ kind }) => kind !== first.kind)) return undefined;
    const because = [first.kind === 'delivered' ? first.accepted.seq : first.by.seq];
    return { seen: WORDS[first.kind], because };
  },
};
