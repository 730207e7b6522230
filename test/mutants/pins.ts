/**
 * Pins: which scenario catches which fault, under which temperaments, with what grade and for what
 * requirement. `npm run mutants -- --write` finds them.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { neededCapabilities, type Scenario } from '../../harness/model/scenario.ts';
import type { Grade } from '../../harness/model/verdict.ts';
import {
  FAULTS,
  referenceSender,
  TEMPERAMENTS,
  TRIED_ALONE,
} from '../../harness/senders/reference/index.ts';
import { excuseOf } from './excused.ts';

export interface Pin {
  readonly fault: string;
  readonly scenario: string;
  readonly grade: Grade;
  readonly requirement: string;
  /** Others that the same trial finds broken, where no other pin of its scenario does. */
  readonly also?: readonly string[];
  /** Names of temperaments; `''`: none. */
  readonly under: readonly string[];
}

const FILE = new URL('./pins.json', import.meta.url);

export function readPins(): readonly Pin[] {
  return JSON.parse(readFileSync(FILE, 'utf8'));
}

export function writePins(pins: readonly Pin[]): void {
  const each = new Map(pins.map((pin) => [JSON.stringify(pin), pin]));
  writeFileSync(FILE, inLines([...each.values()]));
}

/** One a line, so that a change of one shows as such. */
export const inLines = (values: readonly unknown[]): string =>
  `[\n${values.map((value) => `  ${JSON.stringify(value)}`).join(',\n')}\n]\n`;

/** As pinned, or worse: how much of a race a fault wins, a busy machine decides. */
export const isAsPinned = (
  seen: Pick<Pin, 'grade' | 'requirement'> & { readonly broken: readonly string[] },
  pin: Pin,
): boolean =>
  ((seen.grade === pin.grade && seen.requirement === pin.requirement) ||
    (seen.grade === 'fail' && pin.grade === 'warn')) &&
  (pin.also ?? []).every((id) => seen.broken.includes(id));

export const traitsOf = (fault: string, temperament: string) =>
  [fault, temperament].filter((trait) => trait !== '').join('+');

/** No temperament, and each that faults are tried under. */
export const TEMPERED: readonly string[] = [
  '',
  ...Object.keys(TEMPERAMENTS).filter((name) => !TRIED_ALONE.includes(name)),
];

/** Every lawful sender. */
export const LAWFUL: readonly string[] = [
  ...TEMPERED,
  ...TRIED_ALONE,
  'logs-each-try+rests-between-hosts',
  'logs-each-try+slow',
];

const able = referenceSender().capabilities;

/** The reference sender can be tried with it, and so a fault of it can be caught. */
export const isForReference = (scenario: Scenario): boolean =>
  neededCapabilities(scenario).every((needed) => able.includes(needed));

/** What should be pinned, and is not. */
export function unpinned(pins: readonly Pin[], scenarios: readonly Scenario[]): string[] {
  const missing = Object.keys(FAULTS).flatMap((fault) =>
    TEMPERED.filter((temperament) => excuseOf(fault, temperament) === undefined)
      .filter((one) => !pins.some((pin) => pin.fault === fault && pin.under.includes(one)))
      .map((temperament) => `${traitsOf(fault, temperament)}: NOBODY catches it`),
  );
  const idle = scenarios
    .filter(isForReference)
    .filter(({ id }) => !pins.some(({ scenario }) => scenario === id));
  return [...missing, ...idle.map(({ id }) => `${id} catches no fault`)];
}
