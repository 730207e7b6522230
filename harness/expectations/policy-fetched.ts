/**
 * RFC 8461 §3.3: the policy was got in this step: a GET over HTTPS to a host that proved its name,
 * answered 200 in full.
 */

import { z } from 'zod';
import { keptToCache, policyFetches, seqs, stsLookups } from '../model/evidence.ts';
import type { Expectation } from '../model/verdict.ts';

export const expectation: Expectation = {
  summary: 'the policy was fetched in this step',
  options: z.strictObject({}),
  wantsPolicy: true,
  describe: () => 'policy fetched',
  judge(view) {
    const fetches = policyFetches(view.now, view.domains);
    if (fetches.length > 0)
      return { status: 'met', actual: 'policy fetched', because: seqs(fetches) };
    const lookups = stsLookups(view.now, view.domains);
    // RFC 8461 §5.1 lets a sender fetch beside the delivery, and so be late.
    const late = policyFetches(view.whole, view.domains).filter((fetch) => fetch.step > view.index);
    if (late.length > 0)
      return {
        status: 'undecided',
        actual: 'the policy was fetched only after this step',
        because: seqs([...lookups, ...late]),
      };
    const cached = keptToCache(view);
    if (cached) {
      const actual = 'the sender kept to its cached policy, and looked for no newer one';
      return {
        status: 'unmet',
        actual,
        because: [cached.seq],
        requirement: '8461-5.1-id-change-refetch',
      };
    }
    const actual =
      lookups.length > 0
        ? 'the TXT record was asked for, the policy was not fetched'
        : 'neither the TXT record nor the policy was asked for';
    return { status: 'unmet', actual, because: seqs(lookups) };
  },
};
