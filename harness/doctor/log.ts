/**
 * What the sender's log has said, as far as it helps to mend a pattern.
 */

import { tokensIn } from '../model/message.ts';

export interface Log {
  hear(line: string): void;
  /** The last lines that name one of the messages; when none does, the last lines there are. */
  excerpt(tokens?: readonly string[]): Excerpt;
  /** All lines that name a message of the lab. */
  mentions(): readonly string[];
}

export interface Excerpt {
  /** The lines name one of the messages. */
  readonly mentioned: boolean;
  /** As the sender wrote them: hostile. */
  readonly lines: readonly string[];
}

const SHOWN_LINES = 8;
/** A server that talks without end must not fill the memory. */
const KEPT_LINES = 10_000;

export function createLog(): Log {
  let lines: string[] = [];
  return {
    hear(line) {
      lines.push(line);
      if (lines.length >= 2 * KEPT_LINES) lines = lines.slice(KEPT_LINES);
    },
    mentions: () => lines.filter((line) => tokensIn(line).length > 0),
    excerpt(tokens = []) {
      const about = lines.filter((line) =>
        tokens.some((token) => line.toLowerCase().includes(token)),
      );
      const mentioned = about.length > 0;
      const shown = mentioned ? about : lines.filter((line) => line.trim() !== '');
      return { mentioned, lines: shown.slice(-SHOWN_LINES) };
    },
  };
}
