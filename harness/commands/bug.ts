/**
 * `bug`: from a verdict to the people who can mend the server: a report that a stranger can act on,
 * and the evidence, with keys and what is private left out.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { basename, join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { scenarioFileId } from '../model/reporter.ts';
import type { Scenario } from '../model/scenario.ts';
import { UsageError } from '../model/usage.ts';
import { gradeWord, type Verdict } from '../model/verdict.ts';
import { makeFolder } from '../process/make-folder.ts';
import { printable } from '../protocol/printable.ts';
import { withoutPrivate } from '../results/private.ts';
import { tarOf } from '../results/tar.ts';
import type { Vocabulary } from '../scenario/language.ts';
import { loadScenario } from '../scenario/load.ts';
import { senderNames } from '../senders/find.ts';
import { findPackage } from '../shipped.ts';
import { EvidenceError, type KeptTrial, readTrials, readTrialsOf, trialFiles } from '../store.ts';
import { loadVocabulary } from '../vocabulary.ts';
import { nearestName } from '../yaml/problems.ts';
import { bugReport } from './bug-text.ts';
import { judgeKept } from './judge.ts';
import type { Terminal } from './terminal.ts';

export interface BugRequest {
  /** An id, with its variant. */
  readonly scenario: string;
  /** The folder of kept evidence. */
  readonly from: string;
  /** Whose; needed where the folder has several. */
  readonly sender?: string;
  /** The folder for the report and the evidence; default: the report goes to standard output. */
  readonly out?: string;
}

/**
 * Writes the report. The evidence is judged again, as it is handed out. Throws UsageError when there
 * is nothing to report, and for what cannot be read or written.
 */
export async function bug(request: BugRequest, terminal: Terminal): Promise<number> {
  const kept = await findKept(request);
  const vocabulary = await loadVocabulary();
  const trial = withoutPrivate(kept.trial, { home: homedir(), host: hostname() });
  const verdict = judgeKept({ trial, dir: kept.dir }, vocabulary);
  checkReportable(verdict, kept);
  for (const problem of kept.problems) terminal.complain(problem);

  const { scenario, sender } = trial;
  const name = fileName(`${sender.name}-${scenario.id}`);
  const isShippedScenario = await isShipped(scenario.id, vocabulary);
  const source = isShippedScenario ? undefined : await sourceOf(kept.trial.scenario, vocabulary);
  const report = bugReport({
    trial,
    verdict,
    vocabulary,
    bundle:
      request.out === undefined
        ? undefined
        : {
            name,
            source: source && scenario.file,
            packets: kept.packetsFile && basename(kept.packetsFile),
          },
    isShipped: {
      scenario: isShippedScenario,
      sender: senderNames().includes(sender.name.split(':', 1)[0]!),
    },
    versions: { holdfast: findPackage().version, node: process.versions.node },
  });
  if (request.out === undefined) {
    terminal.write(report);
    return 0;
  }
  const files: (readonly [string, string | Buffer])[] = [
    ['report.md', report],
    ...trialFiles({ trial, verdict }),
    ...(source === undefined ? [] : [[scenario.file, source] as const]),
    ...(kept.packetsFile === undefined
      ? []
      : [[basename(kept.packetsFile), await readPackets(kept.packetsFile)] as const]),
  ];
  const archive = await promisify(gzip)(
    tarOf(
      files.map(([file, content]) => ({ name: `${name}/${file}`, content: Buffer.from(content) })),
    ),
  );
  const paths = [join(request.out, `${name}.md`), join(request.out, `${name}.tar.gz`)] as const;
  try {
    await makeFolder(request.out);
    await writeFile(paths[0], report);
    await writeFile(paths[1], archive);
  } catch (error) {
    throw new UsageError(`the report cannot be written: ${printable((error as Error).message)}`);
  }
  terminal.write(
    `${paths[0]}\n${paths[1]}\nRead both before you send them: what the server logged stands in them.\n`,
  );
  return 0;
}

async function readPackets(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** The one trial that is asked for. */
async function findKept({ scenario, from, sender }: BugRequest): Promise<KeptTrial> {
  const found = await evidence(readTrialsOf(from, scenario));
  if (found.length === 0) throw new UsageError(await noneKept(scenario, from));
  const senders = [...new Set(found.map(({ trial }) => trial.sender.name))];
  const theirs =
    sender === undefined ? found : found.filter(({ trial }) => trial.sender.name === sender);
  const named = senders.map((name) => printable(name, 60)).join(', ');
  if (theirs.length === 0)
    throw new UsageError(
      `${from} has no evidence of ${printable(sender!, 60)} for this scenario, but of ${named}`,
    );
  if (sender === undefined && senders.length > 1)
    throw new UsageError(`${from} has evidence of ${named}: choose one with --sender`);
  if (theirs.length > 1)
    throw new UsageError(
      `${printable(scenario, 120)} is in ${from} more than once; name the variant, or a folder in it:${theirs
        .slice(0, NAMED_AT_MOST)
        .map(({ dir, trial }) => `\n  ${printable(trial.scenario.id, 120)}  ${printable(dir)}`)
        .join('')}`,
    );
  return theirs[0]!;
}

const NAMED_AT_MOST = 12;

async function noneKept(scenario: string, from: string): Promise<string> {
  const ids = new Set<string>();
  await evidence(
    (async () => {
      for await (const { trial } of readTrials(from)) ids.add(trial.scenario.id);
    })(),
  );
  const near = nearestName(scenario, [...ids]);
  return `${from} has no evidence of ${printable(scenario, 120)}${near === undefined ? '' : `: did you mean ${printable(near, 120)}?`}`;
}

async function evidence<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    throw error instanceof EvidenceError ? new UsageError(printable(error.message, 2000)) : error;
  }
}

function checkReportable({ grade }: Verdict, { dir, verdict: then }: KeptTrial): void {
  if (grade === 'fail' || grade === 'warn') return;
  const was =
    then && then.grade !== grade ? ` (it was ${gradeWord(then.grade)} when it was run)` : '';
  throw new UsageError(
    `${dir}: the verdict is ${gradeWord(grade)}${was}: there is nothing to report of the server`,
  );
}

/** Holdfast comes with a scenario of this id. */
async function isShipped(id: string, vocabulary: Vocabulary): Promise<boolean> {
  const fileId = scenarioFileId(id);
  if (!/^[\w-]+(?:\/[\w-]+)*$/.test(fileId)) return false;
  const file = join(findPackage().scenarios, `${fileId}.yaml`);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return false;
  return loadScenario(text, file, fileId, vocabulary).scenarios.some((one) => one.id === id);
}

/**
 * The text of the file that this scenario of one's own came from. undefined when the file is gone, or
 * does not say the same any more: evidence may come from others, and no other file goes out for it.
 */
async function sourceOf(scenario: Scenario, vocabulary: Vocabulary): Promise<string | undefined> {
  const { id, file } = scenario;
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined || !/^[\w.-]+\.ya?ml$/i.test(basename(file))) return undefined;
  const { scenarios } = loadScenario(text, file, scenarioFileId(id), vocabulary);
  const asKept = (value: unknown) => JSON.parse(JSON.stringify(value));
  return scenarios.some((one) => isDeepStrictEqual(asKept(one), asKept(scenario)))
    ? text
    : undefined;
}

const LONGEST_NAME = 80;

/** A name for a file and for the folder in the archive. */
function fileName(text: string): string {
  return text
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, LONGEST_NAME);
}
