/**
 * `report-check`: TLSRPT reports (RFC 8460) that lie in files: what is wrong with them, and what
 * they tell the owner of the domain.
 */

import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { counted, printable, printableJson } from '../protocol/printable.ts';
import { type CheckedFile, checkFile } from '../tlsrpt/check-file.ts';
import { type Finding, LEVELS, type Level } from '../tlsrpt/finding.ts';
import { type Summary, summarise } from '../tlsrpt/summary.ts';
import { LARGEST_FILE_BYTES } from '../tlsrpt/unpack.ts';
import { EXIT, type Terminal, wrap } from './terminal.ts';

export interface ReportCheckRequest {
  readonly json?: boolean;
}

/**
 * Tells of each file. The exit code: 64, when a file cannot be read as a report, or was refused; 1,
 * when a MUST is broken in one; else 0. What cannot be read may hide anything, so that 64 outdoes 1.
 */
export async function reportCheck(
  files: readonly string[],
  { json = false }: ReportCheckRequest,
  terminal: Terminal,
): Promise<number> {
  const checked: { readonly file: string; readonly result: CheckedFile }[] = [];
  for (const file of files) {
    const result = await checkPath(file);
    if (!json) terminal.write(`${textOf(file, result, terminal.columns)}\n`);
    checked.push({ file, result });
  }
  if (json) terminal.write(`${printableJson({ files: checked.map(jsonOf) })}\n`);
  const results = checked.map(({ result }) => result);
  if (results.some(({ kind }) => kind === 'refused')) return EXIT.usage;
  return results.some((result) => result.kind === 'report' && result.counts.must > 0) ? 1 : 0;
}

async function checkPath(file: string): Promise<CheckedFile> {
  const chunks: Buffer[] = [];
  try {
    // A byte more than is taken: then it is known to be too large. A pipe may have no end.
    for await (const chunk of createReadStream(file, { end: LARGEST_FILE_BYTES }))
      chunks.push(chunk as Buffer);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { kind: 'refused', reason: `cannot be opened: ${printable(code ?? message)}` };
  }
  return checkFile(Buffer.concat(chunks), basename(file));
}

function jsonOf({ file, result }: { readonly file: string; readonly result: CheckedFile }) {
  if (result.kind === 'refused') return { file, ...result };
  const { report } = result;
  const date = (ms: number | undefined) =>
    ms === undefined ? undefined : new Date(ms).toISOString();
  return {
    file,
    ...result,
    report: { ...report, from: date(report.from), to: date(report.to) },
    summary: summarise(report),
  };
}

const WORD: Readonly<Record<Level, string>> = {
  must: 'MUST',
  should: 'SHOULD',
  seen: 'also seen',
};

function textOf(file: string, result: CheckedFile, columns: number): string {
  const shown = printable(file, 400);
  if (result.kind === 'refused') {
    const section = result.section === undefined ? '' : ` (${result.section})`;
    return `${wrap(`${shown}: not read as a report: ${result.reason}${section}`, columns).join('\n')}\n`;
  }
  const { findings, counts, packing } = result;
  const all = counts.must + counts.should + counts.seen;
  const lines = [
    ...wrap(`${shown}: ${verdictOf(counts)}`, columns),
    ...summaryLines(summarise(result.report), columns),
  ];
  if (findings.length > 0) lines.push('', '  Findings');
  for (const finding of inOrder(findings)) lines.push(...findingLines(finding, columns));
  if (all > findings.length)
    lines.push(`    and ${counted(all - findings.length, 'more finding')}`);
  if (packing[0] === 'mail')
    lines.push(
      '',
      ...wrap(
        'Not checked: whether the DKIM signature is valid; that takes the DNS.',
        columns,
        '  ',
      ),
    );
  return `${lines.join('\n')}\n`;
}

function verdictOf(counts: Readonly<Record<Level, number>>): string {
  const parts = [
    counts.must > 0 && `${counted(counts.must, 'breach', 'breaches')} of a MUST`,
    counts.should > 0 && `${counts.should} of a SHOULD`,
    counts.seen > 0 && `${counts.seen} not as in the RFC, but also seen elsewhere`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? 'nothing is wrong with it' : parts.join(', ');
}

function summaryLines({ headline, policies, lookAt }: Summary, columns: number): string[] {
  const lines = ['', ...wrap(headline, columns, '  ')];
  for (const { policy, sessions, consequence, failures } of policies) {
    lines.push('', ...wrap(`${policy}: ${sessions}`, columns, '  '));
    if (consequence !== undefined) lines.push(...wrap(`(${consequence})`, columns, '    '));
    for (const { where, lines: kinds } of failures) {
      lines.push(...wrap(where, columns, '    '));
      for (const kind of kinds) lines.push(...wrap(kind, columns, '      '));
    }
  }
  if (lookAt.length > 0) lines.push('', '  What to look at');
  for (const advice of lookAt) lines.push(...wrap(`- ${advice}`, columns, '    '));
  return lines;
}

/** What is worst first; as they stand in the report. */
function inOrder(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));
}

function findingLines(
  { path, level, section, expected, found }: Finding,
  columns: number,
): string[] {
  const where = path === '' ? 'the report' : path;
  return [
    ...wrap(`${WORD[level]}  ${where}  (${section})`, columns, '    '),
    ...wrap(`expected ${expected}; found ${found}`, columns, '      '),
  ];
}
