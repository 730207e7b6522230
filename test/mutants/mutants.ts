/**
 * The oracle's self-test by mutation. No lawful temperament of the reference sender may be failed,
 * and every named fault of it has to be caught, under every temperament that can commit it, with
 * the grade and for the requirement that are pinned.
 *
 *   npm run mutants              temperaments × scenarios, and faults × temperaments by their pins
 *   npm run mutants -- --write   finds the pins anew: faults × scenarios first, which takes an hour
 */

import { FAULTS } from '../../harness/senders/reference/index.ts';
import { excuseOf } from './excused.ts';
import { farm, type Order, type Result } from './farm.ts';
import { isCaught, type Pin, readPins, TEMPERED, traitsOf, unpinned, writePins } from './pins.ts';
import { shippedScenarios } from './try.ts';

const faults = Object.keys(FAULTS);
const temperaments = TEMPERED;
const shipped = await shippedScenarios();
const scenarios = shipped.map(({ id }) => id);

/** How many catches of a fault are tried under every temperament. */
const TRIED = 5;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function counting(what: string, orders: readonly Order[]) {
  return (done: number) =>
    void process.stderr.write(`${what}: ${done} of ${orders.length} senders\n`);
}

const run = (what: string, orders: readonly Order[]) => farm(orders, counting(what, orders));

// ---- temperaments ----

/** Lawful senders over all scenarios; problems: what failed, what nobody could decide. */
async function tryTemperaments(): Promise<string[]> {
  const orders = temperaments.map((traits) => ({ traits, scenarios }));
  const results = await run('temperaments', orders);
  const wrong = results.filter(
    ({ traits, grade }) =>
      grade === 'fail' || grade === 'inconclusive' || (traits === '' && grade !== 'pass'),
  );
  say(`${'temperament'.padEnd(24)} ${GRADES.map((grade) => grade.padStart(13)).join('')}`);
  for (const temperament of temperaments) {
    const own = results.filter(({ traits }) => traits === temperament);
    const counts = GRADES.map((grade) => own.filter((one) => one.grade === grade).length);
    const columns = counts.map((count) => String(count || '').padStart(13)).join('');
    say(`${(temperament || 'none').padEnd(24)} ${columns}`);
  }
  return wrong.map(({ words }) => words);
}

const GRADES = ['pass', 'warn', 'not-met', 'unsupported', 'fail', 'inconclusive'] as const;

// ---- faults ----

/** Every pin, tried; problems: what is not caught as pinned. */
async function tryPins(pins: readonly Pin[]): Promise<string[]> {
  const orders = pins.flatMap(({ fault, scenario, under }) =>
    under.map((temperament) => ({ traits: traitsOf(fault, temperament), scenarios: [scenario] })),
  );
  const results = await run('faults', together(orders));
  const problems = unpinned(pins, shipped);
  for (const { fault, scenario, grade, requirement, under } of pins) {
    for (const temperament of under) {
      const traits = traitsOf(fault, temperament);
      const seen = results.find((one) => one.traits === traits && one.scenario === scenario);
      if (seen?.grade !== grade || seen.requirement !== requirement)
        problems.push(
          `${seen?.words ?? `${traits} ${scenario}`}; pinned: ${grade} (${requirement})`,
        );
    }
  }
  return problems;
}

/** A sender that has several orders gets them at once. */
function together(orders: readonly Order[]): Order[] {
  return [...Map.groupBy(orders, ({ traits }) => traits)].map(([traits, own]) => ({
    traits,
    scenarios: own.flatMap((order) => order.scenarios),
  }));
}

function showPins(pins: readonly Pin[]): void {
  say(`\n${'fault'.padEnd(40)} grade requirement and scenario, and under how many temperaments`);
  for (const fault of faults) {
    const own = pins.filter((pin) => pin.fault === fault && pin.under.length > 0);
    for (const [index, { scenario, grade, requirement, under }] of own.entries())
      say(
        `${(index === 0 ? fault : '').padEnd(40)} ${grade.padEnd(5)} ${requirement} ${scenario} ${under.length}`,
      );
    if (own.length === 0) say(`${fault.padEnd(40)} NOBODY`);
  }
  const excused = faults.flatMap((fault) =>
    temperaments.flatMap((one) => excuseOf(fault, one) ?? []),
  );
  say(
    `\n${faults.length} faults under ${temperaments.length} temperaments, ${excused.length} excused`,
  );
}

// ---- new pins ----

