import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { explain } from '../../harness/commands/explain.ts';
import { testTerminal } from './terminal.ts';

const top = mkdtempSync(join(tmpdir(), 'holdfast-explain-'));
afterAll(() => rmSync(top, { recursive: true }));

async function explained(title: string): Promise<string> {
  const file = join(top, 'mine.yaml');
  writeFileSync(
    file,
    `title: ${JSON.stringify(title)}\nwhy: Because.\nrequirements: [8461-5-enforce-no-starttls]\nsteps:\n  - prime\n  - { send: a, under: [strip-starttls], expect: [enforced] }\n`,
  );
  const { terminal, out } = testTerminal();
  expect(await explain(file, terminal)).toBe(0);
  return out();
}

it('the domain is told in whole words', async () => {
  expect(await explained('Held')).toContain(
    'Domain victim.test: MX mx1.victim.test (10); TLSRPT by https.\n',
  );
});

it('nothing of a file acts on the terminal', async () => {
  const out = await explained('\u001b[31mred \u202eder');
  expect(out).toContain('\\x1b[31mred \\u202eder');
  expect(out).not.toMatch(/[^\P{C}\n]/u);
});
