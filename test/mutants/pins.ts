/**
 * Pins: which scenario catches which fault, under which temperaments, with what grade and for what
 * requirement. `npm run mutants -- --write` finds them.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import type { Grade } from '../../harness/model/verdict.ts';

export interface Pin {
  readonly fault: string;
  readonly scenario: string;
  readonly grade: Grade;
  readonly requirement: string;
  /** Names of temperaments; `''`: none. */
  readonly under: readonly string[];
}

const FILE = new URL('./pins.json', import.meta.url);

export function readPins(): readonly Pin[] {
  return JSON.parse(readFileSync(FILE, 'utf8'));
}

/** One pin a line, so that a change of one shows as such. */
export function writePins(pins: readonly Pin[]): void {
  writeFileSync(FILE, `[\n${pins.map((pin) => `  ${JSON.stringify(pin)}`).join(',\n')}\n]\n`);
}

/** The fault is caught: a grade that is none of a lawful sender's. */
export const isCaught = (grade: Grade) => grade === 'fail' || grade === 'warn';

export const traitsOf = (fault: string, temperament: string) =>
  [fault, temperament].filter((trait) => trait !== '').join('+');
