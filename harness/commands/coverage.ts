/**
 * `coverage`: for each requirement the scenarios that find it broken, the faults that prove it, and
 * how senders did in them; and why a requirement is not covered.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { countUses, readCatalogue, type Use } from '../coverage/catalogue.ts';
import {
  AIM,
  type Covered,
  coverageOf,
  isCovered,
  isDue,
  type KnownToFail,
  knownToFail,
  type Scored,
  type Shares,
  scoredIn,
  shareInWords,
  sharesOf,
  type Weight,
  weightOf,
} from '../coverage/coverage.ts';
import { GAPS } from '../coverage/gaps.ts';
import { readProofs } from '../coverage/proofs.ts';
import { loadKnown } from '../known/load.ts';
import type { KnownList } from '../model/known.ts';
import { scenarioFileId } from '../model/reporter.ts';
import { citeRequirement } from '../model/requirements.ts';
import { UsageError } from '../model/usage.ts';
import { gradeWord, type Verdict } from '../model/verdict.ts';
import { fewOf, printable, printableJson } from '../protocol/printable.ts';
import { knownFileOf } from '../senders/find.ts';
import { findPackage } from '../shipped.ts';
import { shippedHeads } from './select.ts';
import { type Terminal, wrap } from './terminal.ts';

export interface CoverageRequest {
  readonly json?: boolean;
  /** Only the rows of this RFC: `7672`. */
  readonly rfc?: string;
  /** Only the rows of this level, with its NOT. */
  readonly level?: string;
  /** Only what is not covered. */
  readonly uncovered?: boolean;
  /** A run that was written down (results/read.ts): how its senders did. */
  readonly from?: string;
  /** Instead of the requirements the attacks that the field knows of. */
  readonly attacks?: boolean;
  /** What is due, not covered and without a reason makes the exit code 1. */
  readonly strict?: boolean;
}

/** Throws UsageError where no requirement is left, and for a run that cannot be read. */
export async function coverage(request: CoverageRequest, terminal: Terminal): Promise<number> {
  if (request.attacks) return tellAttacks(request, terminal);
  const heads = await shippedHeads();
  const all = coverageOf(heads, readProofs(), GAPS);
  const lists = await shippedKnown(heads.map(({ id }) => id));
  const verdicts = request.from === undefined ? [] : await verdictsIn(request.from);
  const rows = all.filter((row) => isWanted(row, request));
  if (rows.length === 0)
    throw new UsageError('no requirement matches: "holdfast list --requirements" names all');
  const told = rows.map((row) => ({
    ...row,
    knownToFail: knownToFail(row, lists),
    verdicts: scoredIn(row, verdicts),
  }));
  terminal.write(
    request.json
      ? `${printableJson({ requirements: told.map(jsonOf), ...sumsOf(all) })}\n`
      : `${[...told.flatMap((row) => linesOf(row, terminal.columns)), ...sumLines(all)].join('\n')}\n`,
  );
  const hasNoReason = rows.some((row) => isDue(row) && !isCovered(row) && row.reason === undefined);
  return request.strict && hasNoReason ? 1 : 0;
}

/** What can be written and is not used has its reason, as what cannot be written. */
function tellAttacks({ json, uncovered }: CoverageRequest, { write, columns }: Terminal): number {
  const all = readCatalogue(readFileSync(findPackage().catalogue, 'utf8'));
  const attacks = all.filter(({ use }) => !uncovered || use !== 'used');
  const { of, used, writable } = countUses(all);
  const lines = attacks.flatMap(({ id, what, use, scenarios, reason }) => [
    `${SYMBOLS[use]} ${id}  ${what}`,
    ...wrap(reason ?? scenarios.join(', '), columns, '       '),
  ]);
  const sums = `${of} attacks: ${used} are used, ${writable} can be written`;
  write(
    json
      ? `${printableJson({ attacks, of, used, writable })}\n`
      : `${[...lines, '', sums].join('\n')}\n`,
  );
  return 0;
}

const SYMBOLS: Readonly<Record<Use, string>> = { used: '✓', open: '–', beyond: '✗' };

function isWanted(row: Covered, { rfc, level, uncovered }: CoverageRequest): boolean {
  return (
    (rfc === undefined || row.rfc === `RFC ${rfc}`) &&
    (level === undefined || weightOf(row.level) === level) &&
    (!uncovered || !isCovered(row))
  );
}

