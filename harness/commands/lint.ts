/**
 * `lint`: checks files of one's own. What is shipped was read when the package was built, and is
 * read again only where a file of it is another one since.
 */

import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { SENDER_FILE } from '../model/contract.ts';
import { KNOWN_FILE } from '../model/known.ts';
import { counted } from '../protocol/printable.ts';
import { readCompiledSuite } from '../scenario/compiled.ts';
import { findPackage } from '../shipped.ts';
import { loadVocabulary } from '../vocabulary.ts';
import { formatProblem, type Problem } from '../yaml/problems.ts';
import { shippedHeads } from './select.ts';
import { EXIT, type Terminal } from './terminal.ts';

/**
 * Checks files and folders of one's own: scenarios, the contracts of senders, and lists of known
 * failures, which may name the shipped scenarios and those given beside them.
 */
export async function lint(paths: readonly string[], terminal: Terminal): Promise<number> {
  const problems: Problem[] = [];
  const counts: string[] = [];
  const own: string[] = [];
  const contracts = (await Promise.all(paths.map(contractsAt))).flat();
  const lists = [
    ...(await keep(paths, isList)),
    ...contracts.map(listBeside).filter((path) => existsSync(path)),
  ];
  const others = paths.filter((path) => !isContract(path) && !lists.includes(path));
  if (others.length > 0) {
    const found = await checkScenarios(others, { mayBeNone: contracts.length > 0 });
    problems.push(...found.problems);
    own.push(...found.ids);
    if (found.ids.length > 0 || contracts.length === 0)
      counts.push(counted(found.ids.length, 'scenario'));
  }
  if (contracts.length > 0) {
    const { loadContract } = await import('../senders/contract/load.ts');
    for (const path of contracts)
      problems.push(...(await loadContract(path, process.cwd())).problems);
    counts.push(counted(contracts.length, 'sender'));
  }
  if (lists.length > 0) {
    const { loadKnown, unwritten } = await import('../known/load.ts');
    const ids = (await shippedHeads()).map(({ id }) => id);
    for (const path of lists) {
      const known = await loadKnown(path, process.cwd(), [...ids, ...own]);
      problems.push(...known.problems, ...unwritten(known.entries));
    }
    counts.push(counted(lists.length, 'list of known failures', 'lists of known failures'));
  }
  if (problems.length > 0) {
    terminal.write(`${problems.map(formatProblem).join('\n')}\n`);
    return EXIT.usage;
  }
  terminal.write(`${counts.join(', ')}, no problems\n`);
  return 0;
}

/** The contract that a path is, or the folders that hold one: it, and those below it. */
async function contractsAt(path: string): Promise<string[]> {
  if (isContract(path)) return [path];
  if (!look(path)?.isDirectory()) return [];
  const { foldersBelow } = await import('../yaml/folders.ts');
  // What cannot be read is told where its scenarios are.
  const folders = await foldersBelow(path).catch(() => []);
  return folders.filter(({ files }) => files.includes(SENDER_FILE)).map((folder) => folder.path);
}

const isContract = (path: string) => basename(path) === SENDER_FILE;

/**
 * A list of known failures can be called anything (`run --known`): it is known by what is in it. A
 * contract may have a `log.reason`.
 */
async function isList(path: string): Promise<boolean> {
  if (isContract(path)) return false;
  if (basename(path).endsWith(KNOWN_FILE)) return true;
  if (!look(path)?.isFile()) return false;
  const { readText } = await import('../yaml/file.ts');
  const { text = '' } = await readText(path, path);
  return /\breason:/.test(text) && !/^(title|why|steps):/m.test(text);
}

/** undefined: nothing is there, or no way leads to it, which is told where it is read. */
function look(path: string) {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

async function keep(
  paths: readonly string[],
  test: (path: string) => Promise<boolean>,
): Promise<string[]> {
  const kept = await Promise.all(paths.map(test));
  return paths.filter((_, index) => kept[index]);
}

/**
 * The shipped folder by itself needs no reading while it is what was compiled. `mayBeNone`: the top of
 * a project may hold senders and no scenario.
 */
async function checkScenarios(
  paths: readonly string[],
  { mayBeNone }: { readonly mayBeNone: boolean },
): Promise<{ readonly ids: readonly string[]; readonly problems: readonly Problem[] }> {
  const shipped = findPackage();
  const compiled =
    paths.length === 1 && resolve(paths[0]!) === shipped.scenarios
      ? readCompiledSuite(shipped)
      : undefined;
  if (compiled) return { ids: compiled.heads.map(({ id }) => id), problems: [] };
  const { loadScenarios, NO_SCENARIO } = await import('../scenario/load.ts');
  const { scenarios, problems } = await loadScenarios(paths, process.cwd(), await loadVocabulary());
  return {
    ids: scenarios.map(({ id }) => id),
    problems: problems.filter(({ message }) => !(mayBeNone && message === NO_SCENARIO)),
  };
}

function listBeside(contract: string): string {
  return join(isContract(contract) ? dirname(contract) : contract, KNOWN_FILE);
}
