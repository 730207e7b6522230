import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { merge } from '../../harness/commands/merge.ts';
import { type RunRequest, run } from '../../harness/commands/run.ts';
import { readRun } from '../../harness/results/read.ts';
import { testTerminal } from '../commands/terminal.ts';

const FAULT = 'reference:plaintext-when-starttls-missing';
let top: string;
const at = (name: string) => join(top, name);

/** Runs a part of the suite on a sender that fails some of it, as a CI job would. */
async function shard(name: string, change: Partial<RunRequest> = {}): Promise<number> {
  return run(
    {
      scenarios: ['starttls/stripped', 'starttls/refused', 'tls'],
      senders: [FAULT],
      reporters: ['json'],
      out: at(name),
      ...change,
    },
    testTerminal().terminal,
  );
}
const put = (...names: string[]) => {
  const { terminal, out } = testTerminal();
  const request = { shards: names.map(at), reporters: ['text', 'json'], out: at('merged') };
  return { code: merge(request, terminal), out };
};

beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), 'holdfast-merge-'));
  await writeFile(at('known.yaml'), 'starttls/stripped@as-removed-line:\n  reason: theirs\n');
  const known = [at('known.yaml')];
  await shard('whole', { known });
  for (const index of [1, 2, 3])
    await shard(`${index}`, { shard: { index, of: 3 }, known, keep: at(`${index}/evidence`) });
});
afterAll(() => rm(top, { recursive: true }));

