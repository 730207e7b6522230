/**
 * The live region: lines at the bottom of a terminal that are drawn again and again, while all that
 * is written scrolls by above them. It is taken away before anything else is written, and nothing
 * is left of it at the end.
 */

export interface Region {
  /**
   * Lines to be drawn now, and again with each call and each second; undefined: none any more. They
   * are plain text, safe to show; what is wider than the terminal is cut.
   */
  show(lines: (() => readonly string[]) | undefined): void;
  /** Takes the lines away until they are drawn next, in a moment. */
  clear(): void;
}

/** What is needed of a terminal. */
interface Screen {
  readonly columns: number;
  readonly rows: number;
  write(text: string): unknown;
}

/** Between two drawings. */
const LEAST_MS = 100;
const TICK_MS = 1_000;

export function openRegion(screen: Screen, isDim: boolean): Region {
  let render: (() => readonly string[]) | undefined;
  /** Columns that each line on the screen takes. */
  let widths: readonly number[] = [];
  let drawnAt = Number.NEGATIVE_INFINITY;
  let next: NodeJS.Timeout | undefined;

  // A terminal may not know its size.
  const columns = () => screen.columns || 80;
  const rows = () => screen.rows || 24;
  const draw = () => {
    if (!render) return;
    // One column less, since a full line would wrap; one row less, since it would scroll.
    const lines = render()
      .slice(0, Math.max(1, rows() - 1))
      .map((line) => cut(line, columns() - 1));
    const shown = lines.map((line) => (isDim ? `\x1b[2m${line}\x1b[22m` : line));
    screen.write(erase() + shown.join('\n'));
    widths = lines.map(widthOf);
    drawnAt = performance.now();
    drawIn(TICK_MS);
  };
  const drawIn = (ms: number) => {
    clearTimeout(next);
    // What is only shown keeps no process alive.
    next = setTimeout(draw, ms).unref();
  };
  const drawSoon = () => drawIn(Math.max(0, drawnAt + LEAST_MS - performance.now()));
  /** To the first line, and everything from there on is gone (ECMA-48 CUU, ED). */
  const erase = () => {
    // A window that was made narrower since has wrapped the lines.
    const height = widths
      .map((width) => Math.max(1, Math.ceil(width / columns())))
      .reduce((sum, one) => sum + one, 0);
    if (height === 0) return '';
    return `\r${height > 1 ? `\x1b[${height - 1}A` : ''}\x1b[J`;
  };
  const clear = () => {
    if (widths.length === 0) return;
    screen.write(erase());
    widths = [];
  };
  return {
    show(lines) {
      render = lines;
      if (lines) return drawSoon();
      clearTimeout(next);
      clear();
    },
    clear() {
      clear();
      if (render) drawSoon();
    },
  };
}

/** Cut to a width, as printable() cuts. */
function cut(line: string, columns: number): string {
  if (widthOf(line) <= columns) return line;
  let width = 1;
  let kept = '';
  for (const character of line) {
    width += widthOf(character);
    if (width > columns) break;
    kept += character;
  }
  return `${kept}…`;
}

/** At most so many columns: what lies behind the alphabets may take two (Unicode UAX #11). */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    const point = character.codePointAt(0)!;
    width += point < 0x1100 || (point >= 0x2000 && point < 0x2300) ? 1 : 2;
  }
  return width;
}
