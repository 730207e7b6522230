/** The proofs that come with the suite: `npm run docs` makes them of the pins in test/mutants. */

import { readFileSync } from 'node:fs';
import { findPackage } from '../shipped.ts';
import type { Proof } from './coverage.ts';

export function readProofs(): readonly Proof[] {
  return JSON.parse(readFileSync(findPackage().proofs, 'utf8'));
}
