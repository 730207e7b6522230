/**
 * A suite whose results are kept, with their evidence, for tests that look into it.
 */

import type { TrialResult } from '../harness/model/reporter.ts';
import { runSuite, type SuiteOptions } from '../harness/run/suite.ts';

/** As runSuite; its results in the order in which they came. */
export async function resultsOf(options: Omit<SuiteOptions, 'onResult'>): Promise<TrialResult[]> {
  const results: TrialResult[] = [];
  await runSuite({ ...options, onResult: (result) => void results.push(result) });
  return results;
}
