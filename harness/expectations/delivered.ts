/**
 * Every message of the step arrived at the honest exchanger, over the channel that was asked for.
 */

import { z } from 'zod';
import { attemptBegan, boundBy, isDaneAuthenticated } from '../model/breaches.ts';
import { exchangersOf } from '../model/changes.ts';
import {
  isDnsAnswer,
  isEnforced,
  isRefusedUnprotected,
  looksBefore,
  type Outcome,
  outcomeIn,
  policyDomains,
  type StepView,
} from '../model/evidence.ts';
import {
  forbids,
  type HeldPolicy,
  heldPolicy,
  policyFetches,
  senderSeconds,
  stsLookups,
} from '../model/held-policy.ts';
import type { Observation } from '../model/observation.ts';
import { announcedId } from '../model/offered-policy.ts';
import { VICTIM } from '../model/plan.ts';
import { WITHOUT_MAIL } from '../model/scenario.ts';
import { isBefore, ofKind, type Seen, transactionOf } from '../model/traffic.ts';
import type { Expectation, Judgement } from '../model/verdict.ts';
import { plainName } from '../model/zone.ts';
import { isPermittedMx } from '../protocol/mx-match.ts';
import { parseStsPolicyLeniently } from '../protocol/sts-policy.ts';
import { inTurn } from './per-message.ts';

const CHANNELS = ['any', 'plain', 'tls', 'authenticated', 'dane'] as const;
type Channel = (typeof CHANNELS)[number];

