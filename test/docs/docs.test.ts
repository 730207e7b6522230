/** The READMEs: their marked sections are what the schemas say, and what they show can be done. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadShipped } from '../../harness/commands/select.ts';
import { loadKnown } from '../../harness/known/load.ts';
import { selects } from '../../harness/model/selection.ts';
import { loadScenarios } from '../../harness/scenario/load.ts';
import { contractLanguage } from '../../harness/senders/contract/language.ts';
import { loadVocabulary } from '../../harness/vocabulary.ts';
import { GENERATED, generated } from './docs.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const text = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const examples = (file: string) =>
  [...text(file).matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml!);

it.each(GENERATED)('%s is as it is made; if not: npm run docs', async (file) => {
  const { is, shouldBe } = await generated(file);
  expect(is, `${file} is out of date: npm run docs`).toBe(shouldBe);
});

it('every attack and expectation is in the README of the scenarios, with its example', async () => {
  const { attacks, expectations } = await loadVocabulary();
  const readme = text('scenarios/README.md');
  for (const [name, { example }] of [...attacks, ...expectations]) {
    expect(readme).toContain(`### \`${name}\`\n`);
    expect(readme).toContain(`\`\`\`yaml\n${example}\n\`\`\``);
  }
});

describe('the examples', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-docs-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(['README.md', 'scenarios/README.md'])(
    'of a scenario in %s have no problems',
    async (file) => {
      const whole = examples(file).filter((yaml) => /^title: /m.test(yaml));
      expect(whole).not.toEqual([]);
      for (const [index, yaml] of whole.entries()) {
        const path = join(folder, `${index}.yaml`);
        writeFileSync(path, yaml);
        const { problems } = await loadScenarios([path], folder, await loadVocabulary());
        expect(problems).toEqual([]);
      }
    },
  );

  it('of a contract has no problems', () => {
    const [whole] = examples('docker/README.md').filter((yaml) => /^name: /m.test(yaml));
    expect(contractLanguage().safeParse(parse(whole!)).error).toBeUndefined();
  });
});

it('the list of known failures in docker/README.md has no problems', async () => {
  const list = examples('docker/README.md').find((yaml) => /^# scenario, /.test(yaml))!;
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-docs-'));
  writeFileSync(join(folder, 'known.yaml'), list);
  const ids = (await loadShipped(await loadVocabulary())).map(({ id }) => id);
  const { entries, problems } = await loadKnown('known.yaml', folder, ids);
  rmSync(folder, { recursive: true });
  expect(problems).toEqual([]);
  expect(entries).toHaveLength(1);
});

describe.each(['README.md', 'docker/README.md'])('the commands in %s', (file) => {
  const program = spawnSync(process.execPath, [join(ROOT, 'harness/cli.ts'), '--help']);
  const commands = [...text(file).matchAll(/^holdfast (\S+)(.*?)(?: #.*)?$/gm)].map(
    ([, command, rest]) => ({ command: command!, rest: rest! }),
  );

  it('are those that there are, with options that there are', () => {
    expect(commands.length).toBeGreaterThan(8);
    const all = String(program.stdout);
    for (const { command } of commands) expect(all).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    const help = new Map(
      [...new Set(commands.map(({ command }) => command))].map((command) => [
        command,
        String(
          spawnSync(process.execPath, [join(ROOT, 'harness/cli.ts'), command, '--help']).stdout,
        ),
      ]),
    );
    for (const { command, rest } of commands)
      for (const [option] of rest.matchAll(/--[a-z-]+/g))
        expect(help.get(command), `${command} ${option}`).toContain(option);
  });
});

it('the examples of the help name scenarios that there are', async () => {
  const help = spawnSync(process.execPath, [join(ROOT, 'harness/cli.ts'), '--help']);
  const named = [...String(help.stdout).matchAll(/^ {2}holdfast (?:run|lab) (\S.*)$/gm)]
    .flatMap(([, rest]) => rest!.split(/ {2}|--|&&/)[0]!.split(' '))
    .map((word) => word.replaceAll("'", ''))
    .filter((word) => word !== '' && !word.startsWith('.'));
  expect(named.length).toBeGreaterThan(3);
  const ids = (await loadShipped(await loadVocabulary())).map(({ id }) => id);
  expect(named.filter((word) => !ids.some((id) => selects(word, id)))).toEqual([]);
});

it.each([
  'README.md',
  'harness/README.md',
  'scenarios/README.md',
  'docker/README.md',
  'test/README.md',
])('the links of %s lead somewhere', (file) => {
  const links = [...text(file).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, to]) => to!);
  for (const to of links)
    expect(() => readFileSync(join(ROOT, file, '..', to)), to).not.toThrow(/ENOENT/);
});
