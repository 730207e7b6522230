/**
 * The oracle's self-test by mutation. No lawful temperament of the reference sender may be failed,
 * and every named fault of it has to be caught, under every temperament that can commit it, with
 * the grade and for the requirement that are pinned.
 *
 *   npm run mutants              temperaments × scenarios, and faults × temperaments by their pins
 *   npm run mutants -- --part 2/4
 *                                a part of it: every fourth scenario, from the second on, and its pins
 *   npm run mutants -- --write   keeps the pins that hold, and finds those that are missing: minutes
 *                                for a new fault or scenario, an hour with no pins at all
 *   npm run mutants -- --write --fault ^dane- --scenario ^dane/
 *                                the same for these faults over these scenarios; all else stays
 */

import { parseArgs } from 'node:util';
import { parseShard } from '../../harness/results/shard.ts';
import { FAULTS } from '../../harness/senders/reference/index.ts';
import { excuseOf } from './excused.ts';
import { farm, type Order, type Result, together } from './farm.ts';
import {
  isAsPinned,
  isForReference,
  LAWFUL,
  type Pin,
  readPins,
  TEMPERED,
  traitsOf,
  unpinned,
  writePins,
} from './pins.ts';
import { provingPins, unproved, worthTrying } from './proving.ts';
import { shippedScenarios } from './try.ts';

const temperaments = TEMPERED;
const { values: given } = parseArgs({
  options: {
    write: { type: 'boolean' },
    part: { type: 'string', default: '1/1' },
    fault: { type: 'string', default: '' },
    scenario: { type: 'string', default: '' },
  },
});
const faults = Object.keys(FAULTS).filter((fault) => new RegExp(given.fault).test(fault));
const isWhole = given.fault === '' && given.scenario === '';
const part = parseShard(given.part);
if (!part || (given.write && part.of > 1))
  throw new Error('--part 2/4 is the second of four, and does not go with --write');
const shipped = await shippedScenarios();
const scenarios = shipped
  .filter(isForReference)
  .map(({ id }) => id)
  .filter((_, index) => index % part.of === part.index - 1)
  .filter((id) => new RegExp(given.scenario).test(id));

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function counting(what: string, orders: readonly Order[]) {
  return (done: number) =>
    void process.stderr.write(`${what}: ${done} of ${orders.length} senders\n`);
}

const run = (what: string, orders: readonly Order[]) => farm(orders, counting(what, orders));

// ---- temperaments ----

/** Lawful senders over all scenarios. */
const tryTemperaments = () =>
  run(
    'temperaments',
    LAWFUL.map((traits) => ({ traits, scenarios })),
  );

/** What failed, and what nobody could decide. */
function showTemperaments(results: readonly Result[]): string[] {
  say(`${'temperament'.padEnd(24)} ${GRADES.map((grade) => grade.padStart(13)).join('')}`);
  for (const temperament of LAWFUL) {
    const own = results.filter(({ traits }) => traits === temperament);
    const counts = GRADES.map((grade) => own.filter((one) => one.grade === grade).length);
    const columns = counts.map((count) => String(count || '').padStart(13)).join('');
    say(`${(temperament || 'none').padEnd(24)} ${columns}`);
  }
  return results
    .filter(
      ({ traits, grade }) =>
        grade === 'fail' || grade === 'inconclusive' || (traits === '' && grade !== 'pass'),
    )
    .map(({ words }) => words);
}

/** A warning that the temperament alone gets as well catches no fault. */
function catches(lawful: readonly Result[]) {
  const warned = new Set(
    lawful
      .filter(({ grade }) => grade === 'warn')
      .map(({ traits, scenario, requirement }) => `${traits} ${scenario} ${requirement}`),
  );
  return ({ grade, scenario, requirement }: Result, temperament: string): boolean =>
    grade === 'fail' ||
    (grade === 'warn' && !warned.has(`${temperament} ${scenario} ${requirement}`));
}

const GRADES = ['pass', 'warn', 'not-met', 'unsupported', 'fail', 'inconclusive'] as const;

// ---- faults ----