const options = z.strictObject({
  channel: z
    .enum(CHANNELS)
    .default('any')
    .describe(
      'plain: in clear · tls: any TLS · authenticated: TLS with a certificate that identifies an MX that the policy lists · dane: TLS that a TLSA record vouches for',
    ),
  mx: z.string().optional().describe('the MX host it must have arrived through'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'every message arrived at the honest exchanger',
  options,
  shorthand: 'channel',
  hosts: ['mx'],
  example: '- delivered: { channel: authenticated, mx: mx2.victim.test }',
  needsUnprotected: true,
  cites: () => [
    '5321-4.5.4.1-queue',
    '5321-5.1-each-address',
    '8461-3.1-dns-error',
    '8461-3.2-cache-up-to-max-age',
    '8461-4-check-all',
    '8461-5-transient',
  ],
  describe: ({ channel, mx }) => `delivered${overChannel[channel]}${mx ? ` through ${mx}` : ''}`,
  judge: (view, wanted) => inTurn(view, (token) => judgeMessage(view, token, wanted)),
};

const overChannel: Readonly<Record<Channel, string>> = {
  any: '',
  plain: ' in clear',
  tls: ' over TLS',
  authenticated: ' over authenticated TLS',
  dane: ' over TLS that a TLSA record vouches for',
};

function judgeMessage(
  view: StepView,
  token: string,
  { channel, mx }: z.output<typeof options>,
): Judgement {
  const outcome = outcomeIn(view, token);
  if (outcome.kind === 'pending')
    return {
      status: 'undecided',
      actual: 'nothing was seen of the message before the wait was over',
      because: [],
    };
  if (outcome.kind !== 'delivered') return judgeRefusal(view, token, outcome);
  const { accepted } = outcome;
  const seen = channelOf(accepted);
  const actual = `delivered${overChannel[seen]} through ${accepted.mx}`;
  const [domain = ''] = policyDomains(view.history, [token]);
  const { connection } = accepted;
  const alone = { connection, after: accepted, parts: [] };
  const transaction = transactionOf(view.history, accepted) ?? alone;
  const began = attemptBegan(view.history, transaction, { named: [token] });
  const held = [began.earliest, began.latest, accepted].flatMap(
    (when) => heldPolicy(view.history, domain, when) ?? [],
  );
  const against = boundBy(view.history, domain, began, accepted);
  const unmet = { status: 'unmet', actual } as const;
  if (channel === 'dane' && !isDaneAuthenticated(view.history, domain, accepted))
    return { ...unmet, because: [accepted.seq] };
  if (!satisfies(seen, channel)) {
    // Without a policy the sender owes nobody an authenticated channel: nothing is called exposed.
    if (channel !== 'authenticated' || !against) return { ...unmet, because: [accepted.seq] };
    const harm = accepted.secure || against.doubt !== undefined ? 'content' : 'clear';
    return { ...unmet, because: [against.basis.seq, accepted.seq], harm, doubt: against.doubt };
  }
  if (channel === 'authenticated' && !isListed(view, held, accepted))
    return {
      ...unmet,
      actual: `${actual}, which the policy does not list`,
      because: [...(against ? [against.basis.seq] : []), accepted.seq],
      ...(against ? { harm: 'content', doubt: against.doubt } : {}),
      requirement: '8461-4-check-all',
    };
  if (mx !== undefined && view.qualified(mx).toLowerCase() !== accepted.mx.toLowerCase())
    return { ...unmet, because: [accepted.seq] };
  return { status: 'met', actual, because: [accepted.seq] };
}

/** Deferred or bounced, where it had to be delivered. */
function judgeRefusal(
  view: StepView,
  token: string,
  outcome: Extract<Outcome, { kind: 'deferred' | 'bounced' }>,
): Judgement {
  const isSilent = outcome.by.kind === 'queue-listed';
  if (isSilent && ofKind(view.now, 'dns-query').at(-1)?.answer === 'dropped')
    return {
      status: 'undecided',
      actual: 'still queued when the wait was over, and the name server has not answered',
      because: [outcome.by.seq],
    };
  const renewed = outcome.kind === 'deferred' && renewedByItself(view, outcome.by);
  if (renewed)
    return {
      status: 'unobserved',
      actual:
        'deferred: the sender had renewed its policy as time passed, and that names no host of these',
      because: [renewed.fetch.seq, outcome.by.seq],
    };
  const words = outcome.by.kind === 'sender-status' ? `: ${outcome.by.detail}` : '';
  const actual = `${outcome.kind}${words}`;
  const because = [outcome.by.seq];
  const hosts = view.stage.plan ? exchangersOf(view.stage.plan.dns, VICTIM) : [];
  if (outcome.kind === 'deferred' && isRefusedUnprotected(view))
    return {
      status: 'unmet',
      actual: `${actual}; ${view.stage.policy.mode === 'absent' ? 'no policy asks for that' : 'without a policy as well'}: a strictness of its own`,
      because,
      strictness: true,
    };
  if (outcome.kind === 'deferred') {
    const requirement = waitedFor(view, token, outcome.by);
    return { status: 'unmet', actual, because, ...(requirement && { requirement }) };
  }
  // What was broken where it was given up was judged there.
  if (outcome.by.step < view.index && isEnforced(view, token, outcome.by))
    return { status: 'unmet', known: true, actual, because, requirement: '8461-5-transient' };
  // RFC 8461 §5: who holds it to be a failure of the policy should have waited, and no more.
  if (isForbidden(view, token, outcome.by) && looksBefore(view, outcome.by).length > 0)
    return { status: 'unmet', known: true, actual, because };
  const requirement = hosts.length > 1 ? '5321-5.1-each-address' : '5321-4.5.4.1-queue';
  return { status: 'unmet', actual, because, harm: 'returned', requirement };
}

/**
 * What a sender went by that kept a message where no policy does: a look-up of the record that failed
 * (RFC 8461 §3.1), or a policy whose max_age it counts from when it last found the same id (§3.2).
 */
function waitedFor(view: StepView, token: string, sign: Observation): string | undefined {
  const [domain = ''] = policyDomains(view.history, [token]);
  if (heldPolicy(view.history, domain, sign)) return undefined;
  const lookups = stsLookups(view.history, [domain]).filter((seen) => isBefore(seen, sign));
  const last = lookups.findLast(({ step }) => step === view.index);
  if (last && !isDnsAnswer(last.answer)) return '8461-3.1-dns-error';
  const fetch = policyFetches(view.history, [domain]).findLast((seen) => isBefore(seen, sign));
  const expired = fetch && heldPolicy(view.history, domain, { at: fetch.at + 1 });
  if (!expired) return undefined;
  const isSameId = ({ step }: Observation) => idIn(view, step) === idIn(view, fetch.step);
  const found = lookups.findLast(
    (seen) => seen.step < view.index && /^NOERROR [1-9]/.test(seen.answer) && isSameId(seen),
  );
  return found && senderSeconds(view.history, found, sign) < expired.policy.maxAgeSeconds
    ? '8461-3.2-cache-up-to-max-age'
    : undefined;
}

/**
 * A policy that the sender holds, or may hold by a reading of its own or from a host that it should not have
 * believed, forbids every host that there is.
 */
function isForbidden(view: StepView, token: string, sign: Observation): boolean {
  const { plan } = view.stage;
  const hosts = plan ? exchangersOf(plan.dns, VICTIM).map((mx) => view.qualified(mx)) : [];
  return policyDomains(view.history, [token]).some((domain) => {
    const served = ofKind(view.history, 'policy-request').findLast(
      (seen) => isBefore(seen, sign) && plainName(seen.host) === `mta-sts.${domain}`,
    );
    const read = parseStsPolicyLeniently(served?.body ?? '');
    const held = heldPolicy(view.history, domain, sign);
    const policies = [...(read.ok ? [read.value] : []), ...(held ? [held.policy] : [])];
    return policies.some(
      (policy) =>
        hosts.length > 0 && hosts.every((mx) => forbids({ policy }, { mx, authenticated: true })),
    );
  });
}

/** The id that the domain announced in this step: in one that arranges nothing, what it announced before. */
function idIn({ trial }: StepView, step: number): string | undefined {
  const arranged = trial.scenario.stages.slice(0, step + 1).findLast(({ plan }) => plan);
  return arranged?.plan && announcedId(arranged.plan, VICTIM);
}

/**
 * The policy that it holds, where it has fetched it anew as time passed (RFC 8461 §10.2), no record tells
 * of another, and it forbids every host that there is.
 */
function renewedByItself(view: StepView, sign: Observation): HeldPolicy | undefined {
  const { plan } = view.stage;
  const [domain = ''] = view.domains;
  const held = heldPolicy(view.history, domain, sign);
  const { stages } = view.trial.scenario;
  const kind = stages[held?.fetch.step ?? -1]?.step.kind;
  if (!plan || !held || !kind || !WITHOUT_MAIL.includes(kind)) return undefined;
  if (announcedId(plan, VICTIM) !== undefined) return undefined;
  const hosts = exchangersOf(plan.dns, VICTIM).map((mx) => view.qualified(mx));
  return hosts.every((mx) => forbids(held, { mx, authenticated: true })) ? held : undefined;
}

/** By the policy that the sender held, or, if it held none, by the one that is published. */
function isListed(
  view: StepView,
  held: readonly HeldPolicy[],
  { mx }: Seen<'message-accepted'>,
): boolean {
  const { mode } = view.stage.policy;
  if (held.length > 0)
    return held.some(({ policy }) => policy.mode === 'none' || isPermittedMx(policy.mx, mx));
  return mode === 'absent' || mode === 'none' || isPermittedMx(view.permittedMx, mx);
}

function channelOf(accepted: Seen<'message-accepted'>): Channel {
  if (!accepted.secure) return 'plain';
  return accepted.authenticated ? 'authenticated' : 'tls';
}

function satisfies(seen: Channel, wanted: Channel): boolean {
  if (wanted === 'any' || wanted === 'dane') return true;
  return seen === wanted || (wanted === 'tls' && seen === 'authenticated');
}
