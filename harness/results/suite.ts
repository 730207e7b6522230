/** What suite a run was of: two runs of the same scenarios have the same. */

import { createHash } from 'node:crypto';
import type { Scenario } from '../model/scenario.ts';

/** In hexadecimal, of what the scenarios do; their order and the place of their files are nothing to it. */
export function suiteOf(scenarios: readonly Scenario[]): string {
  const hash = createHash('sha256');
  for (const { file: _, ...scenario } of scenarios.toSorted((a, b) => (a.id < b.id ? -1 : 1)))
    hash.update(`${JSON.stringify(scenario)}\n`);
  return hash.digest('hex').slice(0, 16);
}
