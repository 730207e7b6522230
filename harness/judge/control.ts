/**
 * The positive control: an honest world, in which the message must arrive over authenticated TLS
 * and, for a scenario about MTA-STS, the policy must have been fetched. Without it a sender that
 * resolves nothing and trusts nobody would pass every attack.
 */

import { isDaneAuthenticated } from '../model/breaches.ts';
import { inLeg, type Outcome, outcomeOf, policyDomains } from '../model/evidence.ts';
import { policyFetches, stsLookups } from '../model/held-policy.ts';
import type { Leg, Observation } from '../model/observation.ts';
import { ofKind, type Seen, seqs } from '../model/traffic.ts';
import type { Finding, Grade, Trial } from '../model/verdict.ts';

export function judgeControl(trial: Trial, index: number, leg: Leg): Finding {
  const now = inLeg(trial.evidence.observations, leg, index);
  const started = ofKind(now, 'step-started').at(-1);
  const aboutSts = trial.scenario.needs.includes('mta-sts') && started?.policy.mode !== 'absent';
  const tokens = ofKind(now, 'message-submitted').map((seen) => seen.token);
  const outcome = tokens[0] === undefined ? undefined : outcomeOf(now, tokens[0]);
  const domains = policyDomains(now, tokens);
  const requirement = aboutSts ? '8461-5.1-cold-fetch' : trial.scenario.requirements[0]!;
  const say = (grade: Grade, actual: string, because: readonly number[]): Finding => ({
    step: index,
    expectation: 'control',
    requirement,
    expected: `honest delivery${aboutSts ? ' over authenticated TLS, policy fetched' : ''}`,
    grade,
    actual,
    because,
  });

  if (outcome?.kind !== 'delivered') {
    const refusal = refusedHandshake(now, 'mx');
    const words = `the honest message was not delivered (${outcome?.kind ?? 'never sent'}${saidOf(outcome)})`;
    const because = [...seqs(refusal), ...(outcome && 'by' in outcome ? [outcome.by.seq] : [])];
    return say('inconclusive', words + trustQuestion(refusal), because);
  }
  const { accepted } = outcome;
  // RFC 8461 §5.1 lets a sender look beside the delivery: late is not never.
  const late = trial.evidence.observations.filter((seen) => seen.leg === leg);
  // RFC 8461 §2: a policy saves nothing that DANE forbids. Who goes by DANE alone there needs none.
  if (domains.some((domain) => isDaneAuthenticated(late, domain, accepted)))
    return say('pass', 'delivered under DANE', [accepted.seq]);
  if (aboutSts && stsLookups(late, domains).length === 0)
    return say('fail', 'the sender declares MTA-STS and never asked for _mta-sts', [accepted.seq]);
  const fetched = policyFetches(now, domains);
  if (aboutSts && fetched.length === 0) {
    const refusal = refusedHandshake(now, 'policy-host');
    const words = 'the TXT record was asked for, but the policy was never got';
    return say('inconclusive', words + trustQuestion(refusal), [...seqs(refusal), accepted.seq]);
  }
  // RFC 8461 §5: under none, mail goes as if there were no policy.
  if (aboutSts && started?.policy.mode !== 'none' && !accepted.authenticated) {
    const refusal = refusedHandshake(now, 'mx');
    const how = accepted.secure ? 'over unauthenticated TLS' : 'in clear';
    return say('inconclusive', `the honest message was delivered ${how}${trustQuestion(refusal)}`, [
      ...seqs(refusal),
      accepted.seq,
    ]);
  }
  return say('pass', 'delivered', [...seqs(fetched), accepted.seq]);
}

/** Handshakes with a right certificate that the sender broke off. */
function refusedHandshake(
  observations: readonly Observation[],
  service: 'mx' | 'policy-host',
): Seen<'tls-handshake'>[] {
  return ofKind(observations, 'tls-handshake').filter(
    (seen) => seen.service === service && seen.result === 'failed' && seen.authenticated,
  );
}

/** Only where the sender's own alert, or its going in the middle of a handshake, asks it. */
function trustQuestion([refusal]: readonly Seen<'tls-handshake'>[]): string {
  return refusal
    ? `; it refused a right certificate (${refusal.reason ?? 'without a word'}): does it trust the lab's authority?`
    : '';
}

function saidOf(outcome: Outcome | undefined): string {
  return outcome && 'by' in outcome && outcome.by.kind === 'sender-status'
    ? `: ${outcome.by.detail}`
    : '';
}
