/**
 * What there is: `list` the scenarios, `senders` and their faults, the `schema` for editors, and
 * `lint` for one's own files.
 */

import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { KNOWN_FILE, loadKnown, unwritten } from '../known/load.ts';
import { scenarioFileId } from '../model/reporter.ts';
import { citeRequirement } from '../model/requirements.ts';
import type { Scenario } from '../model/scenario.ts';
import { counted, printable } from '../protocol/printable.ts';
import { loadScenarios } from '../scenario/load.ts';
import { scenarioJsonSchema } from '../scenario/schema.ts';
import { referenceTraits } from '../senders/built-in.ts';
import { senderNames, senderOf } from '../senders/find.ts';
import { loadVocabulary } from '../vocabulary.ts';
import { formatProblem, type Problem } from '../yaml/problems.ts';
import { loadShipped } from './select.ts';
import { EXIT, type Terminal } from './terminal.ts';

/** The shipped scenarios, a line each, or as JSON. */
export async function list(
  { json }: { readonly json?: boolean },
  terminal: Terminal,
): Promise<number> {
  const scenarios = await loadShipped(await loadVocabulary());
  const files = [...Map.groupBy(scenarios, ({ id }) => scenarioFileId(id))];
  if (json) {
    terminal.write(`${JSON.stringify(files.map(toJson), null, 2)}\n`);
    return 0;
  }
  const width = Math.max(...files.map(([id]) => id.length));
  const lines = files.map(([id, [first, ...others]]) => {
    const variants = others.length === 0 ? '' : String(others.length + 1);
    return `${id.padEnd(width)}  ${variants.padStart(3)}  ${first!.title}\n`;
  });
  terminal.write(
    `${lines.join('')}\n${counted(files.length, 'scenario')}, ${scenarios.length} with variants; holdfast explain SCENARIO tells what one does\n`,
  );
  return 0;
}

function toJson([id, variants]: readonly [string, readonly Scenario[]]) {
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
    const { faults, temperaments } = await referenceTraits();
    for (const [name, summary] of Object.entries(faults))
      terminal.write(`reference:${name}\n  ${summary}\n`);
    terminal.write('\nLawful habits, alone or with a fault, as in reference:FAULT+HABIT:\n\n');
    for (const [name, summary] of Object.entries(temperaments))
      terminal.write(`reference:${name}\n  ${summary}\n`);
    return 0;
  }
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

/**
 * Checks files and folders of one's own: scenarios, the contracts of senders, and lists of known
 * failures, which may name the shipped scenarios and those given beside them.
 */
export async function lint(paths: readonly string[], terminal: Terminal): Promise<number> {
  const problems: Problem[] = [];
  const counts: string[] = [];
  const own: string[] = [];
  const contracts = paths.filter(
    (path) => basename(path) === 'sender.yaml' || existsSync(join(path, 'sender.yaml')),
  );
  const lists = [
    ...paths.filter((path) => basename(path).endsWith(KNOWN_FILE)),
    ...contracts.map(listBeside).filter(existsSync),
  ];
  const others = paths.filter((path) => !contracts.includes(path) && !lists.includes(path));
  if (others.length > 0) {
    const loaded = await loadScenarios(others, process.cwd(), await loadVocabulary());
    problems.push(...loaded.problems);
    own.push(...loaded.scenarios.map(({ id }) => id));
    counts.push(counted(loaded.scenarios.length, 'scenario'));
  }
  if (contracts.length > 0) {
    const { loadContract } = await import('../senders/contract/load.ts');
    for (const path of contracts)
      problems.push(...(await loadContract(path, process.cwd())).problems);
    counts.push(counted(contracts.length, 'sender'));
  }
  if (lists.length > 0) {
    const ids = (await loadShipped(await loadVocabulary())).map(({ id }) => id);
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

function listBeside(contract: string): string {
  return join(basename(contract) === 'sender.yaml' ? dirname(contract) : contract, KNOWN_FILE);
}

/** The JSON Schema of scenario files, or of a sender's contract, for editors. */
export async function schema(
  { sender }: { readonly sender?: boolean },
  terminal: Terminal,
): Promise<number> {
  const { contractJsonSchema } = await import('../senders/contract/load.ts');
  terminal.write(
    `${JSON.stringify(sender ? contractJsonSchema() : scenarioJsonSchema(await loadVocabulary()), null, 2)}\n`,
  );
  return 0;
}
