/**
 * What needs the shipped vocabulary: names that an attack brings in, and requirements of a
 * variant's own.
 */

import { expect, test } from 'vitest';
import { loadScenario } from '../../harness/scenario/load.ts';
import { loadVocabulary } from '../../harness/vocabulary.ts';

const vocabulary = await loadVocabulary();
const load = (variants: string) =>
  loadScenario(
    `title: t
why: w
requirements: [8461-4.1-mx-match]
variants: ${variants}
steps:
  - prime
  - send: attacked
    under: $variant
    expect: [enforced]
`,
    'f.yaml',
    'f',
    vocabulary,
  );

test.each([
  ['{ a: { under: [{ swap-mx: evil.example.com }] } }', 'evil.example.com', 37],
  [
    '{ a: { under: [{ patch: { mxHosts: { evil.example.com: { create: true } } } }] } }',
    'evil.example.com',
    26,
  ],
  [
    '{ a: { under: [{ patch: { dns: { rules: [{ name: example.org, type: MX, answer: nxdomain }] } } }] } }',
    'example.org',
    60,
  ],
])('a foreign name is a problem at its attack: %s', (variants, name, column) => {
  const { scenarios, problems } = load(variants);
  expect(scenarios).toEqual([]);
  expect(problems).toMatchObject([
    { line: 4, column, message: 'only .test names', found: JSON.stringify(name) },
  ]);
});

test("a variant's requirements stand in place of the file's", () => {
  const { scenarios, problems } = load(
    '{ a: { under: [swap-mx] }, b: { requirements: [8461-4.1-exact], under: [swap-mx] } }',
  );
  expect(problems).toEqual([]);
  expect(scenarios.map(({ requirements }) => requirements)).toEqual([
    ['8461-4.1-mx-match'],
    ['8461-4.1-exact'],
  ]);
});
