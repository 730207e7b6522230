/** `compare`: two runs that were written down, held against each other. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../model/usage.ts';
import { printable } from '../protocol/printable.ts';
import { type Comparison, compareRuns, comparisonCode } from '../results/compare.ts';
import { comparisonJson, comparisonMarkdown, comparisonText } from '../results/comparison-text.ts';
import { readRun } from '../results/read.ts';
import { writeInto } from './tell.ts';
import type { Terminal } from './terminal.ts';

const WRITERS = { text: comparisonText, json: comparisonJson, markdown: comparisonMarkdown };

export interface CompareRequest {
  readonly format?: keyof typeof WRITERS;
  /** The file for it; default: standard output. */
  readonly out?: string;
}

/**
 * Compares the run at `after` with that at `before`, each a result file or a folder. Returns the
 * exit code (results/compare.ts). Throws UsageError for what cannot be read or written.
 */
export async function compare(
  before: string,
  after: string,
  { format = 'text', out }: CompareRequest,
  terminal: Terminal,
): Promise<number> {
  const [first, second] = [await readRun(before), await readRun(after)];
  const comparison = compareRuns(first.summary, second.summary);
  const document = WRITERS[format](comparison);
  if (out === undefined) terminal.write(document);
  else
    await writeFile(out, document).catch((error: Error) => {
      throw new UsageError(`the comparison cannot be written: ${printable(error.message)}`);
    });
  return comparisonCode(comparison);
}

const JSON_FILE = 'comparison.json';
const MARKDOWN_FILE = 'comparison.md';

/** Where a run that ends with a comparison will write it. */
export function comparisonFiles({ out }: { readonly out?: string }): string[] {
  return out === undefined ? [] : [JSON_FILE, MARKDOWN_FILE].map((name) => join(out, name));
}

/**
 * Tells the comparison that ends a run: people read it where the text reporter writes; files go to
 * `out`.
 */
export async function tellComparison(
  comparison: Comparison,
  { out, reporters }: { readonly out?: string; readonly reporters: readonly string[] },
  { write, complain }: Pick<Terminal, 'write' | 'complain'>,
): Promise<void> {
  const text = comparisonText(comparison);
  // A document for programs has standard output to itself.
  if (out !== undefined || reporters.includes('text')) write(`\n${text}`);
  else complain(text);
  if (out === undefined) return;
  await writeInto(out, JSON_FILE, comparisonJson(comparison));
  await writeInto(out, MARKDOWN_FILE, comparisonMarkdown(comparison));
}
