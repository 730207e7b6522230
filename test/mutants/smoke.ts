/**
 * The profile `smoke`: few scenarios, and quick ones, that find every requirement broken which any
 * fault of the reference sender breaks, by its pins.
 *
 *   node test/mutants/smoke.ts           says what scenarios/smoke.txt does not find broken
 *   node test/mutants/smoke.ts --write   chooses anew (greedy set cover), and writes it
 */

import { writeFileSync } from 'node:fs';
import { readSmoke } from '../../harness/commands/profile.ts';
import { neededCapabilities, type Scenario } from '../../harness/model/scenario.ts';
import { keepsWaiting } from '../../harness/model/stage.ts';
import { type Pin, readPins } from './pins.ts';
import { shippedScenarios } from './try.ts';

const FILE = new URL('../../scenarios/smoke.txt', import.meta.url);
const HEAD = `# The profile smoke: a run in seconds that finds every requirement broken which any fault of the
# reference sender breaks, but for what only a restart shows. node test/mutants/smoke.ts --write chooses it.
`;

/** The requirements that no scenario of the list finds broken; what takes a restart is left out. */
export function unasked(
  ids: readonly string[],
  pins: readonly Pin[],
  scenarios: readonly Scenario[],
): string[] {
  return [...askers(pins, scenarios)]
    .filter(([, asking]) => !ids.some((id) => asking.has(id)))
    .map(([requirement]) => requirement);
}

/** By requirement, the scenarios that find it broken by the reference sender with one fault, and no temperament. */
function askers(
  pins: readonly Pin[],
  scenarios: readonly Scenario[],
): Map<string, ReadonlySet<string>> {
  const restarting = new Set(scenarios.filter(restarts).map(({ id }) => id));
  const asking = new Map<string, Set<string>>();
  for (const { scenario, under, requirement, also = [] } of pins)
    if (under.includes('') && !restarting.has(scenario))
      for (const id of [requirement, ...also])
        asking.set(id, (asking.get(id) ?? new Set()).add(scenario));
  return asking;
}

/** A server that is restarted is started for that scenario alone: too long for a quick run. */
function restarts(scenario: Scenario): boolean {
  return neededCapabilities(scenario).includes('restart');
}

/** Greedy: whatever asks most that is not asked yet, for its cost; what was of use no more is dropped. */
function choose(pins: readonly Pin[], scenarios: readonly Scenario[]): string[] {
  const asking = askers(pins, scenarios);
  const cost = new Map(scenarios.map((scenario) => [scenario.id, costOf(scenario)]));
  const chosen: string[] = [];
  for (;;) {
    const open = [...asking.values()].filter((own) => !chosen.some((id) => own.has(id)));
    if (open.length === 0) break;
    const worth = (id: string) => open.filter((own) => own.has(id)).length / cost.get(id)!;
    const [best] = [...cost.keys()].toSorted((a, b) => worth(b) - worth(a));
    chosen.push(best!);
  }
  return chosen
    .toSorted((a, b) => cost.get(b)! - cost.get(a)!)
    .reduce((kept, id) => {
      const others = kept.filter((one) => one !== id);
      return unasked(others, pins, scenarios).length === 0 ? others : kept;
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
  const missing = unasked(smoke, pins, scenarios);
  process.stdout.write(
    `${smoke.length} of ${scenarios.length} scenarios; ${missing.length === 0 ? 'every requirement is asked' : `not asked: ${missing.join(', ')}`}\n`,
  );
  process.exitCode = missing.length === 0 ? 0 : 1;
}
