/**
 * The vocabulary: every attack, expectation, fact and reporter, found by the name of its file. Adding one
 * touches one file and its test.
 */

import { readdirSync } from 'node:fs';
import { extname } from 'node:path';
import type { Attack } from './model/attack.ts';
import type { ReporterModule } from './model/reporter.ts';
import { REQUIREMENTS } from './model/requirements.ts';
import type { Expectation, Fact } from './model/verdict.ts';
import type { Vocabulary } from './scenario/language.ts';

export async function loadVocabulary(): Promise<Vocabulary> {
  const [attacks, expectations, facts] = await Promise.all([
    loadFolder<Attack>('attacks', 'attack'),
    loadFolder<Expectation>('expectations', 'expectation'),
    loadFolder<Fact>('facts', 'fact'),
  ]);
  return { attacks, expectations, facts, requirements: new Set(Object.keys(REQUIREMENTS)) };
}

/** Every reporter, by the name of its file. */
export function loadReporters(): Promise<ReadonlyMap<string, ReporterModule>> {
  return loadFolder<ReporterModule>('reporters', 'reporter');
}

/** A file that exports no such name is a helper of its folder. */
async function loadFolder<T>(folder: string, exported: string): Promise<Map<string, T>> {
  const url = new URL(`./${folder}/`, import.meta.url);
  const suffix = extname(import.meta.url);
  const names = readdirSync(url)
    .filter((file) => file.endsWith(suffix) && !file.endsWith('.d.ts'))
    .sort();
  const modules = await Promise.all(names.map((file) => import(new URL(file, url).href)));
  return new Map(
    names.flatMap((file, i) =>
      modules[i][exported]
        ? [[file.slice(0, -suffix.length), modules[i][exported] as T] as const]
        : [],
    ),
  );
}
