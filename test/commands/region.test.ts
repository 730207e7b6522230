import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRegion } from '../../harness/commands/region.ts';
import { testScreen } from './screen.ts';

/** A screen with a region, and what is drawn next on it. */
function open(columns = 40, rows = 10) {
  const size = { columns, rows };
  const screen = testScreen(size);
  let last = '';
  let drawn = Promise.withResolvers<void>();
  const terminal = {
    ...size,
    write(text: string) {
      last = text;
      screen.write(text);
      drawn.resolve();
      drawn = Promise.withResolvers();
    },
  };
  const region = openRegion(terminal, true);
  return {
    screen,
    region,
    terminal,
    drawn: () => drawn.promise,
    last: () => last,
    print(text: string) {
      region.clear();
      screen.write(text);
    },
  };
}

describe('the live region', () => {
  it('stays below what is written, and leaves nothing behind', async () => {
    const { screen, region, drawn, print } = open();
    print('before\n');
    region.show(() => ['1 of 3', '  a runs']);
    await drawn();
    expect(screen.lines()).toEqual(['before', '1 of 3', '  a runs']);
    print('a failed\n');
    expect(screen.lines()).toEqual(['before', 'a failed', '']);
    region.show(() => ['2 of 3']);
    await drawn();
    expect(screen.lines()).toEqual(['before', 'a failed', '2 of 3']);
    region.show(undefined);
    print('the end\n');
    expect(screen.lines()).toEqual(['before', 'a failed', 'the end', '']);
  });

  it('is drawn once for calls that come together, as things then are', async () => {
    const { screen, region, drawn } = open();
    for (const count of [1, 2, 3]) region.show(() => [`${count}`]);
    await drawn();
    expect(screen.lines()).toEqual(['3']);
    region.show(undefined);
  });

  it('is drawn again when the clock goes on', async () => {
    const { screen, region, drawn } = open();
    let count = 0;
    region.show(() => [`drawn ${++count}`]);
    await drawn();
    await drawn();
    expect(screen.lines()).toEqual(['drawn 2']);
    region.show(undefined);
  });

  it('keeps within the width and the height of the terminal', async () => {
    const { screen, region, drawn } = open(12, 4);
    region.show(() => ['a line that is too long', '広い文字の名前', '3', '4', '5']);
    await drawn();
    expect(screen.lines()).toEqual(['a line tha…', '広い文字の…', '3']);
    region.show(undefined);
    expect(screen.lines()).toEqual(['']);
  });

  it('is taken off a window that was made narrower, where its lines are wrapped', async () => {
    const { region, terminal, drawn, last } = open(40);
    region.show(() => ['x'.repeat(30), 'y']);
    await drawn();
    terminal.columns = 10;
    region.show(undefined);
    expect(last()).toBe('\r\x1b[3A\x1b[J');
  });
});

const hasScript = spawnSync('script', ['--version']).stdout?.includes('util-linux') ?? false;

describe.skipIf(!hasScript)('a run on a terminal', () => {
  const size = { columns: 72, rows: 16 };

  /** Types Ctrl-C when it shows the text. */
  async function run(
    args: string,
    { interruptAt, TERM = 'xterm' }: { interruptAt?: string; TERM?: string } = {},
  ) {
    const screen = testScreen(size);
    const node = `'${process.execPath}' --disable-warning=ExperimentalWarning`;
    const command = `stty cols ${size.columns} rows ${size.rows}; exec ${node} harness/cli.ts ${args}`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: join(import.meta.dirname, '..', '..'),
      env: { ...process.env, TERM, SHELL: '/bin/sh' },
    });
    let shown = '';
    let isTyped = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
      screen.write(text);
      if (interruptAt === undefined || isTyped || !shown.includes(interruptAt)) return;
      isTyped = true;
      child.stdin.write('\x03');
    });
    const [code] = await once(child, 'close');
    return { code, shown, seen: screen.lines().join('\n') };
  }

  it('shows what runs, and nothing of it stays', async () => {
    const { code, shown, seen } = await run('run starttls/stripped tls/sni --sender reference');
    expect(code).toBe(0);
    expect(shown).toMatch(/reference +\d\/4 · \d running: /);
    expect(seen).not.toContain('running');
    expect(seen).toMatch(/^holdfast .* 4 scenarios · reference \S+\n\nScenarios and senders\n/);
    expect(seen).toMatch(/\n4 verdicts in \S+ s · 4 pass\n$/);
  });

  it('leaves nothing when it is stopped either', async () => {
    const { code, seen } = await run('run starttls --sender reference', {
      interruptAt: 'running: ',
    });
    expect(code).toBe(130);
    expect(seen).not.toContain('running');
    expect(seen).toContain('stopping; once more to stop at once');
    expect(seen).toMatch(/interrupted, \d+ not judged\n$/);
  });

  it('is told as in a log where the terminal cannot be drawn on', async () => {
    const { shown } = await run('run tls/sni starttls/stripped', { TERM: 'dumb' });
    expect(shown).not.toContain('\x1b[J');
    expect(shown).toContain('1/4 · 1 pass');
  });
});
