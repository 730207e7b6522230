/**
 * The store of kept evidence: what a verdict was made from, in files that people can read and
 * `holdfast judge` can judge again.
 *
 *   DIR/.holdfast                                         the mark of a folder that is ours to write in
 *   DIR/reference/starttls/stripped@as-removed-line/      a trial: sender, then scenario
 *       scenario.json  sender.json  evidence.ndjson  verdict.json  packets.pcapng
 */

import { createHash } from 'node:crypto';
import { readdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve, sep } from 'node:path';
import type { Observation } from './model/observation.ts';
import type { TrialResult } from './model/reporter.ts';
import type { Scenario } from './model/scenario.ts';
import type { SenderDescription } from './model/sender.ts';
import type { Trial, Verdict } from './model/verdict.ts';
import { makeFolder } from './process/make-folder.ts';
import { printableJson } from './protocol/printable.ts';

const MARK = '.holdfast';
/** What was captured, if it was (`--pcap`). */
const PACKETS_FILE = 'packets.pcapng';
/** All that is kept of a trial; it is one by its evidence, which goes last. */
const TRIAL_FILES = [
  'scenario.json',
  'sender.json',
  'verdict.json',
  PACKETS_FILE,
  'evidence.ndjson',
];
/** Evidence holds mail, and is its owner's alone. */
const OWN_FOLDER = 0o700;
const OWN_FILE = 0o600;
const FORMAT =
  'Evidence kept by Holdfast, format 2. A run removes what was kept here of its senders.\n';

/**
 * A folder that is not ours to write in, or kept evidence that cannot be read; the message says
 * which and where.
 */
export class EvidenceError extends Error {}

export interface KeptTrial {
  /** Its folder. */
  readonly dir: string;
  readonly trial: Trial;
  /** As judged when it was run; missing when the run did not come to that. */
  readonly verdict?: Verdict;
  /** The file of its packets, if they were captured. */
  readonly packetsFile?: string;
  /** What is cut short, as `file:line: …`. */
  readonly problems: readonly string[];
}

/**
 * Makes sure that evidence can be kept in this folder: it is new, empty, or has the mark of an
 * earlier run. Throws EvidenceError when it holds something else, and what the file system throws.
 */
export async function claimFolder(dir: string): Promise<void> {
  await makeFolder(dir, OWN_FOLDER);
  const found = await readdir(dir);
  if (found.includes(MARK)) return;
  if (found.length > 0)
    throw new EvidenceError(
      `${dir} is not empty and was not made by Holdfast: give a new or empty folder for the evidence`,
    );
  await writeFile(join(dir, MARK), FORMAT, { mode: OWN_FILE });
}

/**
 * Writes one trial and its verdict below `dir`, over what an earlier run kept of the same one.
 * Returns its folder. Throws as claimFolder.
 */
export async function keepTrial(
  dir: string,
  { trial, verdict, packets }: TrialResult,
): Promise<string> {
  await claimFolder(dir);
  const folder = folderOf(dir, trial.sender.name, trial.scenario.id);
  await makeFolder(folder, OWN_FOLDER);
  const write = (name: string, content: string | Uint8Array) =>
    writeFile(join(folder, name), content, { mode: OWN_FILE });
  await rm(join(folder, PACKETS_FILE), { force: true });
  if (packets) await write(PACKETS_FILE, packets);
  // The verdict goes first and comes last: whatever is cut short, no verdict lies beside evidence
  // that is not its own.
  await rm(join(folder, 'verdict.json'), { force: true });
  for (const [name, text] of trialFiles({ trial, verdict })) await write(name, text);
  return folder;
}

/**
 * Removes what earlier runs kept of these senders: a run that is cut short must not pass for a whole
 * one by it. Of the rest of the folder nothing is touched. Throws as claimFolder.
 */
export async function clearTrials(dir: string, senders: readonly string[]): Promise<void> {
  await claimFolder(dir);
  const kept = await Promise.all(
    senders.map((sender) =>
      findTrials(join(dir, segment(sender))).catch((error) => {
        // Nothing was kept of it.
        if (error instanceof EvidenceError) return [];
        throw error;
      }),
    ),
  );
  for (const folder of kept.flat()) {
    await Promise.all(TRIAL_FILES.map((name) => rm(join(folder, name), { force: true })));
    // Somebody's own files may lie there as well.
    await rmdir(folder).catch(() => {});
  }
}

/** The files of a trial and what they hold, the verdict last. */
export function trialFiles({
  trial,
  verdict,
}: {
  readonly trial: Trial;
  readonly verdict: Verdict;
}): (readonly [name: string, text: string])[] {
  const { observations } = trial.evidence;
  return [
    ['scenario.json', `${printableJson(trial.scenario)}\n`],
    ['sender.json', `${printableJson(trial.sender)}\n`],
    ['evidence.ndjson', observations.map((seen) => `${printableJson(seen, 0)}\n`).join('')],
    ['verdict.json', `${printableJson(verdict)}\n`],
  ];
}

/**
 * The trials kept in a folder or anywhere below it, by path. A last line that is cut short is left
 * out and told of; anything else that cannot be read throws EvidenceError with `file:line`.
 */
