import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findPackage, isInRange } from '../harness/shipped.ts';

it('the package is found with its scenarios', () => {
  const found = findPackage();
  expect(found.folder).toBe(join(import.meta.dirname, '..'));
  expect(existsSync(found.scenarios)).toBe(true);
  expect(found.version).toMatch(/^\d+\.\d+\.\d+$/);
});

describe('the range of Node versions', () => {
  const range = '^22.22.0 || ^24.11.0 || >=26.0.0';
  const fits = (version: string) =>
    it(`holds ${version}`, () => expect(isInRange(version, range)).toBe(true));
  const not = (version: string) =>
    it(`does not hold ${version}`, () => expect(isInRange(version, range)).toBe(false));
  fits('22.22.0');
  fits('22.30.1');
  fits('24.11.0');
  fits('26.0.0');
  fits('27.3.1');
  fits('26.1.0-nightly20261101');
  not('20.20.2');
  not('22.21.9');
  not('23.99.0');
  not('24.10.9');
  not('25.9.0');
  not('8.0.0');
});
