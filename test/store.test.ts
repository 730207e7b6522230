import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judge } from '../harness/judge/judge.ts';
import type { Trial } from '../harness/model/verdict.ts';
import {
  claimFolder,
  clearTrials,
  EvidenceError,
  keepTrial,
  readTrials,
} from '../harness/store.ts';
import { expectations, prime, scenarioOf, send, use } from './evidence.ts';
import { scenario, sender, stripped, trial } from './reporters/fixtures.ts';

let top: string;
beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), 'holdfast-store-'));
});
afterAll(() => rm(top, { recursive: true }));

const newFolder = () => mkdtemp(join(top, 'kept-'));
const judged = (of: Trial) => ({ trial: of, verdict: judge(of, expectations) });
const read = (dir: string) => Array.fromAsync(readTrials(dir));

/** A trial with something to judge, by this sender in this scenario. */
function attacked(id: string, name: string): Trial {
  const { stages } = scenarioOf([prime, send(use('enforced'))]);
  return trial({
    scenario: scenario(id, { stages }),
    sender: sender({ name }),
    observations: stripped,
  });
}

describe('what is kept', () => {
  it('is the same trial when read, and gets the same verdict', async () => {
    const dir = await newFolder();
    const result = judged(attacked('starttls/stripped@as-removed-line', 'postfix'));
    expect(result.verdict.grade).not.toBe('pass');
    const folder = await keepTrial(dir, result);
    expect(relative(dir, folder).split(/[\\/]/)).toEqual([
      'postfix',
      'starttls',
      'stripped@as-removed-line',
    ]);
    const [kept, ...others] = await read(dir);
    expect(others).toEqual([]);
    expect(kept).toEqual({
      dir: folder,
      trial: result.trial,
      verdict: result.verdict,
      problems: [],
    });
    expect(judge(kept!.trial, expectations)).toEqual(result.verdict);
  });

  it('holds no character that acts on a terminal', async () => {
    const dir = await newFolder();
    const hostile = attacked('a', 'x');
    const folder = await keepTrial(
      dir,
      judged({ ...hostile, sender: sender({ name: 'x', summary: '\x1b[31m\u202e\x9b' }) }),
    );
    expect(await readFile(join(folder, 'sender.json'), 'utf8')).toMatch(/^[\x20-\x7e\n]+$/);
    expect((await read(dir))[0]!.trial.sender.summary).toBe('\x1b[31m\u202e\x9b');
  });

  it('takes the place of what was kept before of the same trial', async () => {
    const dir = await newFolder();
    await keepTrial(dir, judged(attacked('a', 'x')));
    await keepTrial(
      dir,
      judged({ ...attacked('a', 'x'), evidence: { observations: stripped.slice(0, 2) } }),
    );
    const kept = await read(dir);
    expect(kept.map((each) => each.trial.evidence.observations.length)).toEqual([2]);
  });

  it('goes when its sender is run again; all else stays', async () => {
    const dir = await newFolder();
    const own = await keepTrial(dir, judged(attacked('a', '../x')));
    const other = await keepTrial(dir, judged(attacked('a', 'y')));
    const noted = await keepTrial(dir, judged(attacked('b', '../x')));
    await writeFile(join(noted, 'notes.txt'), 'mine');
    await clearTrials(dir, ['../x', 'never-run']);
    expect((await read(dir)).map((kept) => kept.dir)).toEqual([other]);
    await expect(readdir(own)).rejects.toThrow('ENOENT');
    expect(await readdir(noted)).toEqual(['notes.txt']);
  });

  it('stays below its folder and apart from other trials, whatever their names', async () => {
    const dir = await newFolder();
    const names = [
      '..',
      '.',
      '',
      'a/../../b',
      '/etc',
      '\\\\host\\share',
      'a\0b',
      '%2E%2E',
      '\ud800',
      'x'.repeat(400),
      'x'.repeat(401),
      'é'.repeat(200),
    ];
    for (const name of names) await keepTrial(dir, judged(attacked('s', name)));
    const folders = (await readdir(dir)).filter((name) => name !== '.holdfast');
    expect(folders).toHaveLength(names.length);
    expect((await read(dir)).map((kept) => kept.trial.sender.name).sort()).toEqual(
      names.map((name) => JSON.parse(JSON.stringify(name))).sort(),
    );
  });

  it('stays below its folder with any name and id', async () => {
    const dir = await newFolder();
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', maxLength: 12 }),
        fc.string({ unit: fc.constantFrom('a', '.', '/', '\\', '@', ':'), maxLength: 12 }),
        async (name, id) => {
          const path = relative(dir, await keepTrial(dir, judged(attacked(id, name))));
          expect(path.split(/[\\/]/)).not.toContain('..');
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('a folder', () => {
  it('is claimed when new, when empty and when claimed before', async () => {
    const dir = join(await newFolder(), 'new', 'deep');
    await claimFolder(dir);
    await claimFolder(dir);
  });

  it('with something else in it is left alone', async () => {
    const dir = await newFolder();
    await writeFile(join(dir, 'thesis.txt'), 'x');
    await expect(keepTrial(dir, judged(attacked('a', 'x')))).rejects.toThrow(
      /is not empty and was not made by Holdfast/,
    );
    expect(await readdir(dir)).toEqual(['thesis.txt']);
  });

  const unreadable = (what: string, harm: (folder: string) => Promise<unknown>, message: RegExp) =>
    it(`that cannot be read says where: ${what}`, async () => {
      const dir = await newFolder();
      await harm(await keepTrial(dir, judged(attacked('a', 'x'))));
      const failure = await read(dir).catch((error) => error);
      expect(failure).toBeInstanceOf(EvidenceError);
      expect(failure.message).toMatch(message);
    });
  unreadable(
    'a line that is no JSON',
    (folder) => appendFile(join(folder, 'evidence.ndjson'), '{"seq":\n'),
    /evidence\.ndjson:10: not JSON/,
  );
  unreadable(
    'a line that is no observation',
    (folder) => appendFile(join(folder, 'evidence.ndjson'), '{}\n'),
    /evidence\.ndjson:10: not what Holdfast wrote/,
  );
  unreadable(
    'no scenario',
    (folder) => rm(join(folder, 'scenario.json')),
    /scenario\.json: cannot be read: ENOENT/,
  );
  unreadable(
    'a sender that is none',
    (folder) => writeFile(join(folder, 'sender.json'), '[]'),
    /sender\.json: not what Holdfast wrote/,
  );
  unreadable(
    'nothing kept',
    (folder) => rm(folder, { recursive: true }),
    /no evidence is kept here/,
  );
});

describe('what is cut short', () => {
  it('is judged without its last line, and told of', async () => {
    const dir = await newFolder();
    const folder = await keepTrial(dir, judged(attacked('a', 'x')));
    const file = join(folder, 'evidence.ndjson');
    await truncate(file, (await readFile(file)).length - 5);
    const [kept] = await read(dir);
    expect(kept!.trial.evidence.observations).toEqual(stripped.slice(0, -1));
    expect(kept!.problems).toEqual([`${file}:9: cut short; judged without this line`]);
  });

  it('may be the verdict, which is made again anyway', async () => {
    const dir = await newFolder();
    const folder = await keepTrial(dir, judged(attacked('a', 'x')));
    await truncate(join(folder, 'verdict.json'), 20);
    const [kept] = await read(dir);
    expect(kept!.verdict).toBeUndefined();
    expect(kept!.problems).toEqual([`${join(folder, 'verdict.json')}: not JSON`]);
  });

  it('may lack the verdict', async () => {
    const dir = await newFolder();
    const folder = await keepTrial(dir, judged(attacked('a', 'x')));
    await rm(join(folder, 'verdict.json'));
    expect((await read(dir))[0]).toMatchObject({ verdict: undefined, problems: [] });
  });
});
