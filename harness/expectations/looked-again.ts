/**
 * RFC 8461 §5: under enforce, no message is failed for good before the TXT record was looked up for
 * a new policy. A look in the five minutes before will do, since §3.3 has a sender ask no oftener.
 */

import { z } from 'zod';
import { attemptsFor, looksBefore, outcomeIn, type StepView } from '../model/evidence.ts';
import { stsLookups } from '../model/held-policy.ts';
import type { Observation } from '../model/observation.ts';
import { isBefore, seqs } from '../model/traffic.ts';
import type { Expectation } from '../model/verdict.ts';
import { inTurn } from './per-message.ts';

export const expectation: Expectation = {
  summary: 'before a message was given up, the TXT record was looked up once more',
  options: z.strictObject({}),
  example: '- looked-again',
  requirement: '8461-5-recheck-before-bounce',
  describe: () => 'TXT record looked up before the bounce',
  judge: (view) =>
    inTurn(view, (token) => {
      const outcome = outcomeIn(view, token);
      if (outcome.kind !== 'bounced')
        return {
          status: 'undecided',
          actual: `the message was not given up: ${outcome.kind}`,
          because: [],
        };
      const looks = looksBefore(view, outcome.by);
      const because = [...seqs(looks), outcome.by.seq];
      if (looks.length > 0) return { status: 'met', actual: 'looked up, then bounced', because };
      const isMinor = lookedAtLastTry(view, token, outcome.by);
      return {
        status: 'unmet',
        actual: `bounced without looking for a new policy in the five minutes before${isMinor ? ': it was not tried again, and the last try had looked' : ''}`,
        because,
        known: true,
        isMinor,
      };
    }),
};

/**
 * Some give a message up for its age, and try it no more. In days that pass in a moment the tries are
 * missing that would each have looked.
 */
function lookedAtLastTry(view: StepView, token: string, sign: Observation): boolean {
  const before = view.history.filter((seen) => isBefore(seen, sign));
  const last = attemptsFor(token, before, view.history, view.trial.scenario).at(-1);
  return (
    last !== undefined &&
    last.step < sign.step &&
    stsLookups(before, view.domains).some(({ step }) => step === last.step)
  );
}
