/** The scenarios shipped, read with the vocabulary shipped. */

import { existsSync } from 'node:fs';
import { glob, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Attack } from '../../harness/model/attack.ts';
import { REQUIREMENTS } from '../../harness/model/requirements.ts';
import type { Expectation } from '../../harness/model/verdict.ts';
import type { Vocabulary } from '../../harness/scenario/language.ts';
import { loadScenarios } from '../../harness/scenario/load.ts';
import { formatProblem } from '../../harness/scenario/problems.ts';
import { scenarioJsonSchema } from '../../harness/scenario/schema.ts';

const ROOT = join(import.meta.dirname, '../..');

async function shippedVocabulary(): Promise<Vocabulary> {
  return {
    attacks: await modulesOf<Attack>('attacks', 'attack'),
    expectations: await modulesOf<Expectation>('expectations', 'expectation'),
    requirements: new Set(Object.keys(REQUIREMENTS)),
  };
}

/** Attacks and expectations are named after their files. */
async function modulesOf<T>(folder: string, exported: string): Promise<Map<string, T>> {
  const files = (await readdir(join(ROOT, 'harness', folder))).filter((file) => file.endsWith('.ts')).toSorted();
  const modules = await Promise.all(
    files.map(async (file) => [file.slice(0, -3), await import(join(ROOT, 'harness', folder, file))] as const),
  );
  return new Map(modules.flatMap(([name, module]) => (exported in module ? [[name, module[exported]]] : [])));
}

it('load without a problem', async () => {
  const folder = join(ROOT, 'scenarios');
  const files = existsSync(folder) ? await Array.fromAsync(glob('**/*.{yaml,yml}', { cwd: folder })) : [];
  const { problems, scenarios } = await loadScenarios(files.length > 0 ? ['scenarios'] : [], ROOT, await shippedVocabulary());
  expect(problems.map(formatProblem)).toEqual([]);
  expect(new Set(scenarios.map(({ file }) => file)).size).toBe(files.length);
});

it('have a JSON Schema with every attack and expectation', async () => {
  const vocabulary = await shippedVocabulary();
  const schema = JSON.stringify(scenarioJsonSchema(vocabulary));
  for (const name of [...vocabulary.attacks.keys(), ...vocabulary.expectations.keys()]) expect(schema).toContain(`"${name}":{`);
});
