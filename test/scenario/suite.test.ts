/** The scenarios shipped, read with the vocabulary shipped. */

import { existsSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadScenarios } from '../../harness/scenario/load.ts';
import { scenarioJsonSchema } from '../../harness/scenario/schema.ts';
import { loadVocabulary } from '../../harness/vocabulary.ts';
import { formatProblem } from '../../harness/yaml/problems.ts';

const ROOT = join(import.meta.dirname, '../..');

it('load without a problem', async () => {
  const folder = join(ROOT, 'scenarios');
  const files = existsSync(folder)
    ? await Array.fromAsync(glob('**/*.{yaml,yml}', { cwd: folder }))
    : [];
  const { problems, scenarios } = await loadScenarios(
    files.length > 0 ? ['scenarios'] : [],
    ROOT,
    await loadVocabulary(),
  );
  expect(problems.map(formatProblem)).toEqual([]);
  expect(new Set(scenarios.map(({ file }) => file)).size).toBe(files.length);
});

it('have a JSON Schema with every attack and expectation', async () => {
  const vocabulary = await loadVocabulary();
  const schema = JSON.stringify(scenarioJsonSchema(vocabulary));
  for (const name of [...vocabulary.attacks.keys(), ...vocabulary.expectations.keys()])
    expect(schema).toContain(`"${name}":{`);
});
