import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { loadShipped, selectScenarios } from '../../harness/commands/select.ts';
import { UsageError } from '../../harness/model/usage.ts';
import { findPackage } from '../../harness/shipped.ts';
import { loadVocabulary } from '../../harness/vocabulary.ts';

const vocabulary = await loadVocabulary();
const shipped = (await loadShipped(vocabulary)).map(({ id }) => id);
const own = await mkdtemp(join(tmpdir(), 'holdfast-select-'));
const YAML = `
title: Honest mail arrives
why: To begin with.
requirements: [8461-5-enforce-no-starttls]
steps: [{ send: honest, expect: [delivered] }]
`;
await mkdir(join(own, 'starttls'));
await writeFile(join(own, 'mine.yaml'), YAML);
await writeFile(join(own, 'starttls', 'stripped.yaml'), YAML);
await writeFile(join(own, 'wrong.yml'), 'title: only\n');
afterAll(() => rm(own, { recursive: true }));

test('the whole suite and files of one’s own, in each profile', async () => {
  const mine = join(own, 'mine.yaml');
  const ids = async (...given: [profile?: 'smoke']) =>
    (await selectScenarios(['*', mine], vocabulary, ...given)).map(({ id }) => id);
  expect(await ids()).toEqual([...shipped, 'mine']);
  const smoke = await ids('smoke');
  expect(smoke.at(-1)).toBe('mine');
  expect(smoke.length).toBeLessThan(shipped.length);
});

describe('words on the command line', () => {
  const select = (words: readonly string[]) => selectScenarios(words, vocabulary);
  const selects = (words: readonly string[], wanted: (id: string) => boolean) =>
    it(`${words.join(' ') || 'none'}`, async () => {
      const ids = (await select(words)).map(({ id }) => id);
      expect(ids.length).toBeGreaterThan(0);
      expect(ids.toSorted()).toEqual(shipped.filter(wanted).toSorted());
    });
  const fails = (words: readonly string[], message: RegExp) =>
    it(`${words.join(' ')} selects nothing`, async () => {
      const failure = await select(words).catch((error) => error);
      expect(failure).toBeInstanceOf(UsageError);
      expect(failure.message).toMatch(message);
    });

  selects([], () => true);
  selects(['starttls/stripped'], (id) => id.startsWith('starttls/stripped@'));
  selects(
    ['starttls/stripped@as-removed-line'],
    (id) => id === 'starttls/stripped@as-removed-line',
  );
  selects(['starttls'], (id) => id.startsWith('starttls/'));
  selects(['starttls/'], (id) => id.startsWith('starttls/'));
  selects(['starttls/s*'], (id) => id.startsWith('starttls/s'));
  selects(['*/stripped'], (id) => /^[^/]+\/stripped(@|$)/.test(id));
  selects(['*@as-*line'], (id) => /@as-.*line$/.test(id));
  selects(['starttls', 'starttls/stripped', 'tls'], (id) => /^(start)?tls\//.test(id));

  fails(['starttls/striped'], /no scenario starttls\/striped: did you mean starttls\/stripped\?/);
  fails(['startls'], /did you mean starttls/);
  fails(['certificates/self-signed'], /did you mean certificates\/untrusted@self-signed,/);
  fails(['stripped'], /did you mean .*starttls\/stripped/);
  fails(['starttls/stripped@as-removed'], /did you mean starttls\/stripped@as-removed-line/);
  fails(['start'], /no scenario start:/);
  fails(['zzzzzzzz\x1b[31m'], /no scenario zzzzzzzz\\x1b\[31m: the folders are .*starttls/);
  fails(['a(b*'], /no scenario/);
  fails([join(own, 'nothing.yaml')], /no such file/);
  fails(
    [join(own, 'wrong.yml')],
    /wrong\.yml:1:1: why is missing[\s\S]*requirements is missing[\s\S]*steps is missing/,
  );
  fails(['starttls/stripped', join(own, 'wrong.yml')], /wrong\.yml:1:1/);
  fails(
    [
      join(own, 'mine.yaml'),
      join(own, 'starttls', '..', 'mine.yaml'),
      join(own, 'starttls'),
      join(own, 'starttls', 'stripped.yaml'),
      own,
    ],
    /wrong\.yml/,
  );

  it('a file and a folder of one’s own', async () => {
    expect((await select([join(own, 'mine.yaml')])).map(({ id }) => id)).toEqual(['mine']);
    expect((await select([join(own, 'starttls')])).map(({ id }) => id)).toEqual(['stripped']);
    expect((await select([join(own, 'mine.yaml'), 'starttls/stripped'])).length).toBeGreaterThan(1);
  });

  it('two scenarios of one id are refused', async () => {
    const twin = join(own, 'twin');
    await mkdir(twin);
    await writeFile(join(twin, 'mine.yaml'), YAML);
    await expect(select([join(own, 'mine.yaml'), twin])).rejects.toThrow(
      /the id mine is also that of/,
    );
  });
});

describe('a file of one’s own with a shipped id', () => {
  const MESSAGE =
    /stripped\.yaml: the id starttls\/stripped is that of scenarios.starttls.stripped\.yaml, which comes with Holdfast: give it another name or folder/;
  const lone = join(own, 'lone');
  beforeAll(async () => {
    await mkdir(join(lone, 'starttls'), { recursive: true });
    await writeFile(join(lone, 'starttls', 'stripped.yaml'), YAML);
  });

  it.each([[[]], [['starttls/stripped']], [['tls/sni']]])(
    'is refused, beside %j',
    async (words) => {
      await expect(selectScenarios([lone, ...words], vocabulary)).rejects.toThrow(MESSAGE);
    },
  );

  it('may be that of the very suite', async () => {
    const { scenarios } = findPackage();
    const found = await selectScenarios([join(scenarios, 'starttls')], vocabulary);
    expect(found.length).toBeGreaterThan(1);
    const whole = await selectScenarios([scenarios], vocabulary);
    expect(whole).toHaveLength(shipped.length);
  });
});

describe('the profile smoke', () => {
  const ids = async (words: readonly string[]) =>
    (await selectScenarios(words, vocabulary, 'smoke')).map(({ id }) => id);

  it('is a part of the suite, and of what is selected of it', async () => {
    const smoke = await ids([]);
    expect(smoke.length).toBeGreaterThan(100);
    expect(smoke.length).toBeLessThan(shipped.length / 2);
    expect(await ids(['starttls'])).toEqual(smoke.filter((id) => id.startsWith('starttls/')));
  });

  it('leaves files of one’s own', async () => {
    expect(await ids([join(own, 'mine.yaml')])).toEqual(['mine']);
  });

  it('that has nothing of what is selected says so', async () => {
    await expect(ids(['cache/restart'])).rejects.toThrow(
      'the profile smoke has nothing of cache/restart: without --profile smoke it is run',
    );
    const beside = ['starttls', 'cache/restart', join(own, 'mine.yaml'), 'cache/restar*'];
    await expect(ids(beside)).rejects.toThrow(/has nothing of cache\/restart, cache\/restar\*:/);
  });
});
