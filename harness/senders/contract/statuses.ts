/**
 * Log lines to statuses. The log is the sender's own words: a line counts when it matches a pattern
 * of the contract, and whom it is about is told by the token in the recipient's address.
 */

import type { LogPatterns } from '../../model/contract.ts';
import { tokensIn } from '../../model/message.ts';
import type { MessageStatus } from '../../model/sender.ts';

const LONGEST_DETAIL_CHARS = 500;

/** What a line says of a message; undefined for lines that say nothing of one. */
export function statusReader(log: LogPatterns): (line: string) => MessageStatus | undefined {
  const patterns = [
    ['delivered', new RegExp(log.sent)],
    ['deferred', new RegExp(log.deferred)],
    ['bounced', new RegExp(log.bounced)],
  ] as const;
  return (line) => {
    for (const [status, pattern] of patterns) {
      const groups = pattern.exec(line)?.groups;
      const [token] = tokensIn(groups?.recipient ?? '');
      if (token)
        return { token, status, detail: (groups?.reason ?? line).slice(0, LONGEST_DETAIL_CHARS) };
    }
    return undefined;
  };
}
