/**
 * The github reporter: annotations of a GitHub workflow, which are lines on standard output
 * (`::error file=…::…`). GitHub shows ten of each kind, so a cause is one, the worst first, and the
 * tenth tells how many there are more.
 */

import { type Cause, causesOf } from '../model/causes.ts';
import { levelAndCitation } from '../model/citation.ts';
import type { KnownNoMore } from '../model/known.ts';
import type { ReporterModule, RunSummary } from '../model/reporter.ts';
import { counted, fewOf, printable } from '../protocol/printable.ts';
import { placeOf } from './alerts.ts';
import { undecidedOf } from './undecided.ts';
import { unjudgedOf } from './unjudged.ts';

const MOST_SHOWN = 10;
/** Scenarios named in an annotation. */
const MOST_NAMED = 12;

export const reporter: ReporterModule = {
  summary: 'Annotations for GitHub workflows: a line for each cause, to standard output.',
  sharesOutput: true,
  create: (context) => ({
    onEnd(summary) {
      context.write(annotationsOf(summary).map(toLine).join(''));
    },
  }),
};

interface Annotation {
  readonly kind: 'error' | 'warning' | 'notice';
  readonly title: string;
  readonly file?: string;
  readonly line?: number;
  /** Lines. */
  readonly message: readonly string[];
}

function annotationsOf(summary: RunSummary): Annotation[] {
  const { run, results, knownNoMore, skippedSenders, interrupted } = summary;
  const places = new Map(run.scenarios.map((scenario) => [scenario.id, placeOf(scenario)]));
  const causes = causesOf(results);
  const known = causes.filter(({ shown }) => shown === 'known');
  const all: Annotation[] = [
    ...(interrupted ? [stopped(summary)] : []),
    ...knownNoMore.map(noMore),
    ...causes
      .filter(({ shown }) => shown !== 'known')
      .map((cause) => ofCause(cause, places.get(cause.example.scenario))),
    ...undecidedOf(results).map(({ sender, remark, scenarios }) =>
      notDecided(sender, remark, scenarios, places),
    ),
    ...skippedSenders.map(
      ({ name, reason }): Annotation => ({
        kind: 'warning',
        title: `${printable(name, 80)} could not be run`,
        message: [printable(reason, 1000)],
      }),
    ),
    ...unjudgedOf(summary).map(
      ({ sender, sentence }): Annotation => ({
        kind: 'warning',
        title: `${printable(sender, 80)} was judged in nothing`,
        message: [sentence],
      }),
    ),
    ...(known.length === 0
      ? []
      : [
          {
            kind: 'notice',
            title: 'Known failures',
            message: known.map(
              ({ sender, scenarios, requirement }) =>
                `${printable(sender, 80)}: ${counted(scenarios.length, 'scenario')}, ${levelAndCitation(requirement)}`,
            ),
          } satisfies Annotation,
        ]),
  ];
  return (['error', 'warning', 'notice'] as const).flatMap((kind) =>
    shortened(all.filter((one) => one.kind === kind)),
  );
}

function ofCause({ sender, shown, requirement, scenarios, example }: Cause, file?: string) {
  const { expected, actual } = example.finding;
  const word = { fail: '', warn: ' (warning)', inconclusive: ' (inconclusive)' }[shown as 'fail'];
  return {
    kind: shown === 'fail' ? 'error' : 'warning',
    title: `${printable(sender, 80)}: ${printable(example.scenario, 120)}${word}`,
    file,
    line: 1,
    message: [
      levelAndCitation(requirement),
      `expected: ${printable(expected)}`,
      `actual: ${printable(actual)}`,
      ...others(scenarios),
    ],
  } satisfies Annotation;
}

function notDecided(
  sender: string,
  remark: string,
  scenarios: readonly string[],
  places: ReadonlyMap<string, string>,
): Annotation {
  return {
    kind: 'warning',
    title: `${printable(sender, 80)}: ${printable(scenarios[0]!, 120)} (inconclusive)`,
    file: places.get(scenarios[0]!),
    line: 1,
    message: [printable(remark), ...others(scenarios)],
  };
}

/** `the same in 2 others: starttls/a, starttls/b` */
function others(scenarios: readonly string[]): string[] {
  const all = scenarios.slice(1).map((id) => printable(id, 120));
  return all.length === 0
    ? []
    : [`the same in ${counted(all.length, 'other')}: ${fewOf(all, MOST_NAMED).join(', ')}`];
}

/** It shuts the gate, and stands in a file of the user's. */
function noMore({ sender, kind, entry }: KnownNoMore): Annotation {
  const what = `${printable(entry.scenarios, 120)}, ${printable(sender, 80)}`;
  return {
    kind: 'error',
    title: 'Listed as known, and no more',
    file: entry.file,
    line: entry.line,
    message: [
      kind === 'passes'
        ? `${what}: passes now; delete this entry`
        : `${what}: fails still, and was known until ${printable(entry.until!, 40)}`,
    ],
  };
}

function stopped({ run, results }: RunSummary): Annotation {
  const planned = run.senders.length * run.scenarios.length;
  return {
    kind: 'warning',
    title: 'The run was interrupted',
    message: [`${planned - results.length} of ${planned} not judged`],
  };
}

function shortened(annotations: readonly Annotation[]): readonly Annotation[] {
  const more = annotations.length - MOST_SHOWN + 1;
  if (more <= 1) return annotations;
  const { kind } = annotations[0]!;
  const message = ['GitHub shows ten of a kind; the other reporters tell all of them'];
  return [...annotations.slice(0, -more), { kind, title: `and ${more} more`, message }];
}

// ---- workflow commands, as @actions/core writes them ----

function toLine({ kind, title, file, line, message }: Annotation): string {
  const properties = Object.entries({ file, line, title })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${escapeProperty(printable(String(value), 500))}`);
  return `::${kind} ${properties.join(',')}::${message.map(escapeData).join('%0A')}\n`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
