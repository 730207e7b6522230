/**
 * Attack: a named, pure change of the plan. It opens no socket; two attacks compose because
 * functions compose.
 */

import type { LabPlan } from './plan.ts';
import type { OptionSchema } from './verdict.ts';

/** One file each in attacks/; the file name is the name in YAML. */
export interface Attack<O = any> {
  /** One sentence on what the attacker does. */
  readonly summary: string;
  readonly options: OptionSchema<O>;
  /** A bare scalar in YAML is this option. */
  readonly shorthand?: string;
  /** As a list item of `under` in YAML, for the documentation and a test of it. */
  readonly example: string;
  /** May throw PlanError when the plan lacks what the options name. */
  apply(plan: LabPlan, options: O): LabPlan;
}
