import { writeFileSync } from 'node:fs';
import { FAULTS } from '../harness/senders/reference/index.ts';
import { farm } from './mutants/farm.ts';
import { shippedScenarios } from './mutants/try.ts';

const scenarios = (await shippedScenarios()).map(({ id }) => id);
const faults = process.argv.length > 3 ? process.argv.slice(3) : Object.keys(FAULTS);
const t = performance.now();
const seen: Record<string, unknown[]> = {};
const results = await farm(
  faults.map((traits) => ({ traits, scenarios })),
  (done, some) => {
    const by: Record<string, number> = {};
    for (const { grade } of some) by[grade] = (by[grade] ?? 0) + 1;
    console.log(
      done,
      some[0]?.traits,
      JSON.stringify(by),
      Math.round((performance.now() - t) / 1000),
      's',
    );
    for (const r of some) if (r.grade !== 'pass') (seen[r.traits] ??= []).push(r);
    writeFileSync(process.argv[2]!, JSON.stringify(seen));
  },
);
