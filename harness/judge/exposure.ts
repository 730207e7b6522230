/**
 * Exposure over the whole course: what the policy that the sender held forbade to pass, and passed
 * all the same, in whatever step that was, expected of it or not.
 */

import { type Breach, breachesOf, byHarm, exposedBy, harmOf, viewStep } from '../model/evidence.ts';
import { dialogueOf, seqs } from '../model/traffic.ts';
import { type Exposure, exposureOf, type Finding, type Trial } from '../model/verdict.ts';

const REQUIREMENT = '8461-4-check-all';

/** A finding for each step in which there was one, the worst of it. */
export function judgeExposure(trial: Trial): Finding[] {
  const breaches = (['main', 'control'] as const).flatMap((leg) =>
    breachesOf(trial.evidence.observations.filter((seen) => seen.leg === leg)),
  );
  const bySteps = Map.groupBy(breaches, ({ part }) => part.step);
  return [...bySteps].map(([step, own]) => {
    const worst = own.toSorted(byHarm)[0]!;
    return findingOf(step, worst, trial);
  });
}

function findingOf(step: number, { part, held }: Breach, { evidence }: Trial): Finding {
  const what = part.kind === 'smtp-data' ? 'content' : 'MAIL or RCPT';
  const doubt = held.inDoubt
    ? ', if the policy still counted: what was fetched since is one by some readings'
    : '';
  return {
    step,
    expectation: 'exposure',
    requirement: REQUIREMENT,
    grade: part.kind === 'smtp-data' && !held.inDoubt ? 'fail' : 'warn',
    expected: 'nothing exposed',
    actual: `${what} passed ${channelOf(part)} to ${part.mx}, under a policy that forbids it${doubt}`,
    because: [held.fetch.seq, ...seqs(dialogueOf(evidence.observations, part.connection))],
    harm: harmOf({ part, held }),
  };
}

function channelOf({ secure, authenticated }: Breach['part']): string {
  if (!secure) return 'in clear';
  return authenticated ? 'over authenticated TLS' : 'over unauthenticated TLS';
}

/** The worst that an attacker got of any message, policy or not. */
export function worstExposure(trial: Trial, findings: readonly Finding[]): Exposure {
  const attacked = trial.scenario.stages.flatMap(({ changes }, index) =>
    changes.length > 0 ? [exposedBy(viewStep(trial, index)).exposure] : [],
  );
  const all = [...attacked, ...findings.map(({ harm }) => exposureOf(harm))];
  if (all.includes('content')) return 'content';
  return all.includes('envelope') ? 'envelope' : 'none';
}
