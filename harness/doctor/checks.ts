/**
 * All checks, in the order in which they are made: what proves least comes first, so that the first
 * fault is the one to mend first.
 */

import type { Check } from './check.ts';
import { HONEST_CHECKS } from './honest-checks.ts';
import { LASTING_CHECKS } from './lasting-checks.ts';
import { QUEUE_CHECKS } from './queue-checks.ts';
import { REPORT_CHECKS } from './report-checks.ts';

export const CHECKS: readonly Check[] = [
  HONEST_CHECKS,
  QUEUE_CHECKS,
  REPORT_CHECKS,
  LASTING_CHECKS,
].flatMap((checks): Check[] => Object.values(checks));
