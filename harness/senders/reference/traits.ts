/**
 * Traits: what tells one reference sender from another, its fault and its temperaments.
 */

import { FAULTS, type FaultName } from './faults.ts';
import { TEMPERAMENTS, type TemperamentName } from './temperaments.ts';

export type Trait = FaultName | TemperamentName;

/** Whether the sender has this trait. */
export type Is = (trait: Trait) => boolean;

export function traitsOf(traits: readonly Trait[]): Is {
  const all = new Set<Trait>(traits);
  return (trait) => all.has(trait);
}

/** `follows-redirects+keeps-to-cache`, each a trait; undefined: one of them is none. */
export function parseTraits(text: string): Trait[] | undefined {
  const names = text.split('+');
  const isKnown = (name: string): name is Trait =>
    Object.hasOwn(FAULTS, name) || Object.hasOwn(TEMPERAMENTS, name);
  return names.every(isKnown) ? names : undefined;
}
