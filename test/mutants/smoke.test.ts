/** The profile smoke: what it has to catch, and that it holds nothing that nobody knows. */

import { describe, expect, it } from 'vitest';
import { readSmoke } from '../../harness/commands/profile.ts';
import { keepsWaiting } from '../../harness/model/stage.ts';
import { readPins } from './pins.ts';
import { uncaught } from './smoke.ts';
import { shippedScenarios } from './try.ts';

const scenarios = await shippedScenarios();
const smoke = readSmoke();
const pins = readPins();

describe('smoke', () => {
  it('catches every fault, but for what takes a restart: else node test/mutants/smoke.ts --write', () => {
    expect(uncaught(smoke, pins, scenarios)).toEqual([]);
    expect(uncaught([], pins, scenarios).length).toBeGreaterThan(180);
  });

  it('breaks, with other faults, the requirements that those left out break', () => {
    const plain = pins.filter(({ under }) => under.includes(''));
    const inSmoke = plain.filter(({ scenario }) => smoke.includes(scenario));
    const caught = new Set(inSmoke.map(({ fault }) => fault));
    const leftOut = plain.filter(({ fault }) => !caught.has(fault));
    expect(leftOut.map(({ fault }) => fault).sort()).toEqual([
      'forgets-cache-on-restart',
      'forgets-requiretls-in-a-restart',
      'leaks-after-restart',
      'loses-mail-on-restart',
    ]);
    const broken = new Set(inSmoke.map(({ requirement }) => requirement));
    expect(leftOut.filter(({ requirement }) => !broken.has(requirement))).toEqual([]);
  });

  it('is of shipped scenarios, each once, and hardly any of them waits', () => {
    const byId = new Map(scenarios.map((scenario) => [scenario.id, scenario]));
    expect(smoke.filter((id) => !byId.has(id))).toEqual([]);
    expect(new Set(smoke).size).toBe(smoke.length);
    const waiting = smoke.filter((id) => byId.get(id)!.stages.some(keepsWaiting));
    expect(waiting.length).toBeLessThanOrEqual(3);
  });
});
