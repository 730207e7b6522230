/** A sender with some keys of its contract changed, through scenarios; its image is the same. */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Verdict } from '../../harness/model/verdict.ts';
import { holdfast } from './process.ts';

export const POSTFIX = join(import.meta.dirname, '..', '..', 'docker', 'senders', 'postfix');

export interface Changed {
  /** Contract and evidence go into this folder. */
  readonly folder: string;
  readonly name: string;
  /** The folder of the sender that it is made from. */
  readonly source: string;
  readonly changes: object;
  /** What to run; default: the whole suite. */
  readonly selection?: readonly string[];
}

export async function runChanged({ folder, name, source, changes, selection = [] }: Changed) {
  const contract = parse(await readFile(join(source, 'sender.yaml'), 'utf8'));
  const build = { ...contract.build, context: source };
  const sender = join(folder, name);
  await mkdir(sender);
  await writeFile(join(sender, 'sender.yaml'), stringify({ ...contract, name, build, ...changes }));
  const evidence = join(sender, 'evidence');
  const options = ['--sender', sender, '--reporter', 'json', '--keep', evidence];
  const { code, out, err } = await holdfast('run', ...selection, ...options);
  const { verdicts, scenarios, skippedSenders } = JSON.parse(out) as {
    verdicts: Verdict[];
    scenarios: { id: string; needs: string[] }[];
    skippedSenders: { name: string; reason: string }[];
  };
  return { code, err, verdicts, skippedSenders, scenarios, evidence };
}

/** Ids of the scenarios with this grade, in order. */
export function graded(verdicts: readonly Verdict[], grade: Verdict['grade']): string[] {
  return verdicts
    .filter((verdict) => verdict.grade === grade)
    .map(({ scenario }) => scenario)
    .sort();
}

/** Ids of the scenarios that are not decided, each with the reasons. */
export function undecided(verdicts: readonly Verdict[]): string[] {
  return verdicts
    .filter(({ grade }) => grade === 'inconclusive')
    .map(({ scenario, findings, remarks }) => {
      const open = findings.filter(({ grade }) => grade === 'inconclusive');
      const reasons = open.map(({ step, actual }) => `step ${step}: ${actual}`);
      return [scenario, ...reasons, ...remarks].join('; ');
    });
}
