/**
 * What pins prove: which scenario finds which requirement broken, by which faults. A scenario has to
 * be pinned for each requirement that it names, where any fault breaks it there.
 */

import type { Proof } from '../../harness/coverage/coverage.ts';
import type { Scenario } from '../../harness/model/scenario.ts';
import type { Result } from './farm.ts';
import type { Pin } from './pins.ts';

/** What the pins prove, in the order of ids: scenarios/proofs.json. */
export function proofsOf(pins: readonly Pin[]): Proof[] {
  const shown = pins.flatMap(({ fault, scenario, requirement, also = [] }) =>
    [requirement, ...also].map((id) => ({ requirement: id, scenario, fault })),
  );
  return [...Map.groupBy(shown, ({ requirement, scenario }) => `${requirement} ${scenario}`)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, own]) => {
      const { requirement, scenario } = own[0]!;
      return { requirement, scenario, faults: [...new Set(own.map(({ fault }) => fault))].sort() };
    });
}

/** A scenario that names a requirement, and no pin proves that it finds it broken. */
export interface Unproved {
  readonly scenario: string;
  readonly requirement: string;
}

export function unproved(
  pins: readonly Pin[],
  scenarios: readonly Pick<Scenario, 'id' | 'requirements'>[],
): Unproved[] {
  const proved = new Set(proofsOf(pins).map((one) => `${one.requirement} ${one.scenario}`));
  return scenarios.flatMap(({ id, requirements }) =>
    requirements
      .filter((requirement) => !proved.has(`${requirement} ${id}`))
      .map((requirement) => ({ scenario: id, requirement })),
  );
}

/** A fault alone, and what it came to. */
interface Tried {
  readonly fault: string;
  readonly result: Pick<Result, 'scenario' | 'grade' | 'requirement' | 'broken'>;
}

/** Worth trying: the faults that break the requirement in other scenarios. */
export function worthTrying(
  open: readonly Unproved[],
  breaks: readonly { readonly fault: string; readonly requirement: string }[],
): Pick<Pin, 'fault' | 'scenario' | 'under'>[] {
  const byRequirement = Map.groupBy(breaks, ({ requirement }) => requirement);
  const wanted = open.flatMap(({ scenario, requirement }) =>
    (byRequirement.get(requirement) ?? []).map(({ fault }) => `${fault} ${scenario}`),
  );
  return [...new Set(wanted)].map((one) => {
    const [fault, scenario] = one.split(' ') as [string, string];
    return { fault, scenario, under: [''] };
  });
}

/** The fewest pins that prove what is open, where that can be. */
export function provingPins(open: readonly Unproved[], tried: readonly Tried[]): Pin[] {
  return [...Map.groupBy(open, ({ scenario }) => scenario)].flatMap(([scenario, own]) => {
    const wanted = new Set(own.map(({ requirement }) => requirement));
    const trials = tried.filter(({ result }) => result.scenario === scenario);
    const pins: Pin[] = [];
    for (;;) {
      const gain = ({ result }: Tried) => result.broken.filter((id) => wanted.has(id)).length;
      const [best] = trials.toSorted((a, b) => gain(b) - gain(a));
      if (!best || gain(best) === 0) return pins;
      const { grade, requirement, broken } = best.result;
      const also = [...new Set(broken)].filter((id) => wanted.has(id) && id !== requirement);
      const shown = also.length > 0 ? { also } : {};
      pins.push({ fault: best.fault, scenario, grade, requirement, ...shown, under: [''] });
      for (const id of broken) wanted.delete(id);
    }
  });
}
