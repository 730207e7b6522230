/**
 * The text reporter: for people. While a run goes on, a line for each verdict that is not a pass; on
 * a terminal below them the live region (progress.ts), in a CI log a line each tenth. The end tells
 * each cause once and in full, the whole picture, and what to do next.
 */

import { styleText } from 'node:util';
import { type Cause, causeKey, causesOf, shownOf } from '../model/causes.ts';
import type {
  ReporterContext,
  ReporterModule,
  Result,
  RunInfo,
  RunSummary,
  Shown,
} from '../model/reporter.ts';
import {
  countShown,
  failing,
  notJudged,
  SHOWN,
  scenarioFileId,
  shownAs,
  verdictsIn,
} from '../model/reporter.ts';
import { gradeWord, type Trial, type Verdict } from '../model/verdict.ts';
import { counted, fewOf, printable, printableLines } from '../protocol/printable.ts';
import { FACTS_HEADING, factLines } from './facts.ts';
import {
  describeFailure,
  noMoreLine,
  SYMBOL,
  title,
  toldFindings,
  whyNotMet,
  whyUnsupported,
} from './failure-text.ts';
import { renderExposure, renderMatrix } from './matrix.ts';
import { openProgress, type Progress } from './progress.ts';
import { unjudgedOf } from './unjudged.ts';

const LOG_COLUMNS = 100;
/** Scenarios named below a cause. */
const MOST_NAMED = 12;

export const reporter: ReporterModule = {
  summary:
    'For people: progress, each cause of failures in full, and the matrix of scenarios and senders. To standard output.',
  sharesOutput: true,
  create(context) {
    const paint = painter(context);
    const told: Pick<Result, 'verdict' | 'known'>[] = [];
    /** How the first finding of each cause is told, by its key. */
    const examples = new Map<string, readonly string[]>();
    /** Why scenarios were not met or are unsupported: `sender\0reason`. */
    const reasons = { 'not-met': [] as string[], unsupported: [] as string[] };
    let planned = 0;
    let tenths = 0;
    let progress: Progress | undefined;
    let isHeadingLast = false;
    const print = (lines: readonly string[]) => {
      isHeadingLast = false;
      context.write(lines.map((line) => `${line}\n`).join(''));
    };
    const width = () => (context.isTerminal ? context.columns : LOG_COLUMNS);
    const tellProgress = () => {
      const tenth = Math.floor((told.length / planned) * 10);
      if (context.live && progress) context.live(progress.lines);
      else if (tenth > tenths && told.length < planned) {
        tenths = tenth;
        print([statusLine(told, planned)]);
      }
    };
    return {
      onStart(run) {
        planned = run.senders.length * run.scenarios.length;
        print([opening(run), '']);
        isHeadingLast = true;
        progress = openProgress(run, () => statusLine(told, planned));
        tellProgress();
      },
      onTrialStart(scenario, sender) {
        progress?.began(scenario.id, sender);
        tellProgress();
      },
      onVerdict(verdict, trial, known) {
        told.push({ verdict, known });
        progress?.ended(verdict.scenario, verdict.sender);
        const shown = shownAs({ verdict, known });
        if (shown === 'not-met')
          reasons['not-met'].push(`${verdict.sender}\0${whyNotMet(verdict, trial)}`);
        if (shown === 'unsupported')
          reasons.unsupported.push(`${verdict.sender}\0${whyUnsupported(verdict, trial)}`);
        for (const finding of toldFindings(verdict)) {
          const key = causeKey(verdict, finding, shownOf(finding, { verdict, known }));
          if (!examples.has(key)) examples.set(key, describeFailure(verdict, finding, trial));
        }
        const line = verdictLine({ verdict, known }, trial, context.isVerbose, width());
        if (line !== undefined) print([paintTitle(line, paint)]);
        tellProgress();
      },
      onEnd(summary) {
        context.live?.(undefined);
        const collected = { examples, reasons, isVerbose: context.isVerbose };
        // The first section begins with a blank line, as the heading has ended with one.
        print(closing(summary, collected, width(), paint).slice(isHeadingLast ? 1 : 0));
      },
    };
  },
};

interface Collected {
  readonly examples: ReadonlyMap<string, readonly string[]>;
  readonly reasons: Readonly<Record<'not-met' | 'unsupported', readonly string[]>>;
  readonly isVerbose: boolean;
}

/** What did not pass, in one line; with `isVerbose` all that was judged. */
function verdictLine(
  { verdict, known }: Pick<Result, 'verdict' | 'known'>,
  trial: Trial,
  isVerbose: boolean,
  width: number,
): string | undefined {
  const shown = shownAs({ verdict, known });
  const duration = `${(verdict.durationMs / 1000).toFixed(1)} s`;
  switch (shown) {
    case 'pass':
      return isVerbose ? title(shown, verdict, [duration]) : undefined;
    case 'not-met':
      return isVerbose ? title(shown, verdict, [whyNotMet(verdict, trial)]) : undefined;
    case 'unsupported':
      return isVerbose ? title(shown, verdict, [whyUnsupported(verdict, trial)]) : undefined;
    case 'known':
      return printable(title(shown, verdict, [printable(known!.reason)]), width);
    default:
      return printable(title(shown, verdict, [whatHappened(verdict)]), width);
  }
}

