/**
 * RFC 8461 §4, §5: under `enforce`, no delivery to a host that fails the policy; the message stays
 * queued.
 *
 * Silence is never a pass. `enforced` needs proof that this sender holds this policy (fetched
 * whole, over authenticated HTTPS, in this scenario), that it came to the faulty hop (it asked for
 * the MX or connected), and that the message is still queued.
 */

import { z } from 'zod';
import {
  connectionsTo,
  exposedBy,
  inLeg,
  isSenderMx,
  mxLookups,
  ofKind,
  outcomeOf,
  policyFetches,
  type StepView,
  seqs,
  stsLookups,
} from '../model/evidence.ts';
import type { Observation } from '../model/observation.ts';
import type { Expectation, Judgement } from '../model/verdict.ts';
import { isPermittedMx } from '../protocol/mx-match.ts';
import { inTurn } from './per-message.ts';

export const expectation: Expectation = {
  summary: 'the policy was enforced: nothing exposed, the message deferred and still queued',
  options: z.strictObject({}),
  negativeControl: true,
  describe: () => 'deferred, nothing exposed',
  judge(view) {
    const { exposure, because } = exposedBy(view);
    if (exposure !== 'none') return judgeExposure(view, exposure, because);
    return inTurn(view, (token) => judgeMessage(view, token));
  },
};

/**
 * A leak is a broken MUST only when the sender held the policy as it connected, or claims MTA-STS
 * and never asked for it.
 */
function judgeExposure(
  view: StepView,
  exposure: 'envelope' | 'content',
  because: readonly Observation[],
): Judgement {
  const what = `${exposure === 'content' ? 'content' : 'only the envelope was'} exposed${arrival(view)}`;
  const fetches = policyFetches(view.history, view.domains);
  const connected = openedAt(view, because);
  const held = fetches.findLast((fetch) => fetch.seq < connected);
  if (held)
    return { status: 'unmet', actual: what, because: [held.seq, ...seqs(because)], harm: exposure };
  // RFC 8461 §5.1: a sender may fetch the policy of a new domain beside the first delivery.
  if (fetches.length > 0)
    return {
      status: 'undecided',
      actual: `${what}, but the policy was got only after the sender had connected`,
      because: seqs([...because, ...fetches]),
    };
  if (stsLookups(view.whole, view.domains).length === 0) {
    return {
      status: 'unmet',
      actual: `${what}; the sender never asked for _mta-sts`,
      because: seqs(because),
      harm: exposure,
    };
  }
  return {
    status: 'undecided',
    actual: `${what}, but the sender never got the policy: does it trust the lab's authority?`,
    because: seqs(because),
  };
}

/**
 * ` and delivered in clear through mx1.…`, of the first message that arrived where it should not
 * have.
 */
function arrival(view: StepView): string {
  const outcomes = view.tokens.map((token) => outcomeOf(view.now, token));
  const accepted = outcomes.flatMap((outcome) =>
    outcome.kind === 'delivered' ? [outcome.accepted] : [],
  );
  const wrong = accepted.find(
    (one) => !(one.authenticated && isPermittedMx(view.permittedMx, one.mx)),
  );
  if (!wrong) return '';
  const how = wrong.authenticated
    ? 'to a host that the policy does not list,'
    : wrong.secure
      ? 'over unauthenticated TLS,'
      : 'in clear';
  return ` and delivered ${how} through ${wrong.mx}`;
}

/** When the connection that leaked was opened, as a place in the stream. */
function openedAt(view: StepView, because: readonly Observation[]): number {
  const [leak] = because;
  const opened = ofKind(view.history, 'smtp-connection').find(
    (seen) => leak && 'connection' in leak && seen.connection === leak.connection,
  );
  return (opened ?? leak)?.seq ?? 0;
}

function judgeMessage(view: StepView, token: string): Judgement {
  const outcome = outcomeOf(view.now, token);
  if (outcome.kind === 'delivered') {
    return {
      status: 'undecided',
      actual: `delivered through ${outcome.accepted.mx} with nothing exposed: the attack did not bite`,
      because: [outcome.accepted.seq],
    };
  }
  if (outcome.kind === 'pending')
    return {
      status: 'undecided',
      actual: 'nothing exposed, but the sender did not say what became of the message',
      because: [],
    };
  const held = policyFetches(view.history, view.domains).findLast(
    (fetch) => fetch.seq < outcome.by.seq,
  );
  if (!held)
    return {
      status: 'undecided',
      actual: 'nothing exposed, but no proof that the sender holds the policy',
      because: [],
    };
  if (outcome.kind === 'bounced') return judgeBounce(view, outcome.by.seq);
  const reached = [...mxLookups(view.now, view.domains), ...connectionsTo(view)].at(-1);
  if (!reached)
    return {
      status: 'undecided',
      actual: 'nothing exposed, but the sender never came near the MX',
      because: [],
    };
  if (reached.kind === 'dns-query' && !comesUnprotected(view)) {
    return {
      status: 'undecided',
      actual:
        'nothing exposed, but the sender connected to no MX, and nothing shows that it would have without a policy',
      because: [reached.seq, outcome.by.seq],
    };
  }
  return {
    status: 'met',
    actual: 'deferred, nothing exposed',
    because: [held.seq, reached.seq, outcome.by.seq],
  };
}

/**
 * In the world with the same fault and no policy the sender came to an MX: it was the policy that
 * kept it from one here.
 */
function comesUnprotected(view: StepView): boolean {
  const unprotected = inLeg(view.trial.evidence.observations, 'unprotected', view.index);
  // The last message is the one under the fault.
  const attacked = ofKind(unprotected, 'message-submitted').at(-1);
  return (
    attacked !== undefined &&
    ofKind(unprotected, 'smtp-connection').some(
      (seen) => seen.seq > attacked.seq && !isSenderMx(seen.mx),
    )
  );
}

/**
 * RFC 8461 §5: a policy failure should be transient, and must not be permanent before a new policy
 * was looked for.
 */
function judgeBounce(view: StepView, bounced: number): Judgement {
  const lookedAgain = stsLookups(view.now, view.domains).filter((seen) => seen.seq < bounced);
  return lookedAgain.length > 0
    ? {
        status: 'unmet',
        actual: 'bounced at once, though a new policy was looked for',
        because: [...seqs(lookedAgain), bounced],
        requirement: '8461-5-transient',
      }
    : {
        status: 'unmet',
        actual: 'bounced without looking for a new policy',
        because: [bounced],
        requirement: '8461-5-recheck-before-bounce',
      };
}
