/**
 * The markdown reporter: a summary for the page of a CI job or a comment on a change: how many passed
 * of each sender, each cause of failures, what was not met. Never longer than GitHub takes; what is
 * left out is told as a number.
 */

import { type Cause, causesOf } from '../model/causes.ts';
import { levelAndCitation } from '../model/citation.ts';
import type { KnownNoMore } from '../model/known.ts';
import type { ReporterModule, RunSummary, Shown } from '../model/reporter.ts';
import { countShown, failing, notJudged, SHOWN, shownAs, verdictsIn } from '../model/reporter.ts';
import { gradeWord } from '../model/verdict.ts';
import { markdownCode, markdownText } from '../protocol/markdown.ts';
import { counted, fewOf } from '../protocol/printable.ts';
import { FACTS_HEADING, factsOf } from './facts.ts';
import { SYMBOL, whyNotMet, whyUnsupported } from './failure-text.ts';
import { type Undecided, undecidedOf } from './undecided.ts';
import { unjudgedOf } from './unjudged.ts';

const FILE_NAME = 'holdfast.md';
/** GitHub takes 1 MiB of a step, in which other summaries have to find a place too. */
const MOST_BYTES = 500_000;
/** Scenarios named below a cause. */
const MOST_NAMED = 12;

export const reporter: ReporterModule = {
  summary: `A summary in Markdown, for the page of a CI job: ${FILE_NAME} in the output folder, or standard output.`,
  file: FILE_NAME,
  create(context) {
    /** How often a sender did not meet what it should have, or does not support it, by reason. */
    const reasons = {
      'not-met': new Map<string, number>(),
      unsupported: new Map<string, number>(),
    };
    return {
      onVerdict(verdict, trial, known) {
        const shown = shownAs({ verdict, known });
        if (shown !== 'not-met' && shown !== 'unsupported') return;
        const why =
          shown === 'not-met' ? whyNotMet(verdict, trial) : whyUnsupported(verdict, trial);
        const key = `${verdict.sender}\0${why}`;
        reasons[shown].set(key, (reasons[shown].get(key) ?? 0) + 1);
      },
      async onEnd(summary) {
        const document = render(summary, reasons);
        if (context.outDir === undefined) context.write(document);
        else await context.writeFile(FILE_NAME, document);
      },
    };
  },
};

interface Section {
  readonly heading: string;
  /** Lines of Markdown each, with their ends. */
  readonly items: readonly string[];
}

type Reasons = Readonly<Record<'not-met' | 'unsupported', ReadonlyMap<string, number>>>;

function render(summary: RunSummary, reasons: Reasons): string {
  const sections: Section[] = [
    { heading: '', items: senderRows(summary) },
    { heading: 'What did not pass, by cause', items: causeItems(summary) },
    { heading: 'Inconclusive', items: undecidedOf(summary.results).map(undecidedItem) },
    { heading: 'Listed as known, and no more', items: summary.knownNoMore.map(noMoreItem) },
    {
      heading: 'Senders that could not be run',
      items: summary.skippedSenders.map(
        ({ name, reason }) => `- ${markdownText(name, 80)}: ${markdownText(reason, 1000)}\n`,
      ),
    },
    {
      heading: 'Judged in nothing',
      items: unjudgedOf(summary).map(({ sentence }) => `- ${markdownText(sentence)}\n`),
    },
    { heading: 'Not met, and so not passed', items: reasonItems(reasons['not-met']) },
    { heading: 'Unsupported', items: reasonItems(reasons.unsupported) },
    {
      heading: FACTS_HEADING,
      items: factsOf(summary.results).map(
        ({ sender, point, seen }) =>
          `- ${markdownText(sender, 80)}: ${markdownText(point)}: ${markdownText(seen)}\n`,
      ),
    },
  ];
  return bounded(`## Holdfast: ${outcome(summary)}\n\n${totals(summary)}\n`, sections);
}

/** As many items of each section as find room, the first sections first. */
function bounded(opening: string, sections: readonly Section[]): string {
  const parts = [opening];
  let left = MOST_BYTES - byteLength(opening);
  for (const { heading, items } of sections.filter(({ items }) => items.length > 0)) {
    parts.push(heading === '' ? '\n' : `\n### ${heading}\n\n`);
    let shown = 0;
    for (const item of items) {
      left -= byteLength(item);
      if (left < 0) break;
      parts.push(item);
      shown++;
    }
    if (shown < items.length) parts.push(`\nand ${items.length - shown} more\n`);
  }
  return parts.join('');
}

const byteLength = (text: string) => new TextEncoder().encode(text).length;