/** The worst finding in its own words, or why nothing is decided. */
function whatHappened(verdict: Verdict): string {
  const [worst] = toldFindings(verdict);
  return printable(worst?.actual ?? verdict.remarks[0] ?? '');
}

/** `37/130 · 35 pass · 1 fail` */
function statusLine(
  results: readonly Pick<Result, 'verdict' | 'known'>[],
  planned: number,
): string {
  return [`${results.length}/${planned}`, ...counts(results)].join(' · ');
}

function counts(results: readonly Pick<Result, 'verdict' | 'known'>[]): string[] {
  const count = countShown(results);
  return SHOWN.flatMap((shown) =>
    count[shown] === 0 ? [] : [`${count[shown]} ${gradeWord(shown)}`],
  );
}

function opening(run: RunInfo): string {
  const senders = run.senders
    .map(({ name, version }) => printable(`${name} ${version}`.trim(), 40))
    .join(', ');
  return `${`holdfast ${run.holdfast}`.trim()} · ${counted(run.scenarios.length, 'scenario')} · ${senders || 'no sender'}`;
}

function closing(
  summary: RunSummary,
  { examples, reasons, isVerbose }: Collected,
  width: number,
  paint: Paint,
): string[] {
  const exposure = renderExposure(summary);
  const section = (heading: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ['', paint('bold', heading), ...lines.map((line) => `  ${line}`)];
  return [
    ...section(
      'What did not pass, by cause',
      causesOf(summary.results).flatMap((cause, index) => [
        ...(index === 0 ? [] : ['']),
        ...causeLines(cause, examples, width - 2).map((line) => paintTitle(line, paint)),
      ]),
    ),
    ...section('Listed as known, and no more', summary.knownNoMore.map(noMoreLine)),
    ...section(
      'Scenarios and senders',
      summary.results.length === 0
        ? []
        : renderMatrix(summary, width - 2).map((line) => paintCells(line, paint)),
    ),
    ...section('What an attacker would have got', exposure),
    ...section('Passed, but', remarksOnPasses(summary)),
    ...section('Not met, and so not passed', grouped(reasons['not-met'])),
    ...section('Unsupported', grouped(reasons.unsupported)),
    ...section(FACTS_HEADING, isVerbose ? factLines(summary.results) : []),
    ...section(
      'Senders that could not be run',
      summary.skippedSenders.flatMap(({ name, reason }) =>
        `${SYMBOL.unsupported} ${printable(name, 40)}: ${printableLines(reason)}`.split('\n'),
      ),
    ),
    ...section('Evidence', evidenceLines(summary)),
    ...section('Try next', nextSteps(summary)),
    '',
    ...unjudgedOf(summary).map(({ sentence }) => `${sentence}.`),
    totals(summary),
  ];
}

function evidenceLines({ evidenceDir, evidenceProblem, results }: RunSummary): string[] {
  if (evidenceDir === undefined || results.length === 0) return [];
  const lack =
    evidenceProblem === undefined ? '' : `, but not of every trial: ${printable(evidenceProblem)}`;
  return [`${printable(evidenceDir)}${lack}`];
}

/**
 * `chasquid  145: the same fault was refused without a policy too …` Other verdicts have told their
 * remarks already.
 */
function remarksOnPasses({ results }: RunSummary): string[] {
  const passes = results.filter(({ verdict }) => verdict.grade === 'pass');
  const remarks = passes.flatMap(({ verdict }) =>
    verdict.remarks.map((remark) => `${printable(verdict.sender, 40)}\0${printable(remark)}`),
  );
  return [...Map.groupBy(remarks, (remark) => remark)].map(([remark, all]) => {
    const [sender, words] = remark.split('\0');
    return `${sender}  ${counted(all.length, 'time')}: ${words}`;
  });
}

/**
 * `chasquid  31 times: TXT of _mta-sts.victim.test was never asked for: …`, the most frequent
 * first.
 */
function grouped(reasons: readonly string[]): string[] {
  return [...Map.groupBy(reasons, (reason) => reason)]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([reason, all]) => {
      const [sender, words] = reason.split('\0');
      return `${printable(sender!, 40)}  ${counted(all.length, 'time')}: ${words}`;
    });
}

/** The first finding of a cause in full, and where else the same was seen. */
function causeLines(
  cause: Cause,
  examples: ReadonlyMap<string, readonly string[]>,
  width: number,
): string[] {
  const { scenarios, example, shown } = cause;
  const key = causeKey(cause, example.finding, shown);
  const lines = examples.get(key) ?? [`${SYMBOL[shown]} ${printable(example.scenario, 120)}`];
  const [first, ...rest] = lines;
  const others = scenarios.slice(1).map((id) => printable(id, 120));
  const named = fewOf(others, MOST_NAMED);
  return [
    `${SYMBOL[shown]}${first!.slice(1)}`,
    ...rest,
    ...(others.length === 0
      ? []
      : wrapList(`  the same in ${counted(others.length, 'other')}: `, named, width)),
  ];
}