export async function* readTrials(dir: string): AsyncGenerator<KeptTrial> {
  const folders = await findTrials(dir);
  if (folders.length === 0) throw new EvidenceError(`${dir}: no evidence is kept here`);
  for (const folder of folders) yield await readTrial(folder);
}

/**
 * The kept trials of one scenario in a folder or anywhere below it, by path: of an id without a
 * variant, all variants. Only these are read. Throws as readTrials, but may find none.
 */
export async function readTrialsOf(dir: string, scenario: string): Promise<KeptTrial[]> {
  const path = scenario.split('/').map(segment);
  const last = path.pop()!;
  const parent = ['', ...path].join(sep);
  const folders = (await findTrials(dir)).filter((folder) => {
    const whole = resolve(folder);
    const name = basename(whole);
    return (
      (name === last || name.startsWith(`${last}@`)) &&
      whole.slice(0, -name.length - 1).endsWith(parent)
    );
  });
  return Promise.all(folders.map(readTrial));
}

/** The folders, this one or below it, that evidence was kept in by a run each. By path. */
export async function findStores(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.name === MARK)
    .map((entry) => entry.parentPath)
    .sort();
}

/** What a store has of this sender and scenario. Throws EvidenceError when it cannot be read. */
export async function readKept(
  store: string,
  { sender, scenario }: Pick<Verdict, 'sender' | 'scenario'>,
): Promise<KeptTrial | undefined> {
  const folder = folderOf(store, sender, scenario);
  const there = await stat(join(folder, 'evidence.ndjson')).catch(() => undefined);
  return there && readTrial(folder);
}

function folderOf(store: string, sender: string, scenario: string): string {
  return join(store, segment(sender), ...scenario.split('/').map(segment));
}

async function findTrials(dir: string): Promise<string[]> {
  const found = await stat(dir).catch(() => undefined);
  if (!found?.isDirectory()) throw new EvidenceError(`${dir}: no such folder`);
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.name === 'evidence.ndjson')
    .map((entry) => entry.parentPath)
    .sort();
}

async function readTrial(dir: string): Promise<KeptTrial> {
  const problems: string[] = [];
  const scenario = await readScenario(join(dir, 'scenario.json'));
  const sender = await readJson<SenderDescription>(
    join(dir, 'sender.json'),
    ({ name, capabilities }) => typeof name === 'string' && Array.isArray(capabilities),
  );
  const observations = await readObservations(join(dir, 'evidence.ndjson'), problems);
  const verdict = await readVerdict(join(dir, 'verdict.json'), problems);
  const packetsFile = join(dir, PACKETS_FILE);
  return {
    dir,
    trial: { scenario, sender, evidence: { observations } },
    verdict,
    ...((await stat(packetsFile).catch(() => undefined)) && { packetsFile }),
    problems,
  };
}

async function readScenario(file: string): Promise<Scenario> {
  const value = await readJson<Scenario>(
    file,
    (value) => typeof value.id === 'string' && ('steps' in value || Array.isArray(value.stages)),
  );
  // Format 1 kept the steps of a scenario, and their plans beside them.
  if (!Array.isArray(value.stages))
    throw new EvidenceError(
      `${file}: kept by an earlier version of Holdfast, and can be judged only by that one: run the scenario again`,
    );
  return value;
}

async function readObservations(file: string, problems: string[]): Promise<Observation[]> {
  const lines = (await readText(file)).split('\n');
  // Every whole line ends with a line feed; what stands behind the last one was cut short.
  const rest = lines.pop();
  if (rest) problems.push(`${file}:${lines.length + 1}: cut short; judged without this line`);
  return lines.map((line, index) =>
    parse<Observation>(
      line,
      `${file}:${index + 1}`,
      ({ seq, kind }) => typeof seq === 'number' && typeof kind === 'string',
    ),
  );
}

async function readVerdict(file: string, problems: string[]): Promise<Verdict | undefined> {
  if (!(await stat(file).catch(() => undefined))) return undefined;
  try {
    return await readJson<Verdict>(
      file,
      ({ grade, findings }) => typeof grade === 'string' && Array.isArray(findings),
    );
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    problems.push(error.message);
    return undefined;
  }
}

async function readJson<T extends object>(file: string, fits: Shape<T>): Promise<T> {
  return parse(await readText(file), file, fits);
}

/** Throws EvidenceError. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new EvidenceError(`${file}: cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** What must hold of a value before anybody relies on its type. */
type Shape<T> = (value: Partial<Record<keyof T, unknown>>) => boolean;

function parse<T extends object>(text: string, place: string, fits: Shape<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new EvidenceError(`${place}: not JSON`);
  }
  if (typeof value !== 'object' || value === null || !fits(value))
    throw new EvidenceError(`${place}: not what Holdfast wrote`);
  return value as T;
}

const LONGEST_SEGMENT = 120;

/**
 * One folder's name, whatever the name of a sender or scenario holds: no separator, no dot at
 * either end, not too long, never empty.
 */
function segment(name: string): string {
  const safe = encodeURIComponent(name.toWellFormed())
    .replaceAll('%40', '@')
    .replace(
      /[!'()*~]|^\.|\.$/g,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  if (safe.length <= LONGEST_SEGMENT) return safe || '%';
  return `${safe.slice(0, LONGEST_SEGMENT - 17)}-${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;
}
