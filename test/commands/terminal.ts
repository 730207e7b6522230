/** A terminal for the commands in tests: what was written is kept. */

import { expect } from 'vitest';
import type { Terminal } from '../../harness/commands/terminal.ts';

/** By default a complaint fails the test. */
export function testTerminal(has: Partial<Terminal> = {}): {
  readonly terminal: Terminal;
  out(): string;
} {
  let out = '';
  const terminal: Terminal = {
    write: (text) => {
      out += text;
    },
    complain: (text) => expect.unreachable(text),
    isTerminal: false,
    columns: 80,
    color: false,
    signal: new AbortController().signal,
    ...has,
  };
  return { terminal, out: () => out };
}
