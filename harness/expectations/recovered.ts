/** RFC 5321 §4.5.4.1, RFC 8461 §5: with the fault healed and the queue run, all that was queued arrives. Every `recover` step expects it. */

import { z } from 'zod';
import { ofKind, outcomeOf, type StepView } from '../model/evidence.ts';
import type { Expectation, Judgement } from '../model/verdict.ts';
import { inTurn } from './per-message.ts';

export const expectation: Expectation = {
  summary: 'everything that was queued arrived',
  options: z.strictObject({}),
  requirement: '5321-4.5.4.1-queue',
  describe: () => 'all queued mail delivered',
  judge(view) {
    if (view.tokens.length === 0) return { status: 'met', actual: 'nothing was left in the queue', because: [] };
    return inTurn(view, (token) => judgeMessage(view, token));
  },
};

function judgeMessage(view: StepView, token: string): Judgement {
  const outcome = outcomeOf(view.now, token);
  const before = outcomeOf(view.history, token);
  if (outcome.kind === 'delivered') return { status: 'met', actual: 'delivered', because: [outcome.accepted.seq] };
  if (before.kind === 'bounced') return { status: 'unmet', actual: 'bounced', because: [before.by.seq], harm: 'mail-lost' };
  const listed = ofKind(view.now, 'queue-listed').at(-1);
  if (listed && !listed.tokens.includes(token)) {
    return { status: 'unmet', actual: 'neither delivered, nor bounced, nor queued any more', because: [listed.seq], harm: 'mail-lost' };
  }
  const tried = ofKind(view.now, 'smtp-connection');
  if (outcome.kind === 'deferred' && tried.length > 0) {
    return { status: 'unmet', actual: 'still deferred, though the fault is healed', because: [tried.at(-1)!.seq, outcome.by.seq], requirement: '8461-5-transient' };
  }
  return { status: 'undecided', actual: 'not retried before the wait was over', because: [] };
}
