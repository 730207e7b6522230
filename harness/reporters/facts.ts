/**
 * What senders did at points that the RFCs leave open: each once for a sender. It grades nothing.
 */

import type { Result } from '../model/reporter.ts';
import type { SeenFact } from '../model/verdict.ts';
import { printable } from '../protocol/printable.ts';

export interface ToldFact extends Pick<SeenFact, 'point' | 'seen'> {
  readonly sender: string;
}

export const FACTS_HEADING = 'Where the RFCs leave it open';

/** By sender, in the order in which they were seen. */
export function factsOf(results: readonly Result[]): ToldFact[] {
  const all = results.flatMap(({ verdict }) =>
    (verdict.facts ?? []).map(({ point, seen }) => ({ sender: verdict.sender, point, seen })),
  );
  const once = [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
  return [...Map.groupBy(once, ({ sender }) => sender).values()].flat();
}

/** `chasquid: MX hosts of one preference (RFC 5321 §5.1): of 8 messages …` */
export function factLines(results: readonly Result[]): string[] {
  return factsOf(results).map(
    ({ sender, point, seen }) =>
      `${printable(sender, 40)}: ${printable(point)}: ${printable(seen)}`,
  );
}
