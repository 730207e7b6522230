/**
 * The planted faults: each stands where its table says, and those tried here are caught.
 * `npm run planted` tries all of them.
 */

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PLANTED } from './faults.ts';
import { isCaught } from './planted.ts';

test.each(Object.entries(PLANTED))('%s has its place', (_name, { file, from, to, caughtBy }) => {
  expect(readFileSync(file, 'utf8').split(from).length - 1, `${from} in ${file}`).toBe(1);
  expect(to).not.toBe(from);
  expect(existsSync(caughtBy)).toBe(true);
});

test('there are thirty at least', () => {
  expect(Object.keys(PLANTED).length).toBeGreaterThanOrEqual(30);
});

test.each(['a cap that hides clear text', 'enforced without proof of a policy'])(
  '%s is caught: else npm run planted tells which are',
  async (name) => expect(await isCaught(name)).toBe(true),
);