async function findPins(): Promise<Pin[]> {
  const explored = await run(
    'exploring',
    faults.map((traits) => ({ traits, scenarios })),
  );
  const caught = explored.filter(({ grade }) => isCaught(grade));
  const rarity = (scenario: string) => caught.filter((one) => one.scenario === scenario).length;
  const candidates = new Map(
    faults.map((fault) => {
      const own = caught.filter(({ traits }) => traits === fault);
      const worst = own.some(({ grade }) => grade === 'fail') ? 'fail' : 'warn';
      const best = own
        .filter(({ grade }) => grade === worst)
        .toSorted((a, b) => rarity(a.scenario) - rarity(b.scenario));
      return [fault, spreadOverFiles(best)] as const;
    }),
  );
  const some = await tryUnderAll(candidates, (fault) => candidates.get(fault)!.slice(0, TRIED));
  // What escapes these may be caught by another.
  const open = faults.filter((fault) =>
    temperaments.some(
      (temperament) =>
        excuseOf(fault, temperament) === undefined && !isAnyCaught(some, fault, temperament),
    ),
  );
  const more = await tryUnderAll(candidates, (fault) =>
    open.includes(fault) ? candidates.get(fault)!.slice(TRIED, 40) : [],
  );
  return [...choose([...some, ...more]), ...forIdle(caught, [...some, ...more])];
}

/** The first of each file first. */
function spreadOverFiles(results: readonly Result[]): Result[] {
  const byFile = [...Map.groupBy(results, ({ scenario }) => scenario.split('@')[0]).values()];
  const rounds = Math.max(0, ...byFile.map((own) => own.length));
  return Array.from({ length: rounds }, (_, round) =>
    byFile.flatMap((own) => own[round] ?? []),
  ).flat();
}

async function tryUnderAll(
  candidates: ReadonlyMap<string, readonly Result[]>,
  pick: (fault: string) => readonly Result[],
): Promise<(Result & { fault: string; temperament: string })[]> {
  const orders = [...candidates.keys()].flatMap((fault) =>
    temperaments.map((temperament) => ({
      fault,
      temperament,
      traits: traitsOf(fault, temperament),
      scenarios: pick(fault).map(({ scenario }) => scenario),
    })),
  );
  const wanted = orders.filter((order) => order.scenarios.length > 0);
  const results = await run('faults × temperaments', wanted);
  return results.map((result) => {
    const { fault, temperament } = orders.find(({ traits }) => traits === result.traits)!;
    return { ...result, fault, temperament };
  });
}

type Tried = Awaited<ReturnType<typeof tryUnderAll>>[number];

const isAnyCaught = (tried: readonly Tried[], fault: string, temperament: string) =>
  tried.some(
    (one) => one.fault === fault && one.temperament === temperament && isCaught(one.grade),
  );

/** For each fault the fewest scenarios that catch it under all temperaments. */
function choose(tried: readonly Tried[]): Pin[] {
  return faults.flatMap((fault) => {
    const own = tried.filter((one) => one.fault === fault && isCaught(one.grade));
    const wanted = new Set(own.map(({ temperament }) => temperament));
    const groups = [
      ...Map.groupBy(own, (one) => `${one.scenario} ${one.grade} ${one.requirement}`).values(),
    ];
    const pins: Pin[] = [];
    while (wanted.size > 0) {
      const gain = (group: readonly Tried[]) =>
        group.filter(({ temperament }) => wanted.has(temperament)).length +
        (group[0]!.grade === 'fail' ? 100 : 0);
      const useful = groups.filter((group) => group.some((one) => wanted.has(one.temperament)));
      const [best] = useful.toSorted((a, b) => gain(b) - gain(a));
      const [{ scenario, grade, requirement }] = best as [Tried];
      const under = temperaments.filter(
        (one) => wanted.has(one) && best!.some(({ temperament }) => temperament === one),
      );
      pins.push({ fault, scenario, grade, requirement, under });
      for (const one of under) wanted.delete(one);
    }
    return pins;
  });
}

/** Scenarios that no chosen pin names, each with the fault that it catches rarest. */
function forIdle(caught: readonly Result[], tried: readonly Tried[]): Pin[] {
  const named = new Set(choose(tried).map(({ scenario }) => scenario));
  const load = new Map<string, number>();
  return scenarios
    .filter((id) => !named.has(id))
    .flatMap((id) => {
      const [rarest] = caught
        .filter(({ scenario }) => scenario === id)
        .toSorted((a, b) => (load.get(a.traits) ?? 0) - (load.get(b.traits) ?? 0));
      if (!rarest) return [];
      const { traits: fault, scenario, grade, requirement } = rarest;
      load.set(fault, (load.get(fault) ?? 0) + 1);
      return [{ fault, scenario, grade, requirement, under: [''] }];
    });
}

// ---- the command ----

const began = performance.now();
const isWriting = process.argv.includes('--write');
if (isWriting) writePins(await findPins());
const pins = readPins();
const problems = [...(await tryTemperaments()), ...(await tryPins(pins))];
showPins(pins);
for (const problem of problems) say(`✗ ${problem}`);
say(`${problems.length} problems, ${Math.round((performance.now() - began) / 1000)} s`);
process.exitCode = problems.length === 0 ? 0 : 1;