/** Every pin, tried; problems: what is not caught as pinned. */
async function tryPins(pins: readonly Pin[], lawful: readonly Result[]): Promise<string[]> {
  const isCaught = catches(lawful);
  const problems: string[] = [];
  for (const { pin, temperament, result } of await tryAll(pins)) {
    const { grade, requirement } = pin;
    if (!isAsPinned(result, pin))
      problems.push(`${result.words}; pinned: ${grade} (${requirement})`);
    else if (!isCaught(result, temperament))
      problems.push(`${result.words}; so does ${temperament} without the fault`);
  }
  return problems;
}

interface Tried {
  readonly fault: string;
  readonly temperament: string;
  readonly result: Result;
}

/** Each, under its temperaments. */
async function tryAll<P extends Pick<Pin, 'fault' | 'scenario' | 'under'>>(
  pins: readonly P[],
): Promise<(Tried & { readonly pin: P })[]> {
  const wanted = pins.flatMap((pin) =>
    pin.under.map((temperament) => ({ pin, temperament, fault: pin.fault })),
  );
  const orders = wanted.map(({ pin, temperament }) => ({
    traits: traitsOf(pin.fault, temperament),
    scenarios: [pin.scenario],
  }));
  const results = await run('faults', together(orders));
  const byTrial = new Map(results.map((one) => [`${one.traits} ${one.scenario}`, one]));
  return wanted.flatMap((one) => {
    const traits = traitsOf(one.fault, one.temperament);
    const result = byTrial.get(`${traits} ${one.pin.scenario}`);
    return result ? [{ ...one, result }] : [];
  });
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

/** Those that hold, and others where there is none. */
async function findPins(lawful: readonly Result[]): Promise<Pin[]> {
  const isCaught = catches(lawful);
  const caught: Tried[] = [];
  const keep = (tried: readonly Tried[]) =>
    caught.push(...tried.filter(({ result, temperament }) => isCaught(result, temperament)));
  const tryMore = async (pins: readonly Pick<Pin, 'fault' | 'scenario' | 'under'>[]) => {
    keep(await tryAll(pins));
  };
  const openUnder = (fault: string) =>
    temperaments.filter(
      (temperament) =>
        excuseOf(fault, temperament) === undefined &&
        !caught.some((one) => one.fault === fault && one.temperament === temperament),
    );
  await tryMore(readPins().filter((pin) => faults.includes(pin.fault)));
  const open = faults.filter((fault) => openUnder(fault).length > 0);
  const explored = await run(
    'exploring',
    open.map((traits) => ({ traits, scenarios })),
  );
  keep(explored.map((result) => ({ fault: result.traits, temperament: '', result })));
  const pinned = (fault: string) =>
    readPins().flatMap((pin) => (pin.fault === fault ? [pin.scenario] : []));
  const candidates = new Map(
    open.map((fault) => [
      fault,
      [...new Set([...pinned(fault), ...candidatesFor(fault, explored)])],
    ]),
  );
  // What escapes the first may be caught by another.
  for (const [from, to] of ROUNDS)
    await tryMore(
      open.flatMap((fault) =>
        candidates
          .get(fault)!
          .slice(from, to)
          .map((scenario) => ({ fault, scenario, under: openUnder(fault) })),
      ),
    );
  const kept = readPins().filter(
    ({ fault, scenario }) => !isWhole && !(faults.includes(fault) && scenarios.includes(scenario)),
  );
  const chosen = [...kept, ...choose(caught)];
  const idle = scenarios.filter((id) => !chosen.some(({ scenario }) => scenario === id));
  const isAlone = ({ temperament, result }: Tried, id: string) =>
    temperament === '' && result.scenario === id;
  const unknown = idle.filter((id) => !caught.some((one) => isAlone(one, id)));
  const others = faults.filter((fault) => !open.includes(fault));
  await tryMore(
    others.flatMap((fault) => unknown.map((scenario) => ({ fault, scenario, under: [''] }))),
  );
  const found = [...chosen, ...forIdle(idle, caught)];
  const named = unproved(
    found,
    shipped.filter(({ id }) => scenarios.includes(id)),
  );
  const alone = () => caught.filter(({ temperament }) => temperament === '');
  const breaks = alone().flatMap(({ fault, result }) =>
    result.broken.map((requirement) => ({ fault, requirement })),
  );
  await tryMore(worthTrying(named, breaks));
  return [...found, ...provingPins(named, alone())];
}

/** Of the scenarios that may catch a fault, these are tried first. */
const ROUNDS = [
  [0, 1],
  [1, 4],
  [4, 12],
  [12, 40],
] as const;

/** The worst grade first, then the scenario that catches fewest others. */
function candidatesFor(fault: string, explored: readonly Result[]): string[] {
  const isBad = ({ grade }: Result) => grade === 'fail' || grade === 'warn';
  const own = explored.filter((one) => one.traits === fault && isBad(one));
  const worst = own.some(({ grade }) => grade === 'fail') ? 'fail' : 'warn';
  const rarity = (id: string) => explored.filter((one) => one.scenario === id && isBad(one)).length;
  const best = own
    .filter(({ grade }) => grade === worst)
    .toSorted((a, b) => rarity(a.scenario) - rarity(b.scenario));
  return spreadOverFiles(best).map(({ scenario }) => scenario);
}

/** The first of each file first. */
function spreadOverFiles(results: readonly Result[]): Result[] {
  const byFile = [...Map.groupBy(results, ({ scenario }) => scenario.split('@')[0]).values()];
  const rounds = Math.max(0, ...byFile.map((own) => own.length));
  return Array.from({ length: rounds }, (_, round) =>
    byFile.flatMap((own) => own[round] ?? []),
  ).flat();
}

/** For each fault the fewest scenarios that catch it under all temperaments. */
function choose(tried: readonly Tried[]): Pin[] {
  return faults.flatMap((fault) => {
    const own = tried.filter((one) => one.fault === fault);
    const wanted = new Set(own.map(({ temperament }) => temperament));
    const groups = [
      ...Map.groupBy(
        own,
        ({ result }) => `${result.scenario} ${result.grade} ${result.requirement}`,
      ).values(),
    ];
    const pins: Pin[] = [];
    while (wanted.size > 0) {
      const gain = (group: readonly Tried[]) =>
        group.filter(({ temperament }) => wanted.has(temperament)).length +
        (group[0]!.result.grade === 'fail' ? 100 : 0);
      const useful = groups.filter((group) => group.some((one) => wanted.has(one.temperament)));
      const [best] = useful.toSorted((a, b) => gain(b) - gain(a));
      const { scenario, grade, requirement } = best![0]!.result;
      const under = temperaments.filter(
        (one) => wanted.has(one) && best!.some(({ temperament }) => temperament === one),
      );
      pins.push({ fault, scenario, grade, requirement, under });
      for (const one of under) wanted.delete(one);
    }
    return pins;
  });
}

/** Each with a fault that it catches; one that few others are needed for. */
function forIdle(idle: readonly string[], caught: readonly Tried[]): Pin[] {
  const load = new Map<string, number>();
  return idle.flatMap((id) => {
    const [rarest] = caught
      .filter(({ temperament, result }) => temperament === '' && result.scenario === id)
      .toSorted((a, b) => (load.get(a.fault) ?? 0) - (load.get(b.fault) ?? 0));
    if (!rarest) return [];
    const { scenario, grade, requirement } = rarest.result;
    load.set(rarest.fault, (load.get(rarest.fault) ?? 0) + 1);
    return [{ fault: rarest.fault, scenario, grade, requirement, under: [''] }];
  });
}

// ---- the command ----

const began = performance.now();
const lawful = await tryTemperaments();
if (given.write) writePins(await findPins(lawful));
const pins = readPins();
const own = pins.filter(
  ({ fault, scenario }) => faults.includes(fault) && scenarios.includes(scenario),
);
const problems = [
  ...showTemperaments(lawful),
  ...unpinned(pins, shipped),
  // What is written now was tried for it.
  ...(given.write ? [] : await tryPins(own, lawful)),
];
if (part.of === 1) showPins(pins);
for (const problem of problems) say(`✗ ${problem}`);
say(`${problems.length} problems, ${Math.round((performance.now() - began) / 1000)} s`);
process.exitCode = problems.length === 0 ? 0 : 1;
