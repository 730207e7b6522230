/**
 * Loading: YAML text and files to scenarios. Every problem of every file is found at once; a file
 * with a problem gives no scenario.
 */

import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { SENDER_FILE } from '../model/contract.ts';
import type { Scenario } from '../model/scenario.ts';
import { nameFrom, readText, unreadable, wholeFile } from '../yaml/file.ts';
import { foldersBelow } from '../yaml/folders.ts';
import { startComplaints } from '../yaml/issues.ts';
import type { Problem } from '../yaml/problems.ts';
import { inOrder } from '../yaml/problems.ts';
import { readSource } from '../yaml/source.ts';
import type { Vocabulary } from './language.ts';
import type { Grammar } from './read.ts';
import { grammarOf, readDraft } from './read.ts';
import { resolveDraft } from './resolve.ts';

export interface Loaded {
  readonly scenarios: readonly Scenario[];
  readonly problems: readonly Problem[];
}

/**
 * The scenarios of one file's text: `id@variant` for each variant, or `id` when it has none. `file`
 * is what problems call it. Throws only what an attack throws that is no PlanError.
 */
export function loadScenario(
  text: string,
  file: string,
  id: string,
  vocabulary: Vocabulary,
): Loaded {
  return loadText(text, file, id, vocabulary, grammarOf(vocabulary));
}

/**
 * The scenarios of files, and of every `.yaml` and `.yml` file below folders, files in order of id.
 * Relative paths start at `root`, and problems name files as seen from there. An id is the path
 * below the folder given, without extension; of a file given by itself, its base name. Only files
 * whose id is wanted are read.
 */
export async function loadScenarios(
  paths: readonly string[],
  root: string,
  vocabulary: Vocabulary,
  isWanted: (id: string) => boolean = () => true,
): Promise<Loaded> {
  const grammar = grammarOf(vocabulary);
  const found = await Promise.all(paths.map((path) => findFiles(resolve(root, path), root)));
  const files = found
    .flatMap((each) => each.files)
    .filter(({ id }) => isWanted(id))
    .filter((file, index, all) => all.findIndex(({ path }) => path === file.path) === index)
    .toSorted((a, b) => compare(a.id, b.id));
  const loaded = await Promise.all(
    files.map((file) => loadFile(file, nameFrom(root, file.path), vocabulary, grammar)),
  );
  const scenarios = loaded.flatMap((each) => each.scenarios);
  return {
    scenarios,
    problems: [...found, ...loaded].flatMap((each) => each.problems).concat(sharedIds(scenarios)),
  };
}

interface ScenarioFile {
  readonly path: string;
  readonly id: string;
}

/** Said of a folder. */
export const NO_SCENARIO = 'no .yaml file of a scenario in this folder';

const EXTENSION = /\.ya?ml$/i;

function loadText(
  text: string,
  file: string,
  id: string,
  vocabulary: Vocabulary,
  grammar: Grammar,
): Loaded {
  const { source, problems } = readSource(text, file);
  if (source === undefined) return { scenarios: [], problems: inOrder(problems) };
  const { complain, problems: told } = startComplaints(source);
  const draft = readDraft(source, grammar, complain);
  const scenarios = draft ? resolveDraft(draft, id, file, vocabulary, complain) : [];
  const all = inOrder([...problems, ...told]);
  return { scenarios: all.length === 0 ? scenarios : [], problems: all };
}

async function loadFile(
  { path, id }: ScenarioFile,
  name: string,
  vocabulary: Vocabulary,
  grammar: Grammar,
): Promise<Loaded> {
  const { text, problems } = await readText(path, name);
  return text === undefined
    ? { scenarios: [], problems }
    : loadText(text, name, id, vocabulary, grammar);
}

async function findFiles(
  path: string,
  root: string,
): Promise<{ files: readonly ScenarioFile[]; problems: readonly Problem[] }> {
  const name = nameFrom(root, path);
  const failed = (message: string) => ({ files: [], problems: [wholeFile(name, message)] });
  try {
    const found = await stat(path);
    if (found.isFile())
      return { files: [{ path, id: basename(path).replace(EXTENSION, '') }], problems: [] };
    if (!found.isDirectory()) return failed('neither a file nor a folder');
    const folders = await foldersBelow(path);
    // What lies beside a contract is the sender's: its configuration, its known failures.
    const [senders, others] = [true, false].map((isSender) =>
      folders
        .filter((folder) => folder.files.includes(SENDER_FILE) === isSender)
        .flatMap((folder) => folder.files.map((file) => join(folder.path, file)))
        .filter((file) => EXTENSION.test(file)),
    );
    const problems = await misplaced(senders!, root);
    if (others!.length === 0 && problems.length === 0) return failed(NO_SCENARIO);
    return {
      files: others!.map((file) => ({
        path: file,
        id: nameFrom(path, file).replace(EXTENSION, ''),
      })),
      problems,
    };
  } catch (error) {
    return { files: [], problems: [unreadable(name, error)] };
  }
}

/** Scenarios that lie where none is read. */
async function misplaced(files: readonly string[], root: string): Promise<Problem[]> {
  const read = await Promise.all(
    files.map(async (path) => {
      const name = nameFrom(root, path);
      return { name, ...(await readText(path, name)) };
    }),
  );
  return read
    .filter(({ text = '' }) => /^steps:/m.test(text) && /^(title|why|requirements):/m.test(text))
    .map(({ name }) =>
      wholeFile(
        name,
        `no scenario is read right beside a ${SENDER_FILE}: move it to a folder of its own, scenarios/`,
      ),
    );
}

function sharedIds(scenarios: readonly Scenario[]): Problem[] {
  const files = new Map<string, string>();
  return scenarios.flatMap(({ id, file }) => {
    const first = files.get(id);
    files.set(id, first ?? file);
    return first === undefined ? [] : [wholeFile(file, `the id ${id} is also that of ${first}`)];
  });
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
