/**
 * npm run bench: what a run keeps of each trial, in memory. Evidence is let go of once it was told;
 * what is left must not grow with it.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { resultOf } from '../harness/commands/tell.ts';
import { startLab } from '../harness/lab/lab.ts';
import type { Result } from '../harness/model/reporter.ts';
import { runSuite } from '../harness/run/suite.ts';
import { referenceSender } from '../harness/senders/reference/index.ts';
import { loadVocabulary } from '../harness/vocabulary.ts';
import { shippedScenarios } from './mutants/try.ts';

const JOBS = 32;
const PASSES = 12;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const vocabulary = await loadVocabulary();
const scenarios = (await shippedScenarios()).filter(({ id }) => id.startsWith('starttls/'));
const results: Result[] = [];
let evidenceChars = 0;
const onePass = async () => {
  await using lab = await startLab();
  await runSuite({
    lab,
    vocabulary,
    senders: [referenceSender()],
    scenarios,
    jobs: JOBS,
    onResult(result) {
      evidenceChars += JSON.stringify(result.trial.evidence).length;
      results.push(resultOf(result));
    },
  });
};
const heapKiB = () => {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1024;
};

// What is loaded, and what the first pass fills, is there once.
await onePass();
const before = { heap: heapKiB(), trials: results.length, evidenceChars };
for (let pass = 0; pass < PASSES; pass++) await onePass();
const trials = results.length - before.trials;
const kept = (heapKiB() - before.heap) / trials;
const seen = (evidenceChars - before.evidenceChars) / 1024 / trials;
console.log(
  `memory       ${kept.toFixed(1)} KiB kept of each of ${trials} trials (aim: at most 10), whose evidence is ${seen.toFixed(1)} KiB of JSON`,
);
