/**
 * For expectations that are about each message of a step: the first judgement that is not `met`
 * speaks for all.
 */

import type { StepView } from '../model/evidence.ts';
import type { Judgement } from '../model/verdict.ts';

export function inTurn(view: StepView, judge: (token: string) => Judgement): Judgement {
  if (view.tokens.length === 0)
    return { status: 'undecided', actual: 'no message was under way', because: [] };
  const judgements = view.tokens.map(judge);
  const worst =
    judgements.find((one) => one.status === 'unmet') ??
    judgements.find((one) => one.status !== 'met');
  return worst ?? { ...judgements[0]!, because: judgements.flatMap((one) => one.because) };
}
