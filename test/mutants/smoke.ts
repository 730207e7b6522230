/**
 * The profile `smoke`: few scenarios, and quick ones, that catch every fault of the reference
 * sender by its pins.
 *
 *   node test/mutants/smoke.ts           says what scenarios/smoke.txt does not catch
 *   node test/mutants/smoke.ts --write   chooses anew (greedy set cover), and writes it
 */

import { writeFileSync } from 'node:fs';
import { readSmoke } from '../../harness/commands/profile.ts';
import { neededCapabilities, type Scenario } from '../../harness/model/scenario.ts';
import { keepsWaiting } from '../../harness/model/stage.ts';
import { type Pin, readPins } from './pins.ts';
import { shippedScenarios } from './try.ts';

const FILE = new URL('../../scenarios/smoke.txt', import.meta.url);
const HEAD = `# The profile smoke: a run in seconds that catches every fault of the reference sender, but for what
# only a restart shows. node test/mutants/smoke.ts --write chooses it.
`;

/** The faults that no scenario of the list is pinned for; those that take a restart are left out. */
export function uncaught(
  ids: readonly string[],
  pins: readonly Pin[],
  scenarios: readonly Scenario[],
): string[] {
  return [...catchers(pins, scenarios)]
    .filter(([, catching]) => !ids.some((id) => catching.has(id)))
    .map(([fault]) => fault);
}

/** By fault, the scenarios by which the reference sender with it, and no temperament, is caught. */
function catchers(
  pins: readonly Pin[],
  scenarios: readonly Scenario[],
): Map<string, ReadonlySet<string>> {
  const restarting = new Set(scenarios.filter(restarts).map(({ id }) => id));
  const plain = pins.filter(
    ({ scenario, under }) => under.includes('') && !restarting.has(scenario),
  );
  return new Map(
    [...Map.groupBy(plain, ({ fault }) => fault)].map(([fault, own]) => [
      fault,
      new Set(own.map(({ scenario }) => scenario)),
    ]),
  );
}

/** A server that is restarted is started for that scenario alone: too long for a quick run. */
function restarts(scenario: Scenario): boolean {
  return neededCapabilities(scenario).includes('restart');
}

/** Greedy: whatever catches most that is not caught yet, for its cost; what was of use no more is dropped. */
function choose(pins: readonly Pin[], scenarios: readonly Scenario[]): string[] {
  const catching = catchers(pins, scenarios);
  const cost = new Map(scenarios.map((scenario) => [scenario.id, costOf(scenario)]));
  const chosen: string[] = [];
  for (;;) {
    const open = [...catching.values()].filter((own) => !chosen.some((id) => own.has(id)));
    if (open.length === 0) break;
    const worth = (id: string) => open.filter((own) => own.has(id)).length / cost.get(id)!;
    const [best] = [...cost.keys()].toSorted((a, b) => worth(b) - worth(a));
    chosen.push(best!);
  }
  return chosen
    .toSorted((a, b) => cost.get(b)! - cost.get(a)!)
    .reduce((kept, id) => {
      const others = kept.filter((one) => one !== id);
      return uncaught(others, pins, scenarios).length === 0 ? others : kept;
    }, chosen)
    .sort();
}

/** Roughly, in messages: those it sends, its looks at the queue, and its waits. */
function costOf({ stages }: Scenario): number {
  const messages = stages.map(
    ({ step, control, unprotected }) =>
      (step.kind === 'advance' ? 2 : 1) +
      (control ? 1 : 0) +
      (unprotected ? 1 : 0) +
      (unprotected?.before ? 1 : 0),
  );
  const waits = stages.some(keepsWaiting) ? 15 : 0;
  return messages.reduce((sum, one) => sum + one, waits);
}

if (import.meta.main) {
  const [pins, scenarios] = [readPins(), await shippedScenarios()];
  if (process.argv.includes('--write'))
    writeFileSync(FILE, `${HEAD}${choose(pins, scenarios).join('\n')}\n`);
  const smoke = readSmoke();
  const missing = uncaught(smoke, pins, scenarios);
  process.stdout.write(
    `${smoke.length} of ${scenarios.length} scenarios; ${missing.length === 0 ? 'every fault is caught' : `not caught: ${missing.join(', ')}`}\n`,
  );
  process.exitCode = missing.length === 0 ? 0 : 1;
}
