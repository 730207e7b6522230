/**
 * RFC 5321 §4.5.4.1, RFC 8461 §5: with the fault healed and the queue run, all that was queued
 * arrives. Every `recover` step expects it.
 */

import { z } from 'zod';
import {
  connectionsTo,
  mxLookups,
  ofKind,
  outcomeOf,
  policyFetches,
  recipientDomains,
  type Seen,
  type StepView,
} from '../model/evidence.ts';
import type { Expectation, Judgement } from '../model/verdict.ts';
import { isPermittedMx } from '../protocol/mx-match.ts';
import { parseStsPolicy } from '../protocol/sts-policy.ts';
import { inTurn } from './per-message.ts';

export const expectation: Expectation = {
  summary: 'everything that was queued arrived',
  options: z.strictObject({}),
  requirement: '5321-4.5.4.1-queue',
  describe: () => 'all queued mail delivered',
  judge(view) {
    if (view.tokens.length === 0 && ofKind(view.history, 'message-submitted').length > 0)
      return { status: 'met', actual: 'nothing was left in the queue', because: [] };
    return inTurn(view, (token) => judgeMessage(view, token));
  },
};

function judgeMessage(view: StepView, token: string): Judgement {
  const outcome = outcomeOf(view.now, token);
  const before = outcomeOf(view.history, token);
  if (outcome.kind === 'delivered')
    return judgeArrival(view, outcome.accepted, recipientDomains(view.history, [token]));
  // RFC 8461 §5: that a policy failure is transient is a SHOULD; what was broken besides was judged
  // in the step that bounced.
  const transient = isEnforced(view) ? { requirement: '8461-5-transient' } : {};
  if (before.kind === 'bounced') {
    const { seq } = before.by;
    return {
      status: 'unmet',
      actual: 'bounced',
      because: [seq],
      ...(dnsFailed(view, token, seq) ? {} : transient),
    };
  }
  const listed = ofKind(view.now, 'queue-listed').at(-1);
  if (listed && !listed.tokens.includes(token)) {
    return {
      status: 'unmet',
      actual: 'neither delivered, nor bounced, nor queued any more',
      because: [listed.seq],
      harm: 'mail-lost',
    };
  }
  const tried = connectionsTo(view).at(-1);
  if (outcome.kind === 'deferred' && tried) {
    return {
      status: 'unmet',
      actual: 'still deferred, though the fault is healed',
      because: [tried.seq, outcome.by.seq],
      ...transient,
    };
  }
  return { status: 'undecided', actual: 'not retried before the wait was over', because: [] };
}

/**
 * When the message was given up, its MX had last been asked for in vain (RFC 5321 §5.1: try later):
 * that was no failure of the policy.
 */
function dnsFailed(view: StepView, token: string, seq: number): boolean {
  const last = mxLookups(view.history, recipientDomains(view.history, [token])).findLast(
    (seen) => seen.seq < seq,
  );
  return last !== undefined && !/^(NOERROR|NXDOMAIN)\b/.test(last.answer);
}

/**
 * What the policy kept from an insecure hop, it keeps from one on the retry as well: a sender may
 * not remember "no TLS here".
 */
function judgeArrival(
  view: StepView,
  accepted: Seen<'message-accepted'>,
  domains: readonly string[],
): Judgement {
  const held = policyFetches(view.history, domains).findLast((fetch) => fetch.seq < accepted.seq);
  if (
    held &&
    isEnforced(view) &&
    !(accepted.authenticated && isPermittedMx(view.permittedMx, accepted.mx))
  ) {
    const actual = `delivered ${accepted.secure ? 'over unauthenticated TLS' : 'in clear'} through ${accepted.mx}, though TLS was offered`;
    return {
      status: 'unmet',
      actual,
      because: [held.seq, accepted.seq],
      harm: 'content',
      requirement: '8461-4-check-all',
    };
  }
  return { status: 'met', actual: 'delivered', because: [accepted.seq] };
}

function isEnforced(view: StepView): boolean {
  const policy = ofKind(view.history, 'step-started').at(-1)?.policy;
  const written = policy?.text === undefined ? undefined : parseStsPolicy(policy.text);
  return written ? written.ok && written.value.mode === 'enforce' : policy?.mode === 'enforce';
}
