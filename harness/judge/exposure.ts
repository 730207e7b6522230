/**
 * Exposure over the whole course: what the policy that the sender held, or REQUIRETLS, forbade to
 * pass, and passed all the same, in whatever step that was, expected of it or not.
 */

import { type Breach, breachesOf, byHarm, exposedBy, harmOf } from '../model/breaches.ts';
import type { StepView } from '../model/evidence.ts';
import { lapsesOf, worstLapse } from '../model/requiretls.ts';
import { dialogueOf, seqs } from '../model/traffic.ts';
import { type Exposure, exposureOf, type Finding, type Trial } from '../model/verdict.ts';

const LEGS = ['main', 'control', 'reporting'] as const;

/**
 * A finding for each step in which there was one, the worst that is not told already, by policy and by
 * REQUIRETLS.
 */
export function judgeExposure(trial: Trial, isTold: (finding: Finding) => boolean): Finding[] {
  return [
    ...againstPolicies(trial, isTold),
    ...againstRequireTls(trial).filter((finding) => !isTold(finding)),
  ];
}

function againstRequireTls(trial: Trial): Finding[] {
  const lapses = LEGS.flatMap((leg) => lapsesOf(trial, leg));
  const bySteps = Map.groupBy(lapses, ({ part }) => part.step);
  return [...bySteps].flatMap(([step, own]) => {
    const { part, why, requirement, harm } = worstLapse(own)!;
    if (harm === undefined) return [];
    const what = part.kind === 'smtp-data' ? 'content' : 'the envelope';
    return {
      step,
      expectation: 'exposure',
      requirement,
      grade: harm === 'envelope' ? 'warn' : 'fail',
      expected: 'nothing exposed',
      actual: `${what} of a message that asks for REQUIRETLS passed ${why}, to ${part.mx}`,
      because: seqs(dialogueOf(trial.evidence.observations, part.connection)),
      harm,
    };
  });
}

function againstPolicies(trial: Trial, isTold: (finding: Finding) => boolean): Finding[] {
  const breaches = LEGS.flatMap((leg) =>
    breachesOf(trial.evidence.observations.filter((seen) => seen.leg === leg)),
  );
  const bySteps = Map.groupBy(breaches, ({ part }) => part.step);
  return [...bySteps].flatMap(([step, own]) => {
    const all = own.toSorted(byHarm).map((breach) => findingOf(step, breach, trial));
    return all.find((finding) => !isTold(finding)) ?? [];
  });
}

function findingOf(step: number, breach: Breach, { evidence }: Trial): Finding {
  const { part, basis, doubt, requirement } = breach;
  const what = part.kind === 'smtp-data' ? 'content' : 'the envelope';
  const against =
    basis.kind === 'dns-query' ? 'though DANE forbids it' : 'under a policy that forbids it';
  return {
    step,
    expectation: 'exposure',
    requirement,
    grade: part.kind === 'smtp-data' && doubt === undefined ? 'fail' : 'warn',
    expected: 'nothing exposed',
    actual: `${what} passed ${channelOf(part)} to ${part.mx}, ${against}${unlessCounted(doubt)}`,
    because: [basis.seq, ...seqs(dialogueOf(evidence.observations, part.connection))],
    harm: harmOf(breach),
  };
}

/** How a finding is told by which a policy was broken that may not have counted. */
export const unlessCounted = (doubt: string | undefined): string =>
  doubt === undefined ? '' : `, if that counted: ${doubt}`;

function channelOf({ secure, authenticated }: Breach['part']): string {
  if (!secure) return 'in clear';
  return authenticated ? 'over authenticated TLS' : 'over unauthenticated TLS';
}

/** The worst that an attacker got of any message, policy or not. */
export function worstExposure(views: readonly StepView[], findings: readonly Finding[]): Exposure {
  const attacked = views.flatMap((view) =>
    view.stage.changes.length > 0 ? [exposedBy(view).exposure] : [],
  );
  const all = [...attacked, ...findings.map(({ harm }) => exposureOf(harm))];
  if (all.includes('content')) return 'content';
  return all.includes('envelope') ? 'envelope' : 'none';
}
