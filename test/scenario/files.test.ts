import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadScenarios } from '../../harness/scenario/load.ts';
import { formatProblem } from '../../harness/yaml/problems.ts';
import { HEAD, vocabulary } from './vocabulary.ts';

const GOOD = `${HEAD}steps: [{ send: a, expect: [enforced] }]\n`;
const TWO = `${HEAD}variants: { b: {}, a: {} }\nsteps: [{ send: a, expect: [enforced] }]\n`;
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-scenarios-'));
  await write('suite/starttls/stripped.yaml', TWO);
  await write('suite/dns/spoofed.yml', GOOD);
  await write('suite/README.md', '# no scenario');
  await write('suite/folder.yaml/inner.YAML', GOOD);
  await write('bad/broken.yaml', `${GOOD}stray: 1\n`);
  await write('bad/good.yaml', GOOD);
  await write('bad/latin1.yaml', Buffer.from('title: x\nwhy: caf\xe9\n', 'latin1'));
  await write('bad/huge.yaml', '#'.repeat(1024 * 1024 + 1));
  await symlink('nowhere.yaml', join(root, 'bad/dangling.yaml'));
  execFileSync('mkfifo', [join(root, 'bad/pipe.yaml')]);
  await write('empty/notes.txt', '');
  await write('twice/a.yaml', GOOD);
  await write('twice/a.yml', GOOD);
  await write('twice/copy/a.yaml', GOOD);
});
afterAll(() => rm(root, { recursive: true }));

async function write(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

async function load(...paths: string[]) {
  const { scenarios, problems } = await loadScenarios(paths, root, vocabulary);
  const said = problems.map((problem) =>
    formatProblem(problem).split('\n')[0]!.replaceAll(root, ''),
  );
  return { found: scenarios.map(({ id, file }) => `${id} in ${file}`), problems: said };
}

it('a folder gives all that is below it, in order of id, variants as written', async () => {
  expect(await load('suite')).toEqual({
    found: [
      'dns/spoofed in suite/dns/spoofed.yml',
      'folder.yaml/inner in suite/folder.yaml/inner.YAML',
      'starttls/stripped@b in suite/starttls/stripped.yaml',
      'starttls/stripped@a in suite/starttls/stripped.yaml',
    ],
    problems: [],
  });
});

it('ids start at the folder given; a file has its base name; absolute paths are as good', async () => {
  expect(await load('suite/dns', 'suite/starttls/stripped.yaml')).toMatchObject({
    found: [
      'spoofed in suite/dns/spoofed.yml',
      'stripped@b in suite/starttls/stripped.yaml',
      'stripped@a in suite/starttls/stripped.yaml',
    ],
  });
  expect(await load(join(root, 'suite/dns'))).toMatchObject({
    found: ['spoofed in suite/dns/spoofed.yml'],
  });
});

it('a file found twice is loaded once, by the first way to it', async () => {
  expect(
    await load('suite/dns', 'suite/dns/spoofed.yml', '.').then(({ found }) =>
      found.filter((id) => id.includes('spoofed')),
    ),
  ).toEqual(['spoofed in suite/dns/spoofed.yml']);
});

it('good files load beside bad ones, and every bad one is told', async () => {
  const { found, problems } = await load('bad', 'nowhere', 'empty', 'suite/README.md');
  expect(found).toEqual(['good in bad/good.yaml']);
  expect(problems.toSorted()).toEqual([
    'bad/broken.yaml:5:1: unknown key (found "stray"; allowed title, why, requirements, needs, policy, domain, variants, steps)',
    'bad/dangling.yaml: no such file or folder',
    'bad/huge.yaml: a scenario file is at most 1 MiB',
    'bad/latin1.yaml:2:9: not UTF-8',
    'bad/pipe.yaml: not a file',
    'empty: no .yaml file of a scenario in this folder',
    'nowhere: no such file or folder',
    'suite/README.md:1:1: an empty file holds no scenario',
  ]);
});

it('two files cannot have one id', async () => {
  expect(await load('twice')).toMatchObject({
    found: [
      expect.stringMatching('^a in '),
      expect.stringMatching('^a in '),
      'copy/a in twice/copy/a.yaml',
    ],
    problems: [
      expect.stringMatching(/^twice\/a\.ya?ml: the id a is also that of twice\/a\.ya?ml$/),
    ],
  });
});

it('what is outside the root keeps its whole path', async () => {
  const { scenarios } = await loadScenarios(
    [join(root, 'suite/dns')],
    join(root, 'bad'),
    vocabulary,
  );
  expect(scenarios.map(({ file }) => file)).toEqual([join(root, 'suite/dns/spoofed.yml')]);
});
