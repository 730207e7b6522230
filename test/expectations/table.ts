/**
 * The verb that the tables share: what an expectation says of hand-made evidence, as `[status, a
 * story, the evidence, options]`.
 */

import { expect, test } from 'vitest';
import type { DomainSpec } from '../../harness/model/scenario.ts';
import type { Capability } from '../../harness/model/sender.ts';
import type { Judgement } from '../../harness/model/verdict.ts';
import { type EvidenceBuilder, evidence, judged } from '../evidence.ts';

interface More {
  readonly options?: object;
  readonly capabilities?: readonly Capability[];
  /** Of the scenario's domain, what is otherwise than by default. */
  readonly domain?: Partial<DomainSpec>;
  readonly actual?: RegExp;
  readonly harm?: Judgement['harm'] | 'none';
  /** `own`: that of the expectation or of the scenario, no other. */
  readonly requirement?: string;
  /** No more than a warning. */
  readonly isMinor?: boolean;
  /** Why the policy that was broken may not have counted. */
  readonly doubt?: RegExp;
}
type Row = readonly [
  status: Judgement['status'],
  story: string,
  made: EvidenceBuilder,
  more?: More,
];

export function says(name: string, rows: readonly Row[]): void {
  for (const [
    status,
    story,
    made,
    { options, capabilities, domain, actual, harm, requirement, isMinor, doubt } = {},
  ] of rows) {
    test(`${status}: ${story}`, () => {
      const judgement = judged(name, made, options, capabilities, domain);
      expect(judgement).toMatchObject({
        status,
        ...(actual && { actual: expect.stringMatching(actual) }),
      });
      if (harm) expect(judgement.harm ?? 'none').toBe(harm);
      if (isMinor !== undefined) expect(judgement.isMinor).toBe(isMinor);
      if (doubt) expect(judgement.doubt).toMatch(doubt);
      if (requirement) expect(judgement.requirement ?? 'own').toBe(requirement);
      for (const seq of judgement.because) expect(made.observations[seq - 1]?.seq).toBe(seq);
    });
  }
}

/** Step 1 after a prime step, its message submitted. */
export const attacked = () => evidence().primed().step(1).submit();
/** Step 0 at a domain never seen before, its message submitted. */
export const cold = () => evidence().step(0).submit();
