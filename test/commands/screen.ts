/** A small terminal screen: what a person would see of what was written (ECMA-48, as far as used). */

export interface TestScreen {
  write(text: string): void;
  /** All rows from the first on, those that have scrolled by as well. */
  readonly lines: () => readonly string[];
}

/** Throws on a control function that it does not know. */
export function testScreen({
  columns,
  rows,
}: {
  readonly columns: number;
  readonly rows: number;
}): TestScreen {
  const lines: string[] = [''];
  let row = 0;
  let column = 0;
  const down = () => {
    row++;
    lines[row] ??= '';
  };
  const put = (character: string) => {
    if (column === columns) {
      down();
      column = 0;
    }
    lines[row] = lines[row]!.padEnd(column).slice(0, column) + character;
    column++;
  };
  return {
    write(text) {
      for (const [part, up] of text.matchAll(
        /\x1b\[(\d*)A|\x1b\[J|\x1b\[\d*m|\x1b.{0,8}|[\s\S]/gu,
      )) {
        if (part.endsWith('A') && part.length > 1) {
          const top = Math.max(0, lines.length - rows);
          row = Math.max(top, row - Number(up));
        } else if (part === '\x1b[J') {
          lines.length = row + 1;
          lines[row] = lines[row]!.slice(0, column);
        } else if (/^\x1b\[\d*m$/.test(part)) continue;
        else if (part.startsWith('\x1b')) throw new Error(`unknown: ${JSON.stringify(part)}`);
        else if (part === '\r') column = 0;
        // The terminal driver makes CR LF of a line feed.
        else if (part === '\n') {
          down();
          column = 0;
        } else put(part);
      }
    },
    lines: () => lines.map((line) => line.trimEnd()),
  };
}
