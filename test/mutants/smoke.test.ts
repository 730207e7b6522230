/** The profile smoke: what it has to catch, and that it holds nothing that nobody knows. */

import { describe, expect, it } from 'vitest';
import { readSmoke } from '../../harness/commands/profile.ts';
import { keepsWaiting } from '../../harness/model/stage.ts';
import { readPins } from './pins.ts';
import { unasked } from './smoke.ts';
import { shippedScenarios } from './try.ts';

const scenarios = await shippedScenarios();
const smoke = readSmoke();
const pins = readPins();

describe('smoke', () => {
  it('asks every requirement that a fault breaks, but for what takes a restart: else node test/mutants/smoke.ts --write', () => {
    expect(unasked(smoke, pins, scenarios)).toEqual([]);
    expect(unasked([], pins, scenarios).length).toBeGreaterThan(150);
  });

  it('is of shipped scenarios, each once, and hardly any of them waits', () => {
    const byId = new Map(scenarios.map((scenario) => [scenario.id, scenario]));
    expect(smoke.filter((id) => !byId.has(id))).toEqual([]);
    expect(new Set(smoke).size).toBe(smoke.length);
    const waiting = smoke.filter((id) => byId.get(id)!.stages.some(keepsWaiting));
    expect(waiting.length).toBeLessThanOrEqual(3);
  });
});
