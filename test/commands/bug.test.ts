import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { marked } from 'marked';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bug } from '../../harness/commands/bug.ts';
import { judge } from '../../harness/commands/judge.ts';
import { run } from '../../harness/commands/run.ts';
import { judge as judgeTrial } from '../../harness/judge/judge.ts';
import { UsageError } from '../../harness/model/usage.ts';
import type { Trial } from '../../harness/model/verdict.ts';
import { keepTrial, readTrialsOf } from '../../harness/store.ts';
import { loadVocabulary } from '../../harness/vocabulary.ts';
import { testTerminal } from './terminal.ts';

const SCENARIO = 'mx-matching/wildcard@two-labels-deep';
const FAULT = 'reference:wildcard-matches-deep';

let top: string;
let kept: string;
beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), 'holdfast-bug-'));
  kept = join(top, 'kept');
  const { terminal } = testTerminal();
  const senders = [FAULT, 'reference'];
  await run({ scenarios: [SCENARIO], senders, reporters: ['text'], keep: kept }, terminal);
});
afterAll(() => rm(top, { recursive: true }));

async function report(change: Partial<Parameters<typeof bug>[0]> = {}) {
  const { terminal, out } = testTerminal();
  const code = await bug({ scenario: SCENARIO, from: kept, sender: FAULT, ...change }, terminal);
  return { code, text: out() };
}

/** What is wrong with the request. */
async function complaint(change: Partial<Parameters<typeof bug>[0]>): Promise<string> {
  const error = await report(change).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(UsageError);
  return error.message;
}

/** A file of one's own, and the evidence of what it found. */
async function ownScenario() {
  const [file, from] = [join(top, 'mine.yaml'), join(top, 'own')];
  await writeFile(
    file,
    `title: Mine
why: A deep wildcard.
requirements: [8461-4.1-wildcard-not-deep]
policy: { mx: ['*.victim.test'] }
domain: { mx: [a.b.victim.test] }
steps: [{ send: attacked, expect: [enforced] }]
`,
  );
  const { terminal } = testTerminal();
  await run({ scenarios: [file], senders: [FAULT], reporters: ['text'], keep: from }, terminal);
  return { id: 'mine', file, from };
}

describe('a report', () => {
  it('says what was done, what is asked, what was seen, and how to see it again', async () => {
    const { text, code } = await report();
    expect(code).toBe(0);
    for (const title of [
      'What was done',
      'Expected and seen',
      'Transcript',
      'The world',
      'Versions',
      'To see it again',
    ])
      expect(text).toContain(`\n## ${title}\n`);
    expect(text).toContain('https://www.rfc-editor.org/rfc/rfc8461#section-4.1');
    expect(text).toMatch(/^\*.* MAIL FROM:/m);
    expect(text).toContain(`run ${SCENARIO} --sender ${FAULT}`);
    expect(text).toContain(`lab ${SCENARIO} --docker`);
    for (const tool of ['dig', 'curl', 'openssl s_client', 'swaks'])
      expect(text).toMatch(new RegExp(`^in_lab ${tool} `, 'm'));
  });

  it('has plain names', async () => {
    expect((await report()).text).not.toMatch(/\.x[0-9a-f]{8}\.test/);
  });

  it('comes with evidence that gets the same verdict', async () => {
    const out = join(top, 'out');
    const { text } = await report({ out });
    const files = (await readdir(out)).sort();
    expect(files.map((name) => name.replace(/^.*?\.(?=md$|tar)/, ''))).toEqual(['md', 'tar.gz']);
    for (const file of files) expect(text).toContain(file);
    execFileSync('tar', ['xzf', files[1]!], { cwd: out });
    const { terminal, out: told } = testTerminal();
    expect(await judge(out, {}, terminal)).toBe(1);
    expect(told()).toContain('fail, the same verdict');
  });

  it('comes with a scenario of one’s own, and with no other file', async () => {
    const { id, file, ...own } = await ownScenario();
    const out = join(top, 'own-out');
    const asked = { scenario: id, from: own.from, sender: undefined, out };
    await report(asked);
    const [archive] = (await readdir(out)).filter((name) => name.endsWith('.tar.gz'));
    const list = () => execFileSync('tar', ['tzf', archive!], { cwd: out, encoding: 'utf8' });
    expect(list()).toMatch(/\/mine\.yaml$/m);
    const text = await readFile(join(out, archive!.replace('.tar.gz', '.md')), 'utf8');
    expect(text).toContain(`lab ./${archive!.replace('.tar.gz', '')}/mine.yaml --docker`);

    await writeFile(file, 'password: secret');
    await report(asked);
    expect(list()).not.toContain('mine.yaml');
  });

  it('holds what a sender said, and none of it acts', async () => {
    const { trial } = (await readTrialsOf(kept, SCENARIO)).find(
      (one) => one.trial.sender.name === FAULT,
    )!;
    const bad = '```\n# <script>alert(1)</script>\x1b[31m\u202e ![x](http://x.test) @team';
    const hostile: Trial = {
      ...trial,
      sender: { ...trial.sender, name: 'bad', version: bad, summary: bad },
      scenario: { ...trial.scenario, why: bad },
      evidence: {
        observations: trial.evidence.observations.map((seen) =>
          seen.kind === 'smtp-command' ? { ...seen, line: `${seen.line} ${bad}` } : seen,
        ),
      },
    };
    const { expectations } = await loadVocabulary();
    const from = join(top, 'hostile');
    await keepTrial(from, { trial: hostile, verdict: judgeTrial(hostile, expectations) });
    const { text } = await report({ from, sender: undefined });
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    const html = await marked.parse(text, { gfm: true });
    expect(html).not.toMatch(/<script|<img|<a href="http:/);
    expect(html.match(/<h2>/g)).toHaveLength(6);
    expect(html.match(/<h1>/g)).toHaveLength(1);
  });
});

describe('without a report', () => {
  it.each<[string, Partial<Parameters<typeof bug>[0]>, RegExp]>([
    ['a scenario that is not there', { scenario: SCENARIO.slice(0, -1) }, /did you mean mx-m/],
    ['several senders', { sender: undefined }, /choose one with --sender/],
    ['a sender that is not there', { sender: 'postfix' }, /but of reference/],
    ['a pass', { sender: 'reference' }, /verdict is pass.*nothing to report/],
  ])('%s', async (_, change, words) => {
    expect(await complaint(change)).toMatch(words);
  });

  it('a folder that is not there, or cannot be written', async () => {
    expect(await complaint({ from: join(top, 'none') })).toMatch(/no such folder/);
    await writeFile(join(top, 'file'), '');
    expect(await complaint({ out: join(top, 'file') })).toMatch(/cannot be written/);
    expect(await readFile(join(top, 'file'), 'utf8')).toBe('');
  });
});
