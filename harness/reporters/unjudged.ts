/**
 * Unjudged: senders of which nothing is known, since all that was tried on them is unsupported or not
 * met. Not a reporter.
 */

import { countShown, type Result, type RunInfo, SHOWN } from '../model/reporter.ts';
import { gradeWord, judgedInNothing } from '../model/verdict.ts';
import { printable } from '../protocol/printable.ts';

export interface Unjudged {
  readonly sender: string;
  readonly sentence: string;
}

/**
 * `exim was judged in nothing (2 not met, 1 unsupported): …`; none of a shard, since the whole may have
 * what it can be judged in.
 */
export function unjudgedOf({
  results,
  run,
}: {
  readonly results: readonly Pick<Result, 'verdict'>[];
  readonly run?: Pick<RunInfo, 'shard'>;
}): Unjudged[] {
  if (run?.shard) return [];
  return judgedInNothing(results.map(({ verdict }) => verdict)).map((sender) => {
    const counts = countShown(results.filter(({ verdict }) => verdict.sender === sender));
    const all = SHOWN.filter((shown) => counts[shown] > 0).map(
      (shown) => `${counts[shown]} ${gradeWord(shown)}`,
    );
    return {
      sender,
      sentence: `${printable(sender, 40)} was judged in nothing (${all.join(', ')}): a run passes only where each sender was judged in something`,
    };
  });
}