/** What the senders that come with Holdfast are known to fail. */
async function shippedKnown(ids: readonly string[]): Promise<KnownList[]> {
  const { servers, folder } = findPackage();
  return Promise.all(
    readdirSync(servers)
      .sort()
      .map(async (sender) => {
        const { entries } = await loadKnown(knownFileOf(sender)!, folder, ids);
        return { sender, entries };
      }),
  );
}

async function verdictsIn(path: string): Promise<readonly Verdict[]> {
  const { readRun } = await import('../results/read.ts');
  return (await readRun(path)).summary.results.map(({ verdict }) => verdict);
}

// ---- as text ----

interface Told extends Covered {
  readonly knownToFail: readonly KnownToFail[];
  readonly verdicts: readonly Scored[];
}

const MOST = 6;
const INDENT = ' '.repeat(12);

function linesOf(row: Told, columns: number): string[] {
  const { id, level, proofs, named, reason, verdicts } = row;
  const told = (label: string, texts: readonly string[]) =>
    texts.length === 0
      ? []
      : wrap(texts.join(', '), columns, INDENT).map((line, index) =>
          index === 0 ? `  ${label.padEnd(INDENT.length - 2)}${line.trimStart()}` : line,
        );
  const faults = [...new Set(proofs.flatMap((proof) => proof.faults))];
  return [
    `${isCovered(row) ? '✓' : isDue(row) ? '✗' : '–'} ${level}  ${id}`,
    ...wrap(citeRequirement(id), columns, '  '),
    ...told('scenarios', fewOf(files(proofs.map(({ scenario }) => scenario)), MOST)),
    ...told('faults', fewOf(faults, MOST)),
    ...told(
      'known',
      row.knownToFail.map(
        ({ sender, scenarios }) => `${sender} fails ${scenarios.length} of ${proofs.length}`,
      ),
    ),
    ...told('verdicts', verdicts.map(scoreOf)),
    ...told('named by', fewOf(files(named), MOST)),
    ...told('because', isCovered(row) ? [] : [reason ?? 'nobody has written the reason.']),
    '',
  ];
}

/** Variants folded: `starttls/stripped (3)`. */
function files(ids: readonly string[]): string[] {
  return [...Map.groupBy(ids, scenarioFileId)].map(([file, own]) =>
    own.length > 1 ? `${file} (${own.length})` : file,
  );
}

const scoreOf = ({ sender, grades }: Scored): string =>
  `${printable(sender, 80)} ${Object.entries(grades)
    .map(([grade, count]) => `${count} ${gradeWord(grade)}`)
    .join(' ')}`;

/** Of all requirements, whatever was filtered. */
function sumLines(rows: readonly Covered[]): string[] {
  const { byRfc, all } = sharesOf(rows);
  const line = (head: string, { MUST, SHOULD }: Shares) =>
    `${head.padEnd(20)}${shareInWords(MUST).padEnd(24)}${shareInWords(SHOULD)}`;
  const aim = (weight: Weight) => `at least ${Math.round(AIM[weight] * 100)} %`;
  return [
    `${'covered'.padEnd(20)}${'MUST, MUST NOT'.padEnd(24)}SHOULD, SHOULD NOT`,
    ...[...byRfc].map(([rfc, shares]) => line(rfc, shares)),
    line('all', all),
    `${'the aim'.padEnd(20)}${aim('MUST').padEnd(24)}${aim('SHOULD')}`,
  ].map((text) => text.trimEnd());
}

// ---- as JSON ----

function jsonOf({ id, rfc, section, level, basis, testable, text, ...row }: Told) {
  const { proofs: scenarios, named, reason, knownToFail, verdicts } = row;
  const requirement = { id, rfc, section, level, basis, testable, text };
  return {
    ...requirement,
    covered: isCovered(row),
    due: isDue({ level, testable }),
    scenarios,
    named,
    knownToFail,
    verdicts,
    reason,
  };
}

function sumsOf(rows: readonly Covered[]) {
  const { byRfc, all } = sharesOf(rows);
  return { byRfc: Object.fromEntries(byRfc), all, aim: AIM };
}
