/**
 * What there is: `list` the scenarios and the words of their language, `senders` and their faults,
 * and the `schema` for editors. Each loads what it needs, so that the list waits for nothing.
 */

import { scenarioFileId } from '../model/reporter.ts';
import { citeRequirement, REQUIREMENTS } from '../model/requirements.ts';
import { UsageError } from '../model/usage.ts';
import { counted, printable } from '../protocol/printable.ts';
import type { ScenarioHead } from '../scenario/compiled.ts';
import { loadVocabulary } from '../vocabulary.ts';
import { shippedHeads, shippedWords } from './select.ts';
import type { Terminal } from './terminal.ts';

export interface ListRequest {
  readonly json?: boolean;
  /** These instead of the scenarios; at most one. */
  readonly requirements?: boolean;
  readonly attacks?: boolean;
  readonly expectations?: boolean;
}

/**
 * The shipped scenarios, or the words that a scenario is written with: a line each, or as JSON.
 */
export async function list(
  { json, requirements, attacks, expectations }: ListRequest,
  terminal: Terminal,
): Promise<number> {
  const { rows, values, hint } = requirements
    ? listRequirements()
    : attacks || expectations
      ? await listWords(attacks ? 'attacks' : 'expectations')
      : listScenarios(await shippedHeads());
  terminal.write(
    json ? `${JSON.stringify(values, null, 2)}\n` : `${inColumns(rows).join('\n')}\n\n${hint}\n`,
  );
  return 0;
}

interface Listing {
  /** Columns of each line. */
  readonly rows: readonly (readonly string[])[];
  /** The same as JSON. */
  readonly values: unknown;
  /** What to do next. */
  readonly hint: string;
}

function listScenarios(scenarios: readonly ScenarioHead[]): Listing {
  const files = [...Map.groupBy(scenarios, ({ id }) => scenarioFileId(id))];
  const most = String(Math.max(...files.map(([, variants]) => variants.length)));
  return {
    rows: files.map(([id, [first, ...others]]) => {
      const variants = others.length === 0 ? '' : String(others.length + 1);
      return [id, variants.padStart(most.length), first!.title];
    }),
    values: files.map(toJson),
    hint: `${counted(files.length, 'scenario')}, ${scenarios.length} with variants; holdfast explain SCENARIO tells what one does`,
  };
}

function listRequirements(): Listing {
  const all = Object.entries(REQUIREMENTS);
  return {
    rows: all.map(([id, { level }]) => [id, level, citeRequirement(id)]),
    values: all.map(([id, { level, basis }]) => ({
      id,
      level,
      basis,
      citation: citeRequirement(id),
    })),
    hint: `${counted(all.length, 'requirement')}; the ids stand under requirements: in a scenario`,
  };
}

async function listWords(kind: 'attacks' | 'expectations'): Promise<Listing> {
  const words = (await shippedWords())[kind];
  return {
    rows: words.map(({ name, summary }) => [name, summary]),
    values: words,
    hint: `${counted(words.length, kind.slice(0, -1))}, for the list ${kind === 'attacks' ? 'under:' : 'expect:'} of a step; scenarios/README.md has an example and the options of each`,
  };
}

/** Every column but the last as wide as its widest cell. */
function inColumns(rows: Listing['rows']): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!)))
      .join('  '),
  );
}

function toJson([id, variants]: readonly [string, readonly ScenarioHead[]]) {
  const { file, title, requirements, needs } = variants[0]!;
  return {
    id,
    file,
    title,
    requirements: requirements.map((requirement) => ({
      id: requirement,
      citation: citeRequirement(requirement),
    })),
    needs,
    variants: variants.map((variant) => ({ id: variant.id, title: variant.title })),
  };
}

/**
 * Senders, what they declare, and whether they can be run here; or the faults of the reference
 * sender.
 */
export async function senders(
  { faults }: { readonly faults?: boolean },
  terminal: Terminal,
): Promise<number> {
  if (faults) {
    const { referenceTraits } = await import('../senders/built-in.ts');
    const { faults, temperaments } = await referenceTraits();
    for (const [name, summary] of Object.entries(faults))
      terminal.write(`reference:${name}\n  ${summary}\n`);
    terminal.write('\nLawful habits, alone or with a fault, as in reference:FAULT+HABIT:\n\n');
    for (const [name, summary] of Object.entries(temperaments))
      terminal.write(`reference:${name}\n  ${summary}\n`);
    return 0;
  }
  const { senderNames, senderOf } = await import('../senders/find.ts');
  for (const name of senderNames()) {
    const sender = await senderOf(name);
    const missing = await sender.unavailable().catch(({ message }: Error) => message);
    // The version of a server is known once its image is built.
    const title = [name, printable(sender.version, 40)].filter((word) => word !== '').join(' ');
    terminal.write(
      [
        `${title} · ${missing === undefined ? 'available' : 'not available'}`,
        `  ${printable(sender.summary)}`,
        `  declares ${sender.capabilities.join(', ')}`,
        ...(sender.differs ?? []).map((one) => `  set: ${printable(one)}`),
        ...(missing === undefined ? [] : [`  ${printable(missing)}`]),
        '',
      ].join('\n'),
    );
  }
  terminal.write(
    '\nA folder with a sender.yaml is a sender of your own: --sender ./my-mta\nreference:FAULT is the reference sender, wrong in one way: holdfast senders --faults\n',
  );
  return 0;
}

/** The JSON Schema of scenario files, of a sender's contract, or of result files. */
export async function schema(
  { sender, results }: { readonly sender?: boolean; readonly results?: boolean },
  terminal: Terminal,
): Promise<number> {
  terminal.write(`${JSON.stringify(await schemaOf({ sender, results }), null, 2)}\n`);
  return 0;
}

async function schemaOf({ sender, results }: { sender?: boolean; results?: boolean }) {
  if (sender && results) throw new UsageError('one schema at a time: --sender or --results');
  if (results) return (await import('../results/schema.ts')).resultJsonSchema();
  if (sender) return (await import('../senders/contract/load.ts')).contractJsonSchema();
  const { scenarioJsonSchema } = await import('../scenario/schema.ts');
  return scenarioJsonSchema(await loadVocabulary());
}
