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
/** A server that talks without end must not fill the memory: of so much, the later half is kept. */
const MOST_LINES = 20_000;
const MOST_CHARS = 64 * 1024 * 1024;

export function createLog(): Log {
  let lines: string[] = [];
  let chars = 0;
  return {
    hear(line) {
      lines.push(line);
      chars += line.length;
      if (lines.length < MOST_LINES && chars < MOST_CHARS) return;
      lines = lines.slice(Math.ceil(lines.length / 2));
      chars = lines.reduce((sum, { length }) => sum + length, 0);
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