/** What shuts the gate, if anything does: only a run that ends with 0 is one in which nothing failed. */
function outcome({ run, results, knownNoMore, skippedSenders, interrupted }: RunSummary): string {
  const count = countShown(results);
  const { fail, inconclusive } = count;
  const failures = failing(run).reduce((sum, shown) => sum + count[shown], 0);
  const unjudged = unjudgedOf({ run, results });
  if (failures > 0)
    return `${counted(failures, 'failure')}${failures > fail ? `, ${failures - fail} by --strict` : ''}`;
  if (interrupted) return 'interrupted';
  if (results.length === 0) return 'nothing ran';
  if (knownNoMore.length > 0) return 'the list of known failures is out of date';
  if (inconclusive > 0) return `${counted(inconclusive, 'verdict')} not decided`;
  if (skippedSenders.length > 0)
    return `${counted(skippedSenders.length, 'sender')} could not be run`;
  if (unjudged.length > 0) return `${counted(unjudged.length, 'sender')} judged in nothing`;
  return 'nothing failed';
}

/** `130 verdicts in 12.3 s, holdfast 0.1.0 · 2 not judged` */
function totals(summary: RunSummary): string {
  const { run, interrupted } = summary;
  const left = notJudged(summary);
  return [
    verdictsIn(summary),
    markdownText(`holdfast ${run.holdfast}`, 40),
    ...(run.shard ? [`shard ${run.shard.index} of ${run.shard.of}`] : []),
    ...(interrupted ? ['interrupted'] : []),
    ...(left > 0 ? [`${left} not judged`] : []),
  ].join(' · ');
}

/** A table; its head is the first item. */
function senderRows({ run, results }: RunSummary): string[] {
  if (run.senders.length === 0) return [];
  const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |\n`;
  const head = row(['sender', ...SHOWN.map((shown) => `${SYMBOL[shown]} ${gradeWord(shown)}`)]);
  const rule = row(['---', ...SHOWN.map(() => '---:')]);
  const rows = run.senders.map(({ name, version }) => {
    const counts = countShown(results.filter(({ verdict }) => verdict.sender === name));
    const who = markdownText(version === '' ? name : `${name} ${version}`, 120);
    return row([who, ...SHOWN.map((shown: Shown) => counts[shown])]);
  });
  return [`${head}${rule}${rows[0]}`, ...rows.slice(1)];
}

function causeItems({ results }: RunSummary): string[] {
  const reasons = new Map(
    results.map(({ verdict, known }) => [`${verdict.sender}\0${verdict.scenario}`, known?.reason]),
  );
  return causesOf(results).map((cause) =>
    causeItem(cause, reasons.get(`${cause.sender}\0${cause.example.scenario}`)),
  );
}

function undecidedItem({ sender, remark, scenarios }: Undecided): string {
  const count = counted(scenarios.length, 'scenario');
  return `- ${markdownText(sender, 80)} · ${count}: ${markdownText(remark)}; in: ${namedOf(scenarios)}\n`;
}

function namedOf(scenarios: readonly string[]): string {
  return fewOf(
    scenarios.map((id) => markdownCode(id, 120)),
    MOST_NAMED,
  ).join(', ');
}

function causeItem(
  { sender, shown, requirement, scenarios, example }: Cause,
  known: string | undefined,
): string {
  const { expected, actual } = example.finding;
  return [
    `- ${SYMBOL[shown]} **${gradeWord(shown)}** · ${markdownText(sender, 80)} · ${counted(scenarios.length, 'scenario')}`,
    `  - ${markdownText(levelAndCitation(requirement))}`,
    `  - expected: ${markdownText(expected)}`,
    `  - actual: ${markdownText(actual)}`,
    ...(shown === 'known' ? [`  - known: ${markdownText(known!)}`] : []),
    `  - in: ${namedOf(scenarios)}`,
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function noMoreItem({ sender, kind, entry }: KnownNoMore): string {
  const place = markdownCode(`${entry.file}:${entry.line}`, 200);
  const what = `${markdownCode(entry.scenarios, 120)} · ${markdownText(sender, 80)}`;
  return kind === 'passes'
    ? `- ${what}: passes now; delete ${place}\n`
    : `- ${what}: fails still, and was known until ${markdownText(entry.until!, 40)} (${place})\n`;
}

/** The most frequent first. */
function reasonItems(reasons: ReadonlyMap<string, number>): string[] {
  return [...reasons]
    .sort(([, a], [, b]) => b - a)
    .map(([key, times]) => {
      const at = key.lastIndexOf('\0');
      const [sender, why] = [key.slice(0, at), key.slice(at + 1)];
      return `- ${markdownText(sender, 80)}, ${counted(times, 'time')}: ${markdownText(why)}\n`;
    });
}
