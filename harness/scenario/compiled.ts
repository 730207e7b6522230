/**
 * The compiled suite: the shipped scenarios as `npm run build` has read them, so that listing or
 * running them reads no YAML.
 *
 * It lies beside the compiled code and bears the fingerprint of all that it was made from: every
 * scenario file, the code that reads them, and the versions of what that code depends on. Where the
 * fingerprint is another one, or where there is none as in a checkout, the YAML files are read.
 */

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Scenario } from '../model/scenario.ts';

/** What lists need of a scenario; the stages are the bulk of it. */
export type ScenarioHead = Omit<Scenario, 'stages'>;

export interface CompiledSuite {
  readonly heads: readonly ScenarioHead[];
  scenarios(): readonly Scenario[];
}

/** Where a suite is made and used; all absolute. */
export interface SuitePlaces {
  /** The package: package.json lies in it. */
  readonly folder: string;
  /** The scenario files. */
  readonly scenarios: string;
  /** The folder of the code, `dist/harness`; default: that of this file. */
  readonly code?: string;
}

/** The first line of the file; the second one has the stages of each, in the same order. */
interface FirstLine {
  readonly fingerprint: string;
  readonly heads: readonly ScenarioHead[];
}

const FILE = 'suite.json';
const CODE = fileURLToPath(new URL('..', import.meta.url));
/** The folders whose code makes a scenario of a file. */
const READING = ['attacks', 'expectations', 'model', 'protocol', 'scenario', 'yaml'];

/** undefined: none was compiled from exactly these files and by this code. */
export function readCompiledSuite(places: SuitePlaces): CompiledSuite | undefined {
  const file = join(places.code ?? CODE, FILE);
  if (!existsSync(file)) return undefined;
  const [first, second] = readFileSync(file, 'utf8').split('\n');
  const { fingerprint, heads } = JSON.parse(first!) as FirstLine;
  if (fingerprint !== fingerprintOf(places)) return undefined;
  return {
    heads,
    scenarios() {
      const stages = JSON.parse(second!) as Scenario['stages'][];
      return heads.map((head, index) => ({ ...head, stages: stages[index]! }));
    },
  };
}

/**
 * Writes the suite beside the code. Throws an Error when a file changed while `load` was reading, or
 * when this is not compiled code.
 */
export async function writeCompiledSuite(
  places: SuitePlaces,
  load: () => Promise<readonly Scenario[]>,
): Promise<void> {
  if (extname(import.meta.url) !== '.js')
    throw new Error('only compiled code has a compiled suite: npm run build makes both');
  const fingerprint = fingerprintOf(places);
  const scenarios = await load();
  if (fingerprintOf(places) !== fingerprint)
    throw new Error('a scenario file was changed while the suite was compiled');
  const heads = scenarios.map(({ stages: _, ...head }) => head);
  const first: FirstLine = { fingerprint, heads };
  const lines = [first, scenarios.map(({ stages }) => stages)];
  writeFileSync(
    join(places.code ?? CODE, FILE),
    lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
}

function fingerprintOf({ folder, scenarios, code = CODE }: SuitePlaces): string {
  const hash = createHash('sha256');
  const add = (name: string, content: string | Buffer) =>
    hash.update(`${name}\0${Buffer.byteLength(content)}\0`).update(content);
  const { version, dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  add('package.json', JSON.stringify({ version, dependencies }));
  addFolder(scenarios, /\.ya?ml$/i);
  add('vocabulary', readFileSync(join(code, 'vocabulary.js')));
  for (const name of READING) addFolder(join(code, name), /\.js$/);
  return hash.digest('hex');

  function addFolder(path: string, wanted: RegExp): void {
    const names = readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => wanted.test(name))
      .sort();
    add(path.slice(folder.length), String(names.length));
    for (const name of names) add(name, readFileSync(join(path, name)));
  }
}
