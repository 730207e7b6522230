/** RFC 8461 §3.1: with no usable record the HTTPS request is skipped. */

import { z } from 'zod';
import { stsLookups } from '../model/held-policy.ts';
import { ofKind, seqs } from '../model/traffic.ts';
import type { Expectation } from '../model/verdict.ts';
import { counted } from '../protocol/printable.ts';

export const expectation: Expectation = {
  summary: 'no policy was asked for in this step, though the record was looked up',
  options: z.strictObject({}),
  example: '- policy-not-fetched',
  requirement: '8461-3.1-no-fetch-without-txt',
  describe: () => 'record looked up, policy not asked for',
  judge(view) {
    const requests = ofKind(view.now, 'policy-request');
    const lookups = stsLookups(view.now, view.domains);
    if (requests.length > 0)
      return {
        status: 'unmet',
        actual: `${counted(requests.length, 'request')} to the policy host`,
        because: seqs(requests),
      };
    if (lookups.length === 0)
      return { status: 'undecided', actual: 'the record was never looked up', because: [] };
    return {
      status: 'met',
      actual: 'record looked up, policy not asked for',
      because: seqs(lookups),
    };
  },
};
