/**
 * RFC 8461 §4, §5: under `enforce`, no delivery to a host that fails the policy; the message stays queued.
 *
 * Silence is never a pass. `enforced` needs proof that this sender holds this policy (fetched whole, over authenticated HTTPS, in this
 * scenario), that it came to the faulty hop (it asked for the MX or connected), and that the message is still queued.
 */

import { z } from 'zod';
import { isPermittedMx } from '../protocol/mx-match.ts';
import { exposedBy, ofKind, outcomeOf, policyFetches, seqs, type StepView, stsLookups } from '../model/evidence.ts';
import type { Expectation, Judgement } from '../model/verdict.ts';
import { inTurn } from './per-message.ts';

export const expectation: Expectation = {
  summary: 'the policy was enforced: nothing exposed, the message deferred and still queued',
  options: z.strictObject({}),
  negativeControl: true,
  describe: () => 'deferred, nothing exposed',
  judge(view) {
    const exposed = exposedBy(view.now, (mx) => isPermittedMx(view.permittedMx, mx));
    if (exposed.exposure !== 'none') return judgeExposure(view, exposed.exposure, seqs(exposed.because));
    return inTurn(view, (token) => judgeMessage(view, token));
  },
};

/** A leak is a broken MUST only when the sender held the policy, or claims MTA-STS and never asked for it. */
function judgeExposure(view: StepView, exposure: 'envelope' | 'content', because: readonly number[]): Judgement {
  const arrived = view.tokens.map((token) => outcomeOf(view.now, token)).find((outcome) => outcome.kind === 'delivered');
  const where = arrived?.kind === 'delivered' ? ` and delivered ${arrived.accepted.secure ? 'over TLS that identifies nobody' : 'in clear'} through ${arrived.accepted.mx}` : '';
  const what = `${exposure === 'content' ? 'content' : 'only the envelope was'} exposed${where}`;
  const fetches = policyFetches(view.history);
  const lookups = stsLookups(view.history);
  if (fetches.length > 0) return { status: 'unmet', actual: what, because: [...seqs(fetches.slice(-1)), ...because], harm: exposure };
  if (lookups.length === 0) return { status: 'unmet', actual: `${what}; the sender never asked for _mta-sts`, because, harm: exposure };
  return { status: 'undecided', actual: `${what}, but the sender never got the policy: does it trust the lab's authority?`, because };
}

function judgeMessage(view: StepView, token: string): Judgement {
  const outcome = outcomeOf(view.now, token);
  const fetches = policyFetches(view.history);
  const reached = view.now.filter((seen) => seen.kind === 'smtp-connection' || (seen.kind === 'dns-query' && seen.type === 'MX'));
  if (outcome.kind === 'delivered') {
    return { status: 'undecided', actual: `delivered through ${outcome.accepted.mx} with nothing exposed: the attack did not bite`, because: [outcome.accepted.seq] };
  }
  if (outcome.kind === 'pending') return { status: 'undecided', actual: 'nothing exposed, but the sender did not say what became of the message', because: [] };
  if (fetches.length === 0) return { status: 'undecided', actual: 'nothing exposed, but no proof that the sender holds the policy', because: [] };
  if (reached.length === 0) return { status: 'undecided', actual: 'nothing exposed, but the sender never came near the MX', because: [] };
  if (outcome.kind === 'bounced') return judgeBounce(view, outcome.by.seq);
  return { status: 'met', actual: 'deferred, nothing exposed', because: [fetches.at(-1)!.seq, reached.at(-1)!.seq, outcome.by.seq] };
}

/** RFC 8461 §5: a policy failure should be transient, and must not be permanent before a new policy was looked for. */
function judgeBounce(view: StepView, bounced: number): Judgement {
  const lookedAgain = stsLookups(ofKind(view.now, 'dns-query')).filter((seen) => seen.seq < bounced);
  return lookedAgain.length > 0
    ? { status: 'unmet', actual: 'bounced at once, though a new policy was looked for', because: [...seqs(lookedAgain), bounced], requirement: '8461-5-transient' }
    : { status: 'unmet', actual: 'bounced without looking for a new policy', because: [bounced], requirement: '8461-5-recheck-before-bounce' };
}
