/**
 * Whether it fetches a policy again before that expires, with no mail to ask for it (RFC 8461 §3.3,
 * §10.2: daily, a SHOULD). A sender does so at hours of its own, which no lab can bring about: that
 * it was not seen is no fault.
 */

import { policyFetches } from '../model/held-policy.ts';
import { ofKind, seqs } from '../model/traffic.ts';
import type { Fact } from '../model/verdict.ts';

export const fact: Fact = {
  summary: 'whether it refreshes a policy before that expires, without mail',
  point: 'A policy that gets older without mail (RFC 8461 §3.3)',
  observe({ history, index, domains }) {
    const earlier = history.filter(({ step }) => step < index);
    const last = ofKind(earlier, 'message-submitted').at(-1);
    const aged = ofKind(earlier, 'time-advanced').filter(
      ({ step }) => step > (last?.step ?? index),
    );
    if (!last || aged.length === 0) return undefined;
    const refreshed = policyFetches(earlier, domains).filter(({ step }) => step > last.step);
    return refreshed.length > 0
      ? { seen: 'fetched again before it expired', because: seqs(refreshed) }
      : { seen: 'not seen to be fetched again', because: seqs(aged) };
  },
};
