/**
 * Shipped: what lies beside the code in the package, and where. The code itself runs from
 * `harness/` in a checkout and from `dist/harness/` once compiled; both have one package.json above
 * them.
 */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Package {
  /** Absolute. */
  readonly folder: string;
  /** The suite: one scenario a file. */
  readonly scenarios: string;
  /** How long each of them takes. */
  readonly durations: string;
  /** Which scenario finds which requirement broken, by which faults. */
  readonly proofs: string;
  /** The attacks of the field, and which scenarios use them. */
  readonly catalogue: string;
  /** A folder each of the mail servers to be run in containers. */
  readonly servers: string;
  /** What `init` writes, besides a server's own files. */
  readonly init: string;
  /** Workflows for CI, to be copied. */
  readonly ci: string;
  readonly version: string;
  /** The range of Node versions, as in package.json. */
  readonly nodeRange: string;
}

/** The nearest package named holdfast above this file. Throws an Error when there is none. */
export function findPackage(): Package {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) {
      const { name, version, engines } = JSON.parse(readFileSync(file, 'utf8'));
      if (name === 'holdfast')
        return {
          folder,
          scenarios: join(folder, 'scenarios'),
          durations: join(folder, 'scenarios', 'durations.json'),
          proofs: join(folder, 'scenarios', 'proofs.json'),
          catalogue: join(folder, 'scenarios', 'catalogue.txt'),
          servers: join(folder, 'docker', 'senders'),
          init: join(folder, 'docker', 'init'),
          ci: join(folder, 'docker', 'ci'),
          version,
          nodeRange: engines.node,
        };
    }
    if (folder === dirname(folder)) throw new Error('Holdfast has lost its package.json');
  }
}

/**
 * Whether a version lies in a range of `^a.b.c` and `>=a.b.c` joined by `||`, which is all that
 * package.json uses.
 */
export function isInRange(version: string, range: string): boolean {
  const actual = numbers(version);
  return range.split('||').some((part) => {
    const least = numbers(part);
    return compare(actual, least) >= 0 && (part.includes('>=') || actual[0] === least[0]);
  });
}

const numbers = (text: string) => (text.match(/\d+/g) ?? []).slice(0, 3).map(Number);
const compare = (a: readonly number[], b: readonly number[]) =>
  a.map((part, index) => part - (b[index] ?? 0)).find((difference) => difference !== 0) ?? 0;
