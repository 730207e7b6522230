/**
 * The second half of npm run bench: Postfix in a container, its image built beforehand. The whole
 * suite runs on one warm server; it is held against the slowest scenario alone and the start-up,
 * all in one run.
 */

import { openLab } from '../harness/labs/open.ts';
import type { TrialResult } from '../harness/model/reporter.ts';
import type { Scenario } from '../harness/model/scenario.ts';
import { senderOf } from '../harness/senders/find.ts';
import { loadVocabulary } from '../harness/vocabulary.ts';
import { shippedScenarios } from './mutants/try.ts';
import { resultsOf } from './suite.ts';

const JOBS = 64;
const TRIED_ALONE = 3;

const found = await senderOf('postfix');
const missing = await found.unavailable();
if (missing === undefined) await bench();
else console.log(`postfix      not measured: ${missing}`);

async function bench(): Promise<void> {
  const sender = (await found.prepare?.(console.error)) ?? found;
  const vocabulary = await loadVocabulary();
  const scenarios = await shippedScenarios();
  const run = async (chosen: readonly Scenario[]) => {
    const began = performance.now();
    let results: TrialResult[];
    {
      await using lab = await openLab('docker', console.error);
      results = await resultsOf({
        lab,
        vocabulary,
        senders: [sender],
        scenarios: chosen,
        jobs: JOBS,
      });
    }
    return { results, seconds: (performance.now() - began) / 1000 };
  };
  // The lab's image is built, if need be, before anything is measured.
  await run([]);
  const startUp = (await run([])).seconds;
  const whole = await run(scenarios);
  const longest = whole.results
    .toSorted((a, b) => b.verdict.durationMs - a.verdict.durationMs)
    .slice(0, TRIED_ALONE);
  const alone: { readonly id: string; readonly seconds: number }[] = [];
  for (const { trial } of longest)
    alone.push({ id: trial.scenario.id, seconds: (await run([trial.scenario])).seconds - startUp });
  const slowest = alone.toSorted((a, b) => b.seconds - a.seconds)[0]!;
  const undecided = whole.results.filter(({ verdict }) => verdict.grade === 'inconclusive').length;
  const round = (n: number, digits = 1) => n.toFixed(digits);
  console.log(
    `postfix      ${scenarios.length} variants in ${round(whole.seconds)} s, ${undecided} inconclusive, containers started and removed (aim: at most 60 s)`,
  );
  console.log(`start-up     ${round(startUp)} s for lab and server, removal included`);
  console.log(`slowest      ${slowest.id} alone: ${round(slowest.seconds)} s`);
  console.log(
    `ratio        ${round((whole.seconds - startUp) / slowest.seconds, 2)} without start-up (aim: at most 1.5)`,
  );
}
