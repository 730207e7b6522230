/**
 * For expectations that are about each message of a step: the worst judgement that is not `met`
 * speaks for all, the first of those that are as bad.
 */

import type { StepView } from '../model/evidence.ts';
import { returnedUncalled } from '../model/requiretls.ts';
import type { Judgement } from '../model/verdict.ts';

export function inTurn(view: StepView, judge: (token: string) => Judgement): Judgement {
  if (view.tokens.length === 0)
    return { status: 'undecided', actual: 'no message was under way', because: [] };
  const judgements = view.tokens.map(judge);
  const unmet = judgements.filter((one) => one.status === 'unmet');
  const [worst] = unmet.sort((a, b) => badness(b) - badness(a));
  const worse = worst ?? judgements.find((one) => one.status !== 'met');
  return worse ?? { ...judgements[0]!, because: judgements.flatMap((one) => one.because) };
}

/** In the order of the grades that they lead to (judge/grade.ts). */
function badness({ harm, strictness, isMinor, doubt }: Judgement): number {
  if (harm === 'clear' || harm === 'mail-lost') return 4;
  if (strictness || isMinor || doubt !== undefined) return 0;
  if (harm === 'envelope') return 1;
  return harm === undefined ? 2 : 3;
}

/** Of a message that asks for REQUIRETLS: it came to nobody, and RFC 8689 lets that be. */
export function notTried(view: StepView, token: string): Judgement | undefined {
  const sign = returnedUncalled(view, token);
  return (
    sign && {
      status: 'unobserved',
      actual: 'returned, and no host was called: what vouches for them was too little to it',
      because: [sign.seq],
    }
  );
}
