/**
 * What a command is given of the process, and how it says that it was used wrongly. Only cli.ts
 * holds the process itself.
 */

export interface Terminal {
  /** To standard output. */
  write(text: string): void;
  /** A line to standard error. */
  complain(text: string): void;
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly color: boolean;
  /** The live region (region.ts); undefined: there is no terminal that can be drawn on. */
  live?(lines: (() => readonly string[]) | undefined): void;
  /**
   * What is typed, or comes through a pipe, line by line; it is read once somebody asks. undefined:
   * there is nothing to read from.
   */
  readonly lines?: AsyncIterable<string>;
  /** Somebody wants the command to end: Ctrl-C, or nobody reads its output any more. */
  readonly signal: AbortSignal;
}

/** Exit codes beside those of verdicts (model/verdict.ts); the first two are from sysexits.h. */
export const EXIT = { usage: 64, harnessBroke: 70, interrupted: 130, outputClosed: 141 } as const;

/** `text` in lines of at most `width` columns, each behind `indent`. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && indent.length + longer.length > width) {
      lines.push(indent + line);
      line = word;
    } else line = longer;
  }
  return line === '' ? lines : [...lines, indent + line];
}
