/**
 * The text reporter: for people. In a CI log, a line for each verdict; on a terminal, one line of
 * progress that is drawn again and again. What did not pass is told at once and in full; the end
 * gives the whole picture and what to do next.
 */

import { styleText } from 'node:util';
import type { ReporterContext, ReporterModule, RunInfo, RunSummary } from '../model/reporter.ts';
import { countGrades, scenarioFileId } from '../model/reporter.ts';
import { GRADES, type Grade, gradeWord, type Trial, type Verdict } from '../model/verdict.ts';
import { counted, printable, printableLines } from '../protocol/printable.ts';
import { describeVerdict, SYMBOL, title, whyNotMet, whyUnsupported } from './failure-text.ts';
import { renderExposure, renderMatrix } from './matrix.ts';

/** Erases the line the cursor is on and goes to its start (ECMA-48 EL). */
const CLEAR_LINE = '\r\x1b[2K';
const LOG_COLUMNS = 100;

export const reporter: ReporterModule = {
  summary:
    'For people: progress, each failure in full, and the matrix of scenarios and senders. To standard output.',
  create(context) {
    const paint = painter(context);
    const verdicts: Verdict[] = [];
    let planned = 0;
    const print = (lines: readonly string[]) =>
      context.write(lines.map((line) => `${line}\n`).join(''));
    const draw = () => {
      if (context.isTerminal)
        context.write(
          `${CLEAR_LINE}${paint('dim', statusLine(verdicts, planned, context.columns))}`,
        );
    };
    const erase = () => {
      if (context.isTerminal) context.write(CLEAR_LINE);
    };
    return {
      onStart(run) {
        planned = run.senders.length * run.scenarios.length;
        print([opening(run), '']);
        draw();
      },
      onVerdict(verdict, trial) {
        verdicts.push(verdict);
        const lines = verdictLines(verdict, trial, context.isTerminal);
        if (lines.length > 0) {
          erase();
          print(lines.map((line) => paintTitle(line, paint)));
        }
        draw();
      },
      onEnd(summary) {
        erase();
        const width = context.isTerminal ? context.columns : LOG_COLUMNS;
        print(closing(summary, width, paint));
      },
    };
  },
};

/** On a terminal, passes, and what was not met or is unsupported, only move the status line. */
function verdictLines(verdict: Verdict, trial: Trial, isTerminal: boolean): string[] {
  const duration = `${(verdict.durationMs / 1000).toFixed(1)} s`;
  switch (verdict.grade) {
    case 'pass':
      return isTerminal ? [] : [title('pass', verdict, [duration])];
    case 'not-met':
      return isTerminal ? [] : [title('not-met', verdict, [whyNotMet(verdict, trial)])];
    case 'unsupported':
      return isTerminal ? [] : [title('unsupported', verdict, [whyUnsupported(verdict, trial)])];
    default: {
      const told = describeVerdict(verdict, trial);
      return told.length > 0 ? [...told, ''] : [title(verdict.grade, verdict, [duration])];
    }
  }
}

/** `37/130 · 35 pass · 1 fail` */
function statusLine(verdicts: readonly Verdict[], planned: number, columns: number): string {
  // One column less: a line that fills the last one would wrap, and could not be erased.
  return printable(
    [`${verdicts.length}/${planned}`, ...gradeCounts(verdicts)].join(' · '),
    columns - 1,
  );
}

function gradeCounts(verdicts: readonly Verdict[]): string[] {
  const counts = countGrades(verdicts);
  return GRADES.flatMap((grade) =>
    counts[grade] === 0 ? [] : [`${counts[grade]} ${gradeWord(grade)}`],
  );
}

function opening(run: RunInfo): string {
  const senders = run.senders
    .map(({ name, version }) => printable(`${name} ${version}`.trim(), 40))
    .join(', ');
  return `holdfast ${run.holdfast} · ${counted(run.scenarios.length, 'scenario')} · ${senders || 'no sender'}`;
}

function closing(summary: RunSummary, width: number, paint: Paint): string[] {
  const verdicts = summary.results.map(({ verdict }) => verdict);
  const exposure = renderExposure(summary);
  const section = (heading: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ['', paint('bold', heading), ...lines.map((line) => `  ${line}`)];
  return [
    ...section(
      'Scenarios and senders',
      verdicts.length === 0
        ? []
        : renderMatrix(summary, width - 2).map((line) => paintCells(line, paint)),
    ),
    ...section('What an attacker would have got', exposure),
    ...section('Passed, but', remarksOnPasses(summary)),
    ...section('Not met, and so not passed', notMet(summary)),
    ...section(
      'Senders that could not be run',
      summary.skippedSenders.flatMap(({ name, reason }) =>
        `${SYMBOL.unsupported} ${printable(name, 40)}: ${printableLines(reason)}`.split('\n'),
      ),
    ),
    ...section(
      'Evidence',
      summary.evidenceDir === undefined ? [] : [printable(summary.evidenceDir)],
    ),
    ...section('Try next', nextSteps(summary)),
    '',
    totals(summary),
  ];
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
function notMet({ results }: RunSummary): string[] {
  const reasons = results
    .filter(({ verdict }) => verdict.grade === 'not-met')
    .map(({ verdict, trial }) => `${printable(verdict.sender, 40)}\0${whyNotMet(verdict, trial)}`);
  return [...Map.groupBy(reasons, (reason) => reason)]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([reason, all]) => {
      const [sender, words] = reason.split('\0');
      return `${sender}  ${counted(all.length, 'time')}: ${words}`;
    });
}

function nextSteps({ run, results, evidenceDir }: RunSummary): string[] {
  const worst =
    results.find(({ verdict }) => verdict.grade === 'fail') ??
    results.find(({ verdict }) => verdict.grade === 'inconclusive');
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
    ...(evidenceDir === undefined
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

/** `130 verdicts in 12.3 s · 128 pass · 2 fail` */
function totals({ run, results, interrupted, elapsedMs }: RunSummary): string {
  const planned = run.senders.length * run.scenarios.length;
  const verdicts = results.map(({ verdict }) => verdict);
  const stopped = interrupted ? [`interrupted, ${planned - verdicts.length} not judged`] : [];
  return [
    `${counted(verdicts.length, 'verdict')} in ${(elapsedMs / 1000).toFixed(1)} s`,
    ...gradeCounts(verdicts),
    ...stopped,
  ].join(' · ');
}

// ---- colour ----

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;

const COLOR: Readonly<Record<Grade, Style>> = {
  pass: 'green',
  warn: 'yellow',
  fail: 'red',
  'not-met': 'cyan',
  inconclusive: 'magenta',
  unsupported: 'dim',
};
const STYLE_OF_SYMBOL = new Map(
  Object.entries(SYMBOL).map(([grade, symbol]) => [symbol, COLOR[grade as Grade]]),
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
  return line.replace(/(?<=\s)([✓✗!?○–])( \d+(\/\d+)?)?(?=\s|$)/g, (found, symbol: string) =>
    paint(STYLE_OF_SYMBOL.get(symbol)!, found),
  );
}