describe('shards', () => {
  it('may have nothing that a sender can be judged in: the whole tells whether it was', async () => {
    const scenarios = ['starttls/greeting'];
    const senders = ['opportunistic'];
    for (const index of [1, 2])
      expect(await shard(`lacking${index}`, { scenarios, senders, shard: { index, of: 2 } })).toBe(
        0,
      );
    const { code, out } = put('lacking1', 'lacking2');
    expect(await code).toBe(2);
    expect(out()).toContain('opportunistic was judged in nothing');
  });

  it('merged are the run in one piece, verdict by verdict', async () => {
    const { code, out } = put('2', '3', '1');
    const whole = (await readRun(at('whole'))).summary;
    // Some failures are not known: the gate is shut.
    expect(await code).toBe(1);
    const merged = (await readRun(at('merged'))).summary;
    const told = ({ results }: typeof whole) =>
      new Map(
        results.map(({ verdict, known, reach, isRun }) => [
          verdict.scenario,
          {
            grade: verdict.grade,
            found: verdict.findings.map(({ requirement, grade, actual }) => [
              requirement,
              grade,
              actual,
            ]),
            known,
            reach,
            isRun,
          },
        ]),
      );
    expect(told(merged)).toEqual(told(whole));
    expect(merged.run.suite).toBe(whole.run.suite);
    expect(merged.run.shard).toBeUndefined();
    expect(out()).toMatch(/^~ starttls\/stripped@as-removed-line.* theirs$/m);
  });

  it('bring their evidence along', async () => {
    const { summary, trialOf } = await readRun(at('merged'));
    for (const { verdict } of summary.results)
      expect((await trialOf(verdict)).evidence.observations.length).toBeGreaterThan(0);
  });

  it.each([
    ['one missing', ['1', '3'], '1 shard of 3 missing: 2/3'],
    ['one twice', ['1', '2', '2'], 'shard 2/3, as'],
    ['none', ['whole'], 'not a shard'],
  ])('%s: an error', async (_, names, message) => {
    await expect(put(...names).code).rejects.toThrow(message);
  });

  interface Document {
    scenarios: { id: string }[];
    verdicts: { scenario: string; grade: string; known?: object }[];
    senders: { capabilities: string[] }[];
    knownLists: object[];
  }
  const edited = (edit: (document: Document) => void) => (text: string) => {
    const document = JSON.parse(text);
    edit(document);
    return JSON.stringify(document);
  };
  const changed = async (name: string, change: (text: string) => string) => {
    const document = await readFile(at('3/holdfast.json'), 'utf8');
    await writeFile(at(`${name}.json`), change(document));
  };
  it.each<[string, (text: string) => string, string | RegExp]>([
    ['another suite', (text) => text.replace(/"suite": "\w+"/, '"suite": "0"'), 'another suite'],
    [
      'of a Holdfast that did not say how many there are',
      (text) => text.replace(/"selected": \d+,/, ''),
      'how many scenarios were selected',
    ],
    [
      'another Holdfast',
      (text) => text.replace(/"holdfast": "[^"]+"/, '"holdfast": "9.9.9"'),
      'another Holdfast',
    ],
    [
      'another version of the sender',
      (text) => text.replace(/"version": "1"/, '"version": "2"'),
      'another version of reference',
    ],
    ['of another split', (text) => text.replace(/"of": 3/, '"of": 4'), 'and others are of'],
    [
      'another list',
      (text) => text.replaceAll('"theirs"', '"ours"'),
      'another list of known failures',
    ],
    [
      'another format',
      (text) => text.replace(/"schemaVersion": \d+/, '"schemaVersion": 1'),
      'schemaVersion is 1',
    ],
    ['cut short', (text) => text.slice(0, 500), 'not JSON'],
    ['something else', () => '{"name": "holdfast"}', 'not a result'],
    ['with a verdict less', edited(({ verdicts }) => verdicts.pop()), 'no verdict on'],
    [
      'with a verdict twice',
      edited(({ verdicts }) => verdicts.push(...verdicts.slice(0, 1))),
      'two verdicts on',
    ],
    [
      'with a verdict on what is not in it',
      edited(({ verdicts }) => Object.assign(verdicts[0]!, { scenario: '../x' })),
      'not among its scenarios',
    ],
    [
      'with a scenario less',
      edited((document) => {
        const { id } = document.scenarios.pop()!;
        document.verdicts = document.verdicts.filter(({ scenario }) => scenario !== id);
      }),
      'were selected: give all shards the same --durations file',
    ],
    [
      'with grades that are not those of the findings',
      edited(({ verdicts }) => {
        for (const verdict of verdicts) verdict.grade = 'pass';
      }),
      /is pass, and its findings come to fail/,
    ],
    [
      'with a failure known by no list',
      edited((document) => {
        document.knownLists = [];
        const failing = document.verdicts.find(({ grade }) => grade === 'fail')!;
        failing.known = { scenarios: failing.scenario, reason: 'theirs', file: 'k', line: 1 };
      }),
      'is known by an entry that is in none of its lists',
    ],
    [
      'with a pass that is known to fail',
      edited(({ verdicts }) => {
        const passing = verdicts.find(({ grade }) => grade === 'pass')!;
        passing.known = { scenarios: passing.scenario, reason: 'theirs', file: 'k', line: 1 };
      }),
      'is known to fail, and is pass',
    ],
    [
      'with other capabilities of a sender',
      edited(({ senders }) => senders[0]!.capabilities.pop()),
      'declares other capabilities',
    ],
    [
      'without a sender of the others',
      edited((document) => Object.assign(document, { senders: [], verdicts: [] })),
      'without reference:',
    ],
  ])('%s: an error', async (name, change, message) => {
    await changed(name, change);
    await expect(put('1', '2', `${name}.json`).code).rejects.toThrow(message);
  });

  it('that were split by different durations: an error', async () => {
    const [slow, quick] = ['starttls/refused@with-421-and-close', 'starttls/refused@with-454'];
    await writeFile(at('monday.json'), JSON.stringify({ [slow]: 1, [quick]: 9 }));
    await writeFile(at('tuesday.json'), JSON.stringify({ [slow]: 9, [quick]: 1 }));
    const half = (index: number, durations: string) =>
      shard(`${durations}-${index}`, {
        scenarios: [slow, quick],
        shard: { index, of: 2 },
        durations: at(`${durations}.json`),
      });
    await half(1, 'monday');
    await half(2, 'tuesday');
    const learned = JSON.parse(await readFile(at('monday.json'), 'utf8'));
    expect(learned).toEqual({ [slow]: 1, [quick]: 9 });
    await expect(put('monday-1', 'tuesday-2').code).rejects.toThrow(
      /tuesday-2: with starttls\/refused@with-454, as .*monday-1 is, .*same --durations file/,
    );
  });

  it('are not written into one of them', async () => {
    const request = { shards: ['1', '2', '3'].map(at), reporters: ['json'], out: at('1') };
    await expect(merge(request, testTerminal().terminal)).rejects.toThrow('is one of the shards');
    await expect(readRun(at('1'))).resolves.toBeDefined();
    await symlink(at('1'), at('link'));
    await expect(merge({ ...request, out: at('link') }, testTerminal().terminal)).rejects.toThrow(
      'is one of the shards',
    );
    await expect(readRun(at('1'))).resolves.toBeDefined();
  });

  it('that do not make a whole leave no report of an earlier merge', async () => {
    await put('1', '2', '3').code;
    await expect(put('1', '3').code).rejects.toThrow('1 shard of 3 missing');
    await expect(readFile(at('merged/holdfast.json'))).rejects.toThrow('ENOENT');
  });

  it('interrupted, or with a sender that broke: never green', async () => {
    await changed('cut', (text) => text.replace('"interrupted": false', '"interrupted": true'));
    expect(await put('1', '2', 'cut.json').code).toBe(2);
    await changed('died', (text) =>
      text.replace(
        '"skippedSenders": []',
        `"skippedSenders": [{ "name": "${FAULT}", "reason": "it died" }]`,
      ),
    );
    expect(await put('1', '2', 'died.json').code).toBe(70);
    await changed('unstarted', (text) =>
      text.replace(
        '"skippedSenders": []',
        '"skippedSenders": [{ "name": "other", "reason": "no image", "isBroken": true }]',
      ),
    );
    expect(await put('1', '2', 'unstarted.json').code).toBe(70);
  });
});

describe('a run that was written down', () => {
  it('is told from its evidence alone', async () => {
    const { summary } = await readRun(at('1/evidence'));
    const { summary: told } = await readRun(at('1'));
    const grades = ({ results }: typeof told) =>
      results.map(({ verdict }) => `${verdict.scenario} ${verdict.grade}`).sort();
    expect(grades(summary)).toEqual(grades(told));
  });

  it('and is not there: an error with the place', async () => {
    await expect(readRun(at('nowhere'))).rejects.toThrow(/nowhere: no such file or folder/);
    await expect(readRun(at('known.yaml'))).rejects.toThrow(/known\.yaml: not JSON/);
  });
});
