/**
 * RFC 8461 §4, §5: under `enforce`, no delivery to a host that fails the policy; the message stays
 * queued.
 *
 * Silence is never a pass. `enforced` needs proof that this sender holds this policy (fetched
 * whole, over authenticated HTTPS, in this scenario), that it came to the faulty hop (it asked for
 * the MX or connected), and that the message is still queued.
 */

import { z } from 'zod';
import { exposedBy, harmOf, worstBreach } from '../model/breaches.ts';
import {
  comesUnprotected,
  connectionsTo,
  isLeftAlone,
  isPassedOver,
  looksBefore,
  mxLookups,
  outcomeIn,
  policyDomains,
  type StepView,
  viewStep,
} from '../model/evidence.ts';
import {
  type HeldPolicy,
  heldPolicy,
  perhapsHeld,
  policyFetches,
  stsLookups,
} from '../model/held-policy.ts';
import type { Observation } from '../model/observation.ts';
import { announcedId, offeredPolicy } from '../model/offered-policy.ts';
import { VICTIM } from '../model/plan.ts';
import { dialogueOf, isBefore, seqs } from '../model/traffic.ts';
import type { Expectation, Judgement } from '../model/verdict.ts';
import { isPermittedMx } from '../protocol/mx-match.ts';
import { inTurn } from './per-message.ts';

export const expectation: Expectation = {
  summary: 'the policy was enforced: nothing exposed, the message deferred and still queued',
  options: z.strictObject({}),
  example: '- enforced',
  needsUnprotected: true,
  cites: () => ['8461-5-transient', '8461-5-recheck-before-bounce', '8461-5.1-cold-fetch'],
  describe: () => 'deferred, nothing exposed',
  judge(view) {
    const breach = worstBreach(view);
    if (breach) {
      const harm = harmOf(breach);
      const what = harm === 'envelope' ? 'only the envelope was' : 'content';
      return {
        status: 'unmet',
        actual: `${what} exposed${arrival(view)}`,
        because: [breach.basis.seq, ...seqs(dialogueOf(view.history, breach.part.connection))],
        harm,
        doubt: breach.doubt,
        ...(breach.basis.kind === 'dns-query' && { requirement: breach.requirement }),
      };
    }
    const { exposure, because } = exposedBy(view);
    if (exposure !== 'none') return judgeUnbound(view, exposure, because);
    return inTurn(view, (token) => judgeMessage(view, token));
  },
};

/**
 * Something passed, and the sender held no policy then. That is a broken MUST only of one that
 * claims MTA-STS and does not look for a policy where it could have had one.
 */
function judgeUnbound(
  view: StepView,
  exposure: 'envelope' | 'content',
  because: readonly Observation[],
): Judgement {
  const what = `${exposure === 'content' ? 'content' : 'only the envelope was'} exposed${arrival(view)}`;
  const say = (why: string, more: readonly Observation[] = []): Judgement => ({
    status: 'undecided',
    actual: `${what}, but ${why}`,
    because: seqs([...because, ...more]),
  });
  const fetches = policyFetches(view.history, view.domains);
  // RFC 8461 §5.1: a sender may fetch the policy of a new domain beside the first delivery.
  const late = fetches.filter((fetch) => because[0] && !isBefore(fetch, because[0]));
  if (late.length > 0) return say('the policy was got only after the sender had connected', late);
  const harm = exposure === 'envelope' ? exposure : 'unheld';
  if (stsLookups(view.whole, view.domains).length === 0)
    return {
      status: 'unmet',
      actual: `${what}; the sender never asked for _mta-sts`,
      because: seqs(because),
      harm,
    };
  const chance = chanceMissed(view);
  if (chance !== undefined) {
    const [start] = viewStep(view.trial, chance).now;
    const perhaps = view.domains.flatMap(
      (domain) => (start && perhapsHeld(view.history, domain, start)) ?? [],
    );
    return {
      status: 'unmet',
      actual: `${what}; in step ${chance + 1} the policy was there to be fetched, and the sender, which held none, did not get it`,
      because: seqs(because),
      harm,
      requirement: '8461-5.1-cold-fetch',
      ...(perhaps.some(({ mode }) => mode !== 'enforce') && {
        doubt: 'what it was served before may be taken for a policy',
      }),
    };
  }
  if (fetches.length > 0)
    return say('the policy that the sender held had expired, or did not forbid it');
  return say('the sender never got the policy');
}

/**
 * The last earlier step in which an enforce policy was there for every sound sender to be got, and
 * the sender, which had mail for the domain, held none and did not get it: what it lives on is
 * nothing that it may have.
 */
function chanceMissed(view: StepView): number | undefined {
  const { stages } = view.trial.scenario;
  const last = stages.findLastIndex(
    ({ step, plan }, index) =>
      index < view.index &&
      (step.kind === 'send' || step.kind === 'prime') &&
      plan !== undefined &&
      offeredPolicy(plan, VICTIM)?.mode === 'enforce',
  );
  if (last === -1) return undefined;
  const then = viewStep(view.trial, last);
  const [start] = then.now;
  const held = then.domains.flatMap(
    (domain) => (start && heldPolicy(view.history, domain, start)) ?? [],
  );
  if (held.some((one) => isAnnounced(one, view))) return undefined;
  if (isToldOfNone(view, last)) return undefined;
  if (isLeftAlone(view, last)) return undefined;
  const isTried = [...mxLookups(then.now, then.domains), ...connectionsTo(then)].length > 0;
  const isGot = policyFetches(then.now, then.domains).length > 0;
  return isTried && !isGot ? last : undefined;
}

