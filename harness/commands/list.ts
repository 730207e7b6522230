/**
 * What there is: `list` the scenarios, `senders` and their faults, the `schema` for editors, and `lint` for one's own files.
 */

import { scenarioFileId } from '../model/reporter.ts';
import { citeRequirement } from '../model/requirements.ts';
import type { Scenario } from '../model/scenario.ts';
import { printable } from '../protocol/printable.ts';
import { loadScenarios } from '../scenario/load.ts';
import { formatProblem } from '../scenario/problems.ts';
import { scenarioJsonSchema } from '../scenario/schema.ts';
import { findSender, referenceFaults, SENDER_NAMES } from '../senders/index.ts';
import { loadVocabulary } from '../vocabulary.ts';
import { loadShipped } from './select.ts';
import { EXIT, type Terminal } from './terminal.ts';

/** The shipped scenarios, a line each, or as JSON. */
export async function list({ json }: { readonly json?: boolean }, terminal: Terminal): Promise<number> {
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
    `${lines.join('')}\n${files.length} scenarios, ${scenarios.length} with their variants; holdfast explain SCENARIO tells what one does\n`,
  );
  return 0;
}

function toJson([id, variants]: readonly [string, readonly Scenario[]]) {
  const { file, title, requirements, needs } = variants[0]!;
  return {
    id,
    file,
    title,
    requirements: requirements.map((requirement) => ({ id: requirement, citation: citeRequirement(requirement) })),
    needs,
    variants: variants.map((variant) => ({ id: variant.id, title: variant.title })),
  };
}

/** Senders, what they declare, and whether they can be run here; or the faults of the reference sender. */
export async function senders({ faults }: { readonly faults?: boolean }, terminal: Terminal): Promise<number> {
  if (faults) {
    for (const [name, summary] of Object.entries(await referenceFaults())) terminal.write(`reference:${name}\n  ${summary}\n`);
    return 0;
  }
  for (const name of SENDER_NAMES) {
    const sender = (await findSender(name))!;
    const missing = await sender.unavailable();
    terminal.write(
      [
        `${name} ${printable(sender.version, 40)} · ${missing === undefined ? 'available' : 'not available'}`,
        `  ${printable(sender.summary)}`,
        `  declares ${sender.capabilities.join(', ')}`,
        ...(missing === undefined ? [] : [`  ${printable(missing)}`]),
        '',
      ].join('\n'),
    );
  }
  terminal.write('\nreference:FAULT is the reference sender, wrong in one way: holdfast senders --faults\n');
  return 0;
}

/** Checks files and folders of one's own. */
export async function lint(paths: readonly string[], terminal: Terminal): Promise<number> {
  const { scenarios, problems } = await loadScenarios(paths, process.cwd(), await loadVocabulary());
  if (problems.length > 0) {
    terminal.write(`${problems.map(formatProblem).join('\n')}\n`);
    return EXIT.usage;
  }
  terminal.write(`${scenarios.length} ${scenarios.length === 1 ? 'scenario' : 'scenarios'}, no problems\n`);
  return 0;
}

/** The JSON Schema of scenario files, for editors. */
export async function schema(terminal: Terminal): Promise<number> {
  terminal.write(`${JSON.stringify(scenarioJsonSchema(await loadVocabulary()), null, 2)}\n`);
  return 0;
}
