/**
 * The oracle's self-test by mutation (DESIGN §4.11): the reference sender must pass every scenario,
 * every named fault of it must be caught by a scenario, and every scenario must catch a fault.
 *
 *   npm run mutants              the whole table, faults × scenarios, in as many processes as there are cores
 *   npm run mutants -- --write   and keeps one catch per fault and per scenario in mutants.json, which `npm test` tries again
 */

import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { startLab } from '../harness/lab/lab.ts';
import type { Scenario } from '../harness/model/scenario.ts';
import type { Grade, Verdict } from '../harness/model/verdict.ts';
import { runSuite } from '../harness/run/suite.ts';
import { loadScenarios } from '../harness/scenario/load.ts';
import { FAULTS, type FaultName } from '../harness/senders/reference/faults.ts';
import { referenceSender } from '../harness/senders/reference/index.ts';
import { loadVocabulary } from '../harness/vocabulary.ts';

/** One trial that catches: pairs kept in mutants.json. */
export interface Catch {
  readonly fault: string;
  readonly scenario: string;
}

export const KEPT = new URL('./mutants.json', import.meta.url);
const SCENARIOS = fileURLToPath(new URL('../scenarios', import.meta.url));
const JOBS = 48;
/** A message that a fault loses is not waited for as long as a slow mail server would be. */
const SETTLE_MS = 4000;

export const isCaught = (grade: Grade) => grade === 'fail' || grade === 'warn';

export async function shippedScenarios(): Promise<readonly Scenario[]> {
  const { scenarios, problems } = await loadScenarios(
    [SCENARIOS],
    SCENARIOS,
    await loadVocabulary(),
  );
  if (problems.length > 0)
    throw new Error(
      `the shipped scenarios have ${problems.length} problems: run holdfast lint scenarios`,
    );
  return scenarios;
}

/** The reference sender's verdicts on these scenarios; with a fault, the mutant's. */
export async function tryReference(
  scenarios: readonly Scenario[],
  fault?: FaultName,
): Promise<Verdict[]> {
  await using lab = await startLab();
  const senders = [referenceSender({ fault })];
  const results = await runSuite({
    lab,
    vocabulary: await loadVocabulary(),
    senders,
    scenarios,
    jobs: JOBS,
    settleMs: SETTLE_MS,
  });
  return results.map((result) => result.verdict);
}

interface Row {
  /** undefined: no fault. */
  readonly fault: string | undefined;
  readonly grades: Readonly<Record<string, Grade>>;
}

async function main(write: boolean): Promise<number> {
  const scenarios = await shippedScenarios();
  const began = performance.now();
  const rows = await inProcesses([undefined, ...Object.keys(FAULTS)], (row) =>
    process.stderr.write(`${row.fault ?? 'no fault'}: ${summary(row)}\n`),
  );
  const mutants = rows.filter((row) => row.fault !== undefined);
  const catches: Catch[] = mutants.flatMap((row) =>
    Object.entries(row.grades).flatMap(([scenario, grade]) =>
      isCaught(grade) ? [{ fault: row.fault!, scenario }] : [],
    ),
  );
  const sound = rows.find((row) => row.fault === undefined)!;
  const notPassed = Object.entries(sound.grades).filter(([, grade]) => grade !== 'pass');
  const missed = mutants
    .filter((row) => !catches.some((one) => one.fault === row.fault))
    .map((row) => row.fault);
  const idle = scenarios
    .map((scenario) => scenario.id)
    .filter((id) => !catches.some((one) => one.scenario === id));

  console.log(
    `${'fault'.padEnd(40)} ${'fail'.padStart(5)} ${'warn'.padStart(5)} ${'incon'.padStart(6)}  first caught by`,
  );
  for (const row of mutants)
    console.log(
      `${row.fault!.padEnd(40)} ${columns(row)}  ${catches.find((one) => one.fault === row.fault)?.scenario ?? 'NOBODY'}`,
    );
  console.log(`\n${mutants.length - missed.length} of ${mutants.length} faults caught`);
  console.log(
    `${scenarios.length - idle.length} of ${scenarios.length} scenarios catch a fault${idle.length > 0 ? `; idle: ${idle.join(', ')}` : ''}`,
  );
  console.log(
    `reference passes ${scenarios.length - notPassed.length} of ${scenarios.length}${notPassed.map(([id, grade]) => `\n  ${grade} ${id}`).join('')}`,
  );
  console.log(`${Math.round((performance.now() - began) / 1000)} s`);
  const clean = missed.length + idle.length + notPassed.length === 0;
  if (write && clean)
    writeFileSync(KEPT, `${JSON.stringify(fewest(scenarios, catches), null, 2)}\n`);
  return clean ? 0 : 1;
}

/** One catch for every scenario, and one for every fault that these leave out. */
function fewest(scenarios: readonly Scenario[], catches: readonly Catch[]): Catch[] {
  const load = new Map<string, number>();
  const kept = scenarios.map(({ id }) => {
    const [rarest] = catches
      .filter((one) => one.scenario === id)
      .sort((a, b) => (load.get(a.fault) ?? 0) - (load.get(b.fault) ?? 0));
    load.set(rarest!.fault, (load.get(rarest!.fault) ?? 0) + 1);
    return rarest!;
  });
  const others = Object.keys(FAULTS)
    .filter((fault) => !load.has(fault))
    .map((fault) => catches.find((one) => one.fault === fault)!);
  return [...kept, ...others];
}

function columns({ grades }: Row): string {
  const count = (grade: Grade) => Object.values(grades).filter((one) => one === grade).length;
  return `${String(count('fail')).padStart(5)} ${String(count('warn')).padStart(5)} ${String(count('inconclusive')).padStart(6)}`;
}

const summary = (row: Row) => columns(row).trim().replace(/ +/g, ' / ');

/** Each process takes the next fault as soon as it is done with one. */
async function inProcesses(
  faults: readonly (string | undefined)[],
  onRow: (row: Row) => void,
): Promise<Row[]> {
  const waiting = [...faults];
  const rows: Row[] = [];
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const child = fork(fileURLToPath(import.meta.url), ['--worker']);
      const next = () =>
        waiting.length > 0 ? child.send({ fault: waiting.shift() }) : child.disconnect();
      child.on('message', (row: Row) => {
        rows.push(row);
        onRow(row);
        next();
      });
      child.on('error', reject);
      child.on('exit', (code) =>
        code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`)),
      );
      next();
    });
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return rows;
}

async function serveParent(): Promise<void> {
  const scenarios = await shippedScenarios();
  process.on('message', async ({ fault }: { fault?: FaultName }) => {
    const verdicts = await tryReference(scenarios, fault);
    process.send!({
      fault,
      grades: Object.fromEntries(verdicts.map((verdict) => [verdict.scenario, verdict.grade])),
    } satisfies Row);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--worker')) await serveParent();
  else process.exitCode = await main(process.argv.includes('--write'));
}