/** It had asked for the record just before and there was none; and it has not asked again. */
function isToldOfNone(view: StepView, last: number): boolean {
  const { history, domains } = view;
  const { stages } = view.trial.scenario;
  const since = stages.findLastIndex(
    ({ step }, index) =>
      index < last &&
      ['advance', 'wait', 'restart'].includes(step.kind) &&
      !isPassedOver(view, index),
  );
  const asked = stsLookups(history, domains).filter(({ step }) => step > since && step <= last);
  const { plan } = stages[asked.at(-1)?.step ?? last]!;
  return plan !== undefined && announcedId(plan, VICTIM) === undefined;
}

/** RFC 8461 §3.1: there was a usable record when the policy was fetched; without one it is none. */
function isAnnounced({ fetch }: HeldPolicy, { trial }: StepView): boolean {
  const { plan } = trial.scenario.stages.findLast(
    (stage, index) => index <= fetch.step && stage.plan !== undefined,
  )!;
  return announcedId(plan!, VICTIM) !== undefined;
}

/**
 * ` and delivered in clear through mx1.…`, of the first message that arrived where it should not.
 */
function arrival(view: StepView): string {
  const outcomes = view.tokens.map((token) => outcomeIn(view, token));
  const accepted = outcomes.flatMap((one) => (one.kind === 'delivered' ? [one.accepted] : []));
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

function judgeMessage(view: StepView, token: string): Judgement {
  const undecided = (actual: string, because: readonly number[] = []): Judgement => ({
    status: 'undecided',
    actual,
    because,
  });
  const outcome = outcomeIn(view, token);
  if (outcome.kind === 'delivered')
    return undecided(
      `delivered through ${outcome.accepted.mx} with nothing exposed: the attack did not bite`,
      [outcome.accepted.seq],
    );
  if (outcome.kind === 'pending')
    return undecided('nothing exposed, but the sender did not say what became of the message');
  const [domain = ''] = policyDomains(view.history, [token]);
  const held =
    heldPolicy(view.history, domain, outcome.by) ?? stalePolicy(view, domain, outcome.by);
  if (!held)
    return undecided('nothing exposed, but no proof that the sender holds the policy', [
      outcome.by.seq,
    ]);
  if (held.policy.mode !== 'enforce' && !isAnnounced(held, view))
    return {
      status: 'unmet',
      actual: `nothing exposed, but the sender holds a policy of mode ${held.policy.mode} that no record announced`,
      because: [held.fetch.seq],
      requirement: '8461-5.1-cold-fetch',
    };
  if (held.policy.mode !== 'enforce')
    return undecided(
      'nothing exposed, but the policy that the sender holds is not to be enforced',
      [held.fetch.seq],
    );
  if (outcome.kind === 'bounced') return judgeBounce(view, outcome.by);
  const lookups = mxLookups(view.now, view.domains).filter(({ answer }) => isAnswer(answer));
  const reached = [...lookups, ...connectionsTo(view)].at(-1);
  if (!reached) return undecided('nothing exposed, but the sender never came near the MX');
  if (reached.kind === 'dns-query' && !comesUnprotected(view))
    return undecided(
      'nothing exposed, but the sender connected to no MX, and nothing shows that it would have without a policy',
      [reached.seq, outcome.by.seq],
    );
  const because = [held.fetch.seq, reached.seq, outcome.by.seq];
  return { status: 'met', actual: 'deferred, nothing exposed', because };
}

/**
 * The policy that the sender got last, though it has expired, where the domain still publishes the
 * same: to hold to it is no less than what it asks for.
 */
function stalePolicy(view: StepView, domain: string, sign: Observation): HeldPolicy | undefined {
  const fetch = policyFetches(view.history, [domain]).findLast((one) => isBefore(one, sign));
  const then = fetch && view.trial.scenario.stages[fetch.step];
  if (!fetch || then?.policy.id !== view.stage.policy.id) return undefined;
  return heldPolicy(view.history, domain, { at: fetch.at + 1 });
}

/** A look-up that failed leads to no MX, and explains a deferral by itself. */
function isAnswer(answer: string): boolean {
  return /^NOERROR\b/.test(answer);
}

/**
 * RFC 8461 §5: a policy failure should be transient, and must not be permanent before a new policy
 * was looked for.
 */
function judgeBounce(view: StepView, sign: Observation): Judgement {
  const looks = looksBefore(view, sign);
  return looks.length > 0
    ? {
        status: 'unmet',
        known: true,
        actual: 'bounced at once, though a new policy was looked for',
        because: [...seqs(looks), sign.seq],
        requirement: '8461-5-transient',
      }
    : {
        status: 'unmet',
        known: true,
        actual: 'bounced without looking for a new policy in the five minutes before',
        because: [sign.seq],
        requirement: '8461-5-recheck-before-bounce',
      };
}