function wrapList(opening: string, items: readonly string[], width: number): string[] {
  const lines = [opening];
  for (const [index, item] of items.entries()) {
    const text = index === items.length - 1 ? item : `${item}, `;
    const line = lines.at(-1)!;
    if (index > 0 && line.length + text.trimEnd().length > width) lines.push(`    ${text}`);
    else lines[lines.length - 1] = line + text;
  }
  return lines.map((line) => line.trimEnd());
}

function nextSteps({ run, results, evidenceDir, givenAs = {} }: RunSummary): string[] {
  const worst =
    results.find((result) => shownAs(result) === 'fail') ??
    results.find(({ verdict }) => verdict.grade === 'inconclusive') ??
    results.find(({ known }) => known !== undefined);
  const scenario =
    run.scenarios.find(({ id }) => id === worst?.verdict.scenario) ?? run.scenarios[0];
  // A scenario of the user's own is found by its file, one of the suite by its id.
  const isOwn =
    scenario !== undefined &&
    !scenario.file.endsWith(`scenarios/${scenarioFileId(scenario.id)}.yaml`);
  const id = isOwn ? scenario.file : scenario?.id;
  const steps: (readonly [command: string, purpose: string])[] = [
    ...(id === undefined
      ? []
      : [
          [
            `holdfast explain ${printable(id, 120)}`,
            'what is attacked, how, and why it matters',
          ] as const,
        ]),
    ...silentSenders(results).map(
      (name) =>
        [
          `holdfast doctor --sender ${printable(givenAs[name] ?? name, 120)}`,
          'no honest message arrived: checks the sender step by step',
        ] as const,
    ),
    ...(evidenceDir === undefined || results.length === 0
      ? []
      : [
          [
            `holdfast judge ${printable(evidenceDir)}`,
            'the same verdicts again, without a lab',
          ] as const,
        ]),
    ...(isOwn
      ? []
      : [['holdfast run --sender reference ./mine', 'scenarios of your own'] as const]),
  ];
  const width = Math.max(...steps.map(([command]) => command.length));
  return steps.map(([command, purpose]) => `${command.padEnd(width)}  ${purpose}`);
}

/** Those whose own honest delivery failed in whatever was judged: they are not set up. */
function silentSenders(results: readonly Result[]): string[] {
  const judged = results.filter(({ verdict }) => verdict.grade !== 'unsupported');
  const bySender = Map.groupBy(judged, ({ verdict }) => verdict.sender);
  return [...bySender].flatMap(([name, all]) => (all.every(hasFailedControl) ? [name] : []));
}

function hasFailedControl({ verdict: { findings } }: Result): boolean {
  return findings.some(
    ({ expectation, grade }) => expectation === 'control' && grade === 'inconclusive',
  );
}

/** `130 verdicts in 12.3 s · 128 pass · 2 fail` */
function totals(summary: RunSummary): string {
  const { run, results } = summary;
  const strict = failing(run);
  const count = countShown(results);
  const graded = SHOWN.filter((shown) => count[shown] > 0).map((shown) => {
    const isStrict = shown !== 'fail' && strict.includes(shown);
    const failures = count[shown] === 1 ? 'a failure' : 'failures';
    return `${count[shown]} ${gradeWord(shown)}${isStrict ? `, which --strict counts as ${failures}` : ''}`;
  });
  return [verdictsIn(summary), ...graded, ...stopOf(summary)].join(' · ');
}

/** Why not everything was judged, if it was not. */
function stopOf(summary: RunSummary): string[] {
  const left = `${notJudged(summary)} not judged`;
  if (!summary.interrupted) return notJudged(summary) > 0 ? [left] : [];
  return [
    summary.run.senders.length === 0
      ? 'interrupted before a sender was ready'
      : `interrupted, ${left}`,
  ];
}

// ---- colour ----

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;

const COLOR: Readonly<Record<Shown, Style>> = {
  pass: 'green',
  warn: 'yellow',
  fail: 'red',
  known: 'blue',
  'not-met': 'cyan',
  inconclusive: 'magenta',
  unsupported: 'dim',
};
const STYLE_OF_SYMBOL = new Map(
  Object.entries(SYMBOL).map(([grade, symbol]) => [symbol, COLOR[grade as Shown]]),
);

function painter(context: Pick<ReporterContext, 'color'>): Paint {
  return (style, text) =>
    context.color ? styleText(style, text, { validateStream: false }) : text;
}

/** A line that opens with a grade's symbol takes its colour. */
function paintTitle(line: string, paint: Paint): string {
  const style = STYLE_OF_SYMBOL.get(line.slice(0, 1));
  return style === undefined ? line : paint(style, line);
}

/** `✗ 2/5` and its like, wherever they stand in a line of the matrix. */
function paintCells(line: string, paint: Paint): string {
  return line.replace(/(?<=\s)([✓✗~!?○–])( \d+(\/\d+)?)?(?=\s|$)/g, (found, symbol: string) =>
    paint(STYLE_OF_SYMBOL.get(symbol)!, found),
  );
}
