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
import { extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Scenario } from '../model/scenario.ts';
import type { Vocabulary } from './language.ts';

/** What lists need of a scenario; the stages are the bulk of it. */
export type ScenarioHead = Omit<Scenario, 'stages'>;

/** An attack or an expectation, as far as a list tells of it. */
export interface Word {
  readonly name: string;
  readonly summary: string;
  /** As an item of a list in YAML. */
  readonly example: string;
}

export interface Words {
  readonly attacks: readonly Word[];
  readonly expectations: readonly Word[];
}

export interface CompiledSuite {
  readonly heads: readonly ScenarioHead[];
  readonly words: Words;
  scenarios(): readonly Scenario[];
}

/** Where what a suite is made from lies, besides the code; both absolute. */
export interface SuitePlaces {
  /** The package: package.json lies in it. */
  readonly folder: string;
  /** The scenario files. */
  readonly scenarios: string;
}

/** The first line of the file; the second one has the stages of each, in the same order. */
interface FirstLine {
  readonly fingerprint: string;
  readonly heads: readonly ScenarioHead[];
  readonly words: Words;
}

/** `dist/harness`. */
const CODE = fileURLToPath(new URL('..', import.meta.url));
const FILE = join(CODE, 'suite.json');
/** The folders whose code makes a scenario of a file. */
const READING = ['attacks', 'expectations', 'facts', 'model', 'protocol', 'scenario', 'yaml'];

/** undefined: none was compiled from exactly these files and by this code. */
export function readCompiledSuite(places: SuitePlaces): CompiledSuite | undefined {
  if (!existsSync(FILE)) return undefined;
  const [first, second] = readFileSync(FILE, 'utf8').split('\n');
  const { fingerprint, heads, words } = JSON.parse(first!) as FirstLine;
  if (fingerprint !== fingerprintOf(places)) return undefined;
  return {
    heads,
    words,
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
  vocabulary: Vocabulary,
  load: () => Promise<readonly Scenario[]>,
): Promise<void> {
  if (extname(import.meta.url) !== '.js')
    throw new Error('only compiled code has a compiled suite: npm run build makes both');
  const fingerprint = fingerprintOf(places);
  const scenarios = await load();
  if (fingerprintOf(places) !== fingerprint)
    throw new Error('a scenario file was changed while the suite was compiled');
  const heads = scenarios.map(({ stages: _, ...head }) => head);
  const first: FirstLine = { fingerprint, heads, words: wordsOf(vocabulary) };
  const lines = [first, scenarios.map(({ stages }) => stages)];
  writeFileSync(FILE, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** Attacks and expectations by name, in the order of the vocabulary. */
export function wordsOf({ attacks, expectations }: Vocabulary): Words {
  const told = (words: Vocabulary['attacks'] | Vocabulary['expectations']): Word[] =>
    [...words].map(([name, { summary, example }]) => ({ name, summary, example }));
  return { attacks: told(attacks), expectations: told(expectations) };
}

function fingerprintOf({ folder, scenarios }: SuitePlaces): string {
  const hash = createHash('sha256');
  const add = (name: string, content: string | Buffer) =>
    hash.update(`${name}\0${Buffer.byteLength(content)}\0`).update(content);
  const { version, dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  add('package.json', JSON.stringify({ version, dependencies }));
  addFolder('scenarios', scenarios, /\.ya?ml$/i);
  add('vocabulary', readFileSync(join(CODE, 'vocabulary.js')));
  for (const name of READING) addFolder(name, join(CODE, name), /\.js$/);
  return hash.digest('hex');

  function addFolder(name: string, path: string, wanted: RegExp): void {
    const files = readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((file) => wanted.test(file))
      // Built on one system and used on another.
      .map((file) => file.replaceAll(sep, '/'))
      .sort();
    add(name, String(files.length));
    for (const file of files) add(file, readFileSync(join(path, file)));
  }
}
