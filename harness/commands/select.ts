/**
 * Selecting scenarios: the words of the command line to scenarios, those of the shipped suite or a
 * user's own, which are given as paths (./mine, mine/new.yaml).
 */

import { existsSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { scenarioFileId } from '../model/reporter.ts';
import type { Scenario } from '../model/scenario.ts';
import { selects } from '../model/selection.ts';
import { UsageError } from '../model/usage.ts';
import { printable } from '../protocol/printable.ts';
import { readCompiledSuite, type ScenarioHead, type Words, wordsOf } from '../scenario/compiled.ts';
import type { Vocabulary } from '../scenario/language.ts';
import type { Loaded } from '../scenario/load.ts';
import { findPackage } from '../shipped.ts';
import { loadVocabulary } from '../vocabulary.ts';
import { formatProblem, nearestName } from '../yaml/problems.ts';
import { type Profile, readSmoke } from './profile.ts';

/**
 * The scenarios that the words select, each once, by id within each word; without words the whole
 * shipped suite. Of what is shipped, a profile leaves its own; files of one's own are run in each.
 * Throws UsageError when a word selects nothing, with the nearest ids; for the words of which the
 * profile leaves nothing; when a file has problems, with all of them; and for a file of one's own
 * with the id of a shipped one.
 */
export async function selectScenarios(
  words: readonly string[],
  vocabulary: Vocabulary,
  profile: Profile = 'full',
): Promise<readonly Scenario[]> {
  const own = words.filter(isPath);
  const others = words.filter((word) => !own.includes(word));
  const shipped =
    others.length === 0 && words.length > 0 ? [] : await loadShipped(vocabulary, others);
  const smoke = profile === 'smoke' ? new Set(readSmoke()) : undefined;
  const ofProfile = (chosen: readonly Scenario[]) =>
    chosen.filter(({ id }) => smoke === undefined || smoke.has(id));
  const selected: Scenario[] = words.length === 0 ? [...ofProfile(shipped)] : [];
  const leftOut: string[] = [];
  for (const word of words) {
    const found = isPath(word) ? [] : shipped.filter(({ id }) => selects(word, id));
    if (found.length > 0) {
      const chosen = ofProfile(found);
      selected.push(...chosen);
      if (chosen.length === 0) leftOut.push(printable(word, 80));
    } else if (isPath(word) || (word.includes('/') && existsSync(word)))
      selected.push(...(await readOwn(word, vocabulary)));
    else throw new UsageError(noneFound(word, shipped));
  }
  if (leftOut.length > 0)
    throw new UsageError(
      `the profile ${profile} has nothing of ${leftOut.join(', ')}: without --profile ${profile} it is run`,
    );
  return withoutRepeats(selected);
}

/**
 * The suite that comes with Holdfast; where each of these words names a file of it, perhaps no more
 * than those.
 */
export async function loadShipped(
  vocabulary: Vocabulary,
  words: readonly string[] = [],
): Promise<readonly Scenario[]> {
  const compiled = readCompiledSuite(findPackage());
  if (compiled) return compiled.scenarios();
  const named = new Set(words.map(scenarioFileId));
  const few = await readShipped(vocabulary, (id) => named.has(id));
  const isEnough = words.every((word) => few.some(({ id }) => selects(word, id)));
  return isEnough && few.length > 0 ? few : readShipped(vocabulary);
}

/** Of the suite that comes with Holdfast, all but the stages: no YAML is read if that can be. */
export async function shippedHeads(): Promise<readonly ScenarioHead[]> {
  return readCompiledSuite(findPackage())?.heads ?? readShipped(await loadVocabulary());
}

/** The attacks and expectations that scenarios are written with. */
export async function shippedWords(): Promise<Words> {
  return readCompiledSuite(findPackage())?.words ?? wordsOf(await loadVocabulary());
}

/** The suite from its YAML files; default: all of them. */
export async function readShipped(
  vocabulary: Vocabulary,
  isWanted?: (id: string) => boolean,
): Promise<readonly Scenario[]> {
  const { folder, scenarios } = findPackage();
  return whole(await readFiles([scenarios], folder, vocabulary, isWanted));
}

/** Lists of known failures go by ids, and so an id stands for one file, selected or not. */
async function readOwn(path: string, vocabulary: Vocabulary): Promise<readonly Scenario[]> {
  const scenarios = whole(await readFiles([path], process.cwd(), vocabulary));
  const { folder, scenarios: suite } = findPackage();
  for (const { id, file } of scenarios) {
    const shipped = join(suite, `${scenarioFileId(id)}.yaml`);
    if (existsSync(shipped) && resolve(file) !== shipped)
      throw new UsageError(
        `${printable(file, 200)}: the id ${printable(scenarioFileId(id), 120)} is that of ${relative(folder, shipped)}, which comes with Holdfast: give it another name or folder`,
      );
  }
  return scenarios;
}

/** YAML and its schemas are loaded only by those who read files. */
async function readFiles(
  paths: readonly string[],
  root: string,
  vocabulary: Vocabulary,
  isWanted?: (id: string) => boolean,
): Promise<Loaded> {
  const { loadScenarios } = await import('../scenario/load.ts');
  return loadScenarios(paths, root, vocabulary, isWanted);
}

/** The scenarios of files that have no problem; UsageError with every problem there is, else. */
function whole({ scenarios, problems }: Loaded): readonly Scenario[] {
  if (problems.length > 0) throw new UsageError(problems.map(formatProblem).join('\n'));
  return scenarios;
}

/** What can only be a path. A bare `folder/name` is looked for in the suite first. */
function isPath(word: string): boolean {
  return (
    /\.ya?ml$/i.test(word) ||
    word.startsWith('.') ||
    isAbsolute(word) ||
    (sep !== '/' && word.includes(sep))
  );
}

function noneFound(word: string, shipped: readonly Scenario[]): string {
  const ids = shipped.map(({ id }) => id);
  const files = [...new Set(ids.map(scenarioFileId))];
  const folders = [...new Set(files.map((id) => id.split('/')[0]!))];
  const last = word.split('/').at(-1)!;
  const variants = ids.filter((id) => last.length > 2 && id.includes(last));
  const [folder] = word.split('/');
  const near = [
    nearestName(word, [...folders, ...files, ...ids]),
    ...files.filter((id) => id.endsWith(`/${last}`)),
    ...files.filter((id) => last.length > 2 && id.includes(last)),
    ...variants.filter((id) => id.startsWith(`${folder}/`)),
    ...variants,
  ];
  const own = existsSync(word) ? [`./${word}`] : [];
  const named = [...new Set([...own, ...near.filter((name) => name !== undefined)])].slice(0, 5);
  const hint =
    named.length > 0
      ? `did you mean ${named.join(', ')}?`
      : `the folders are ${folders.join(', ')}; "holdfast list" names all`;
  return `no scenario ${printable(word, 80)}: ${hint}`;
}

/** The same scenario can be selected twice; two scenarios cannot share an id. */
function withoutRepeats(selected: readonly Scenario[]): Scenario[] {
  const byId = new Map<string, Scenario>();
  for (const scenario of selected) {
    const before = byId.get(scenario.id);
    if (before && before.file !== scenario.file)
      throw new UsageError(
        `${scenario.file}: the id ${scenario.id} is also that of ${before.file}`,
      );
    byId.set(scenario.id, scenario);
  }
  return [...byId.values()];
}
