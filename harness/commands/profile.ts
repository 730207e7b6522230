/**
 * Profiles: `smoke` is a part of the shipped suite that ends in seconds, for pull requests; `full`
 * is all of it. The ids of `smoke` stand in scenarios/smoke.txt, one a line.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPackage } from '../shipped.ts';

export const PROFILES = ['smoke', 'full'] as const;
export type Profile = (typeof PROFILES)[number];

/** The ids of the scenarios of `smoke`, in the order of the file. */
export function readSmoke(): readonly string[] {
  return readFileSync(join(findPackage().scenarios, 'smoke.txt'), 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
}
