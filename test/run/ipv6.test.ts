/** IPv6: what a sender can, in a lab that can. */

import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startLab } from '../../harness/lab/lab.ts';
import { loadScenarios } from '../../harness/scenario/load.ts';
import { referenceSender } from '../../harness/senders/reference/index.ts';
import { loadVocabulary } from '../../harness/vocabulary.ts';
import { resultsOf } from '../suite.ts';

const file = fileURLToPath(new URL('../../scenarios/queue/ipv6.yaml', import.meta.url));

test.each([
  [true, [], 'pass'],
  [true, ['knows-no-ipv6'], 'fail'],
  [undefined, [], 'unsupported'],
] as const)('a lab that has IPv6: %s, and a sender of %j: %s', async (hasIpv6, traits, grade) => {
  await using lab = await startLab();
  const vocabulary = await loadVocabulary();
  const { scenarios } = await loadScenarios([file], file, vocabulary);
  const [result] = await resultsOf({
    lab: { ...lab, hasIpv6 },
    vocabulary,
    senders: [referenceSender({ traits: [...traits] })],
    scenarios,
    jobs: 1,
    bounds: { settleMs: 8000 },
  });
  expect(result!.verdict.grade).toBe(grade);
});
