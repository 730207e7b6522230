/**
 * RFC 8689 §2, §4.2.1: a message that asks for REQUIRETLS goes, with that parameter, only to a host
 * that is vouched for, over TLS with a certificate that verifies, and that offers REQUIRETLS inside
 * it. Where there is none such it is not sent, and returned.
 */

import { z } from 'zod';
import { exchangersOf } from '../model/changes.ts';
import { bouncesOf, outcomeIn, type StepView } from '../model/evidence.ts';
import { VICTIM } from '../model/plan.ts';
import { asksForTls, type Lapse, lapsesOf, worstLapse } from '../model/requiretls.ts';
import { dialogueOf, ofKind, type Seen, seqs } from '../model/traffic.ts';
import type { Expectation, Judgement } from '../model/verdict.ts';
import { inTurn, notTried } from './per-message.ts';

const options = z.strictObject({
  outcome: z
    .enum(['delivered', 'returned'])
    .describe('delivered: there is a host that will do · returned: there is none'),
  status: z
    .string()
    .optional()
    .describe('Of returned: the status that the DSN should give, e.g. 5.7.30'),
});
type Options = z.output<typeof options>;

export const expectation: Expectation<Options> = {
  summary: 'REQUIRETLS was honoured: nothing passed but as RFC 8689 allows',
  options,
  shorthand: 'outcome',
  example: '- requiretls-honoured: { outcome: returned, status: 5.7.30 }',
  awaits: ['bounce'],
  cites: ({ outcome }) => [
    '8689-2-session-conditions',
    '8689-4.2.1-mx-validate',
    '8689-4.2.1-name-match',
    ...(outcome === 'returned' ? ['8689-4.2.1-dsn'] : ['8689-4.2.1-try-others']),
  ],
  describe: ({ outcome, status }) =>
    `REQUIRETLS honoured, ${outcome}${status ? ` with ${status}` : ''}`,
  judge(view, wanted) {
    const lapse = worstLapse(
      lapsesOf(view.trial, 'main').filter(
        ({ part, tokens }) =>
          part.step === view.index && tokens.some((token) => view.tokens.includes(token)),
      ),
    );
    if (lapse) return judgeLapse(view, lapse);
    return inTurn(view, (token) => JUDGES[wanted.outcome](view, token, wanted));
  },
};

function judgeLapse(view: StepView, { part, why, requirement, harm }: Lapse): Judgement {
  const what = part.kind === 'smtp-data' ? 'content' : 'the envelope';
  return {
    status: 'unmet',
    actual: `${what} passed ${why}, at ${part.mx}`,
    because: seqs(dialogueOf(view.history, part.connection)),
    requirement,
    ...(harm && { harm }),
  };
}

const JUDGES: Readonly<
  Record<Options['outcome'], (view: StepView, token: string, options: Options) => Judgement>
> = { delivered: judgeDelivery, returned: judgeReturn };

function judgeDelivery(view: StepView, token: string): Judgement {
  const outcome = outcomeIn(view, token);
  switch (outcome.kind) {
    case 'pending':
      return silent;
    case 'delivered': {
      const { accepted } = outcome;
      const mail = mailOf(view, accepted);
      // What passed otherwise is a lapse; a transaction that does not show proves nothing.
      if (!mail)
        return { status: 'undecided', actual: 'no MAIL with REQUIRETLS', because: [accepted.seq] };
      return {
        status: 'met',
        actual: `delivered with REQUIRETLS through ${accepted.mx}`,
        because: seqs([mail, accepted]),
      };
    }
    default: {
      const { plan } = view.stage;
      const isOneOfSeveral = plan && exchangersOf(plan.dns, VICTIM).length > 1;
      const untried = notTried(view, token);
      if (untried) return untried;
      return {
        status: 'unmet',
        actual: `${outcome.kind}, though a host would have done`,
        because: [outcome.by.seq],
        ...(isOneOfSeveral && { requirement: '8689-4.2.1-try-others' }),
        // That it is tried again later loses nothing, where there was nobody else to try.
        ...(outcome.kind === 'bounced' ? { harm: 'returned' } : { strictness: !isOneOfSeveral }),
      };
    }
  }
}

const silent: Judgement = {
  status: 'undecided',
  actual: 'nothing passed, but the sender did not say what became of the message',
  because: [],
};

function mailOf(
  view: StepView,
  { connection, seq }: Seen<'message-accepted'>,
): Seen<'smtp-command'> | undefined {
  const last = ofKind(view.history, 'smtp-command').findLast(
    (seen) => seen.connection === connection && seen.verb === 'MAIL' && seen.seq < seq,
  );
  return last && asksForTls(last) ? last : undefined;
}

function judgeReturn(view: StepView, token: string, { status }: Options): Judgement {
  const requirement = '8689-4.2.1-dsn';
  const outcome = outcomeIn(view, token);
  switch (outcome.kind) {
    case 'pending':
      return silent;
    case 'delivered':
      return {
        status: 'undecided',
        actual: `delivered through ${outcome.accepted.mx} as REQUIRETLS asks: the attack did not bite`,
        because: [outcome.accepted.seq],
      };
    // §4.2.1 says that it is returned, and not how soon.
    case 'deferred':
      return {
        status: 'unmet',
        actual: 'still queued, and not returned',
        because: [outcome.by.seq],
        requirement,
        strictness: true,
      };
    case 'bounced': {
      const [home] = bouncesOf([...view.whole, ...view.own.whole], token);
      if (!home && view.trial.sender.capabilities.includes('dsn'))
        return {
          status: 'unmet',
          actual: 'given up, but no DSN came home',
          because: [outcome.by.seq],
          requirement,
          harm: 'mail-lost',
        };
      // The codes are a SHOULD.
      if (status && home?.dsnStatus && home.dsnStatus !== status)
        return {
          status: 'unmet',
          actual: `returned with ${home.dsnStatus}`,
          because: [home.seq],
          requirement,
          strictness: true,
        };
      return {
        status: 'met',
        actual: home ? 'not sent, and returned by a DSN' : 'not sent, and given up',
        because: [outcome.by.seq, ...(home ? [home.seq] : [])],
      };
    }
  }
}
