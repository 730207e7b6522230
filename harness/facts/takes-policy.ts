/**
 * Whether it takes a policy of which the RFC does not say, by what happens to mail that such a
 * policy would hold back.
 */

import { outcomeIn, outcomeUnprotected } from '../model/evidence.ts';
import { policyFetches, stsLookups } from '../model/held-policy.ts';
import { seqs } from '../model/traffic.ts';
import type { Fact } from '../model/verdict.ts';

export const fact: Fact = {
  summary: 'whether it takes a policy that the RFC is not clear about',
  observe(view) {
    const [token] = view.tokens;
    const outcome = token === undefined ? undefined : outcomeIn(view, token);
    const looked = stsLookups(view.history, view.domains);
    const fetched = policyFetches(view.history, view.domains);
    if (looked.length === 0 || outcome === undefined) return undefined;
    // What came beside the delivery (RFC 8461 §5.1) may be applied to the next one.
    if (fetched.length > 0 && fetched.every(({ step }) => step === view.index)) return undefined;
    if (outcome.kind === 'delivered')
      return {
        seen: fetched.length > 0 ? 'fetched, and not applied' : 'not fetched, and not applied',
        because: [...seqs([...looked, ...fetched]), outcome.accepted.seq],
      };
    // What is held back without a policy too says nothing of policies.
    const isFree = outcomeUnprotected(view) === 'delivered';
    if (outcome.kind !== 'deferred' || fetched.length === 0 || !isFree) return undefined;
    return { seen: 'applied', because: [...seqs(fetched), outcome.by.seq] };
  },
};
