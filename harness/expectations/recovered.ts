/**
 * RFC 5321 §4.5.4.1, RFC 8461 §5: with the fault healed and the queue run, all that was queued
 * arrives. Every `recover` step expects it.
 */

import { z } from 'zod';
import { harmOf, worstBreach } from '../model/breaches.ts';
import {
  isDnsAnswer,
  isEnforced,
  looksBefore,
  mxHostsOf,
  mxLookups,
  outcomeIn,
  policyDomains,
  type StepView,
  tokensSubmitted,
} from '../model/evidence.ts';
import { senderSeconds } from '../model/held-policy.ts';
import { heldTlsa } from '../model/held-tlsa.ts';
import type { Observation } from '../model/observation.ts';
import {
  dialogueOf,
  isBefore,
  ofKind,
  type Seen,
  seqs,
  sessionsOf,
  tokensNamed,
  transactionsOf,
} from '../model/traffic.ts';
import type { Expectation, Judgement } from '../model/verdict.ts';
import { inTurn } from './per-message.ts';

export const expectation: Expectation = {
  summary: 'everything that was queued arrived',
  options: z.strictObject({}),
  example: '- recovered',
  requirement: '5321-4.5.4.1-queue',
  cites: () => ['8461-5-transient', '8461-5-recheck-before-bounce', '8461-4-check-all'],
  describe: () => 'all queued mail delivered',
  judge(view) {
    const breach = worstBreach(view);
    // What the policy kept from an insecure hop, it keeps from one on the retry as well.
    if (breach)
      return {
        status: 'unmet',
        actual: `${breach.part.kind === 'smtp-data' ? 'content' : 'the envelope'} exposed ${breach.part.secure ? 'over unauthenticated TLS' : 'in clear'} at ${breach.part.mx}, though TLS was offered`,
        because: [breach.basis.seq, ...seqs(dialogueOf(view.history, breach.part.connection))],
        harm: harmOf(breach),
        doubt: breach.doubt,
        requirement: breach.requirement,
      };
    if (view.tokens.length === 0 && tokensSubmitted(view.history).length > 0)
      return { status: 'met', actual: 'nothing was left in the queue', because: [] };
    return inTurn(view, (token) => judgeMessage(view, token));
  },
};

function judgeMessage(view: StepView, token: string): Judgement {
  const outcome = outcomeIn(view, token);
  if (outcome.kind === 'delivered')
    return { status: 'met', actual: 'delivered', because: [outcome.accepted.seq] };
  if (outcome.kind === 'bounced') return judgeBounce(view, token, outcome.by);
  // A queue may be listed while a message is between two places of it: each listing counts.
  const flushed = view.now.findLastIndex(({ kind }) => kind === 'queue-flushed');
  const listings = ofKind(view.now.slice(flushed + 1), 'queue-listed').slice(-2);
  if (listings.length > 0 && !listings.some(({ tokens }) => tokens.includes(token)))
    return {
      status: 'unmet',
      actual: 'neither delivered, nor bounced, nor queued any more',
      because: seqs(listings),
      harm: 'mail-lost',
    };
  const tried = attemptFor(view, token);
  if (outcome.kind === 'deferred' && tried) {
    const failed = failedTlsa(view, token, outcome.by);
    if (failed)
      return {
        status: 'undecided',
        actual: `still deferred, and ${failed.name} was not asked for again: a resolver may keep the failure`,
        because: [failed.seq, outcome.by.seq],
      };
    // RFC 8461 §5: that a policy failure is transient is a SHOULD.
    const transient = isEnforced(view, token, outcome.by)
      ? { requirement: '8461-5-transient' }
      : {};
    const because = [tried.seq, outcome.by.seq];
    return {
      status: 'unmet',
      actual: 'still deferred, though the fault is healed',
      because,
      ...transient,
    };
  }
  return { status: 'undecided', actual: 'not retried before the wait was over', because: [] };
}

/**
 * The last that shows that the sender came to this message: a queue run may take some of a domain's
 * messages and leave others.
 */
function attemptFor(view: StepView, token: string): Observation | undefined {
  const tokens = tokensSubmitted(view.history);
  const named = sessionsOf(view.now).map((session) => ({
    opened: session.opened,
    tokens: transactionsOf([session]).flatMap((one) => tokensNamed(one, tokens)),
  }));
  const domains = policyDomains(view.history, [token]);
  const isElsewhere = (one: (typeof named)[number]) =>
    one.tokens.length > 0 &&
    !policyDomains(view.history, one.tokens).some((domain) => domains.includes(domain));
  const here = named.filter((one) => !isElsewhere(one));
  const own = here.filter((one) => one.tokens.length === 0 || one.tokens.includes(token));
  if (own.length < here.length) return own.at(-1)?.opened;
  const answered = mxLookups(view.now, domains).filter(({ answer }) => /^NOERROR\b/.test(answer));
  return [...answered, ...own.map(({ opened }) => opened)].at(-1);
}

const FAILURE_LASTS_SECONDS = 5 * 60;

/**
 * A look-up of TLSA records that failed while the attack was on, and was not repeated: a resolver may
 * keep that for five minutes (RFC 2308 §7.1), and without an answer no host can be used (RFC 7672 §2.1.2).
 */
function failedTlsa(
  view: StepView,
  token: string,
  sign: Observation,
): Seen<'dns-query'> | undefined {
  const failures = policyDomains(view.history, [token]).flatMap((domain) =>
    mxHostsOf(view.trial.scenario, domain).map((host) => {
      const held = heldTlsa(view.history, domain, host, sign);
      if (held?.kind !== 'failed' || held.lookup.step === view.index) return undefined;
      const isKept = senderSeconds(view.history, held.lookup, sign) <= FAILURE_LASTS_SECONDS;
      return isKept ? held.lookup : undefined;
    }),
  );
  return failures.every((one) => one !== undefined) ? failures[0] : undefined;
}

/** What was broken in the step that bounced was judged there; here it counts that it is gone. */
function judgeBounce(view: StepView, token: string, sign: Observation): Judgement {
  const unmet = { status: 'unmet', known: true, because: [sign.seq] } as const;
  const isBound = isEnforced(view, token, sign);
  if (sign.step < view.index) {
    const transient =
      isBound && !dnsFailed(view, token, sign) ? { requirement: '8461-5-transient' } : {};
    return { ...unmet, actual: 'bounced', ...transient };
  }
  const looked = looksBefore(view, sign).length > 0;
  return {
    ...unmet,
    actual: `bounced, though the fault is healed${looked || !isBound ? '' : ', and without looking for a new policy'}`,
    harm: 'returned',
    ...(isBound && !looked && { requirement: '8461-5-recheck-before-bounce' }),
  };
}

/**
 * When the message was given up, its MX had last been asked for in vain (RFC 5321 §5.1: try later):
 * that was no failure of the policy.
 */
function dnsFailed(view: StepView, token: string, sign: Observation): boolean {
  const last = mxLookups(view.history, policyDomains(view.history, [token])).findLast((seen) =>
    isBefore(seen, sign),
  );
  return last !== undefined && !isDnsAnswer(last.answer);
}
