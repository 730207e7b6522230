/** RFC 8461 §3.3: the policy was got in this step: a GET over HTTPS to a host that proved its name, answered 200 in full. */

import { z } from 'zod';
import { policyFetches, seqs, stsLookups } from '../model/evidence.ts';
import type { Expectation } from '../model/verdict.ts';

export const expectation: Expectation = {
  summary: 'the policy was fetched in this step',
  options: z.strictObject({}),
  describe: () => 'policy fetched',
  judge(view) {
    const fetches = policyFetches(view.now);
    const lookups = stsLookups(view.now);
    if (fetches.length > 0) return { status: 'met', actual: 'policy fetched', because: seqs(fetches) };
    const actual = lookups.length > 0 ? 'the TXT record was asked for, the policy was not fetched' : 'neither the TXT record nor the policy was asked for';
    return { status: 'unmet', actual, because: seqs(lookups) };
  },
};
