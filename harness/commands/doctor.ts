/**
 * `doctor`: goes through the contract of a sender, thing by thing, on the real server in the real
 * lab, and says what to mend.
 */

import { relative } from 'node:path';
import { styleText } from 'node:util';
import type { CheckResult } from '../doctor/check.ts';
import type { Log } from '../doctor/log.ts';
import { openLab } from '../labs/open.ts';
import type { SenderContract } from '../model/contract.ts';
import { type Sender, SenderError } from '../model/sender.ts';
import { printable } from '../protocol/printable.ts';
import { builtInSender } from '../senders/built-in.ts';
import { contractOf, senderOf } from '../senders/find.ts';
import { EXIT, type Terminal, wrap } from './terminal.ts';

/**
 * 0: all that applies is proved. 1: there is something to mend. 70: it could not be started. A
 * contract with problems throws UsageError.
 */
export async function doctor(
  name: string,
  terminal: Terminal,
  patienceMs?: number,
): Promise<number> {
  const contract = (await builtInSender(name)) === undefined ? await contractOf(name) : undefined;
  const sender = await senderOf(name);
  const [{ openExamination }, { examine }, { CHECKS }, { createLog }] = await Promise.all([
    import('../doctor/examination.ts'),
    import('../doctor/check.ts'),
    import('../doctor/checks.ts'),
    import('../doctor/log.ts'),
  ]);
  const { signal } = terminal;
  const printer = openPrinter(terminal, contract !== undefined);
  const log = createLog();
  const take = <T>(opening: Opening<T>) => takeOpening(opening, printer, log, signal);
  printer.onResult({
    kind: 'proved',
    name: 'the contract can be read',
    saw: describePlace(sender, contract),
    elapsedMs: 0,
  });
  try {
    const ready = await take({
      name: 'can be run here',
      mend: () => 'see build or image, and version.',
      work: () => prepare(sender, printer.aside, signal),
      saw: ({ version }) => `version ${version}`,
    });
    await using lab = await take({
      name: 'the lab is there',
      mend: () => 'this is nothing of the contract: the lab itself has to start first.',
      work: () => openLab(ready.lab ?? 'loopback', printer.aside, { signal }),
    });
    if (signal.aborted) return EXIT.interrupted;
    await using examination = await take({
      name: 'starts and greets',
      mend: (error) => (hasEnded(error) ? MEND_ENDED : MEND_LATE),
      work: () => openExamination({ lab, sender: ready, contract, log, patienceMs }),
    });
    const results = await examine({
      checks: CHECKS,
      capabilities: ready.capabilities,
      examination,
      signal,
      ...printer,
    });
    if (signal.aborted) return EXIT.interrupted;
    printer.onEnd(ready, results, name);
    return results.some(({ kind }) => kind === 'fault') ? 1 : 0;
  } catch (error) {
    if (error instanceof NotStarted) return signal.aborted ? EXIT.interrupted : EXIT.harnessBroke;
    throw error;
  }
}

const MEND_ENDED =
  'its last words, if it had any, say why it ended; see command, environment, files, trust and the image.';
const MEND_LATE =
  'ready.log has to match a line that it prints once it takes mail (without ready.log, its greeting is enough), and submit.port has to be where it greets. A slow one gets more time by ready.within.';

/** One that ended has its last words in the message, if it had any. */
const hasEnded = ({ message }: SenderError) =>
  message.includes('\n') || /, having said nothing$/.test(message);

async function prepare(
  sender: Sender,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<Sender> {
  const missing = await sender.unavailable();
  if (missing !== undefined) throw new SenderError(missing);
  return (await sender.prepare?.(tell, signal)) ?? sender;
}

// ---- what has to be there before anything can be checked ----

interface Opening<T> {
  readonly name: string;
  mend(error: SenderError): string;
  work(): Promise<T>;
  saw?(value: T): string;
}

/** It was told what is wrong, unless somebody has stopped it. */
class NotStarted extends Error {}

/** Throws NotStarted. */
async function takeOpening<T>(
  { name, mend, work, saw }: Opening<T>,
  printer: CheckPrinter,
  log: Log,
  signal: AbortSignal,
): Promise<T> {
  const began = performance.now();
  const elapsedMs = () => performance.now() - began;
  printer.onBegin(name);
  try {
    const value = await work();
    printer.onResult({ kind: 'proved', name, saw: saw?.(value), elapsedMs: elapsedMs() });
    return value;
  } catch (error) {
    if (!(error instanceof SenderError)) throw error;
    if (signal.aborted) throw new NotStarted();
    const quoted = hasEnded(error) ? undefined : log.excerpt();
    printer.onResult({
      kind: 'fault',
      name,
      saw: error.message,
      mend: mend(error),
      log: quoted,
      elapsedMs: elapsedMs(),
    });
    throw new NotStarted();
  }
}

function describePlace({ name, lab }: Sender, contract: SenderContract | undefined): string {
  if (!contract)
    return `${name}, built in: there is no contract to mend${lab === undefined ? ', and no log to read' : ''}`;
  const { place } = contract;
  if (place.kind === 'external') return `${contract.name}, external, lab at ${place.dns}`;
  if (place.kind === 'node')
    return `${contract.name}, a Node program, ${relative('.', place.program)}`;
  const image =
    typeof place.image === 'string'
      ? `image ${place.image}`
      : `built in ${relative('.', place.image.context) || '.'}`;
  return `${contract.name}, in a container, ${image}`;
}

// ---- telling ----

interface CheckPrinter {
  onBegin(name: string): void;
  onResult(result: CheckResult): void;
  onEnd(sender: Sender, results: readonly CheckResult[], name: string): void;
  /** To standard error, between the lines. */
  aside(line: string): void;
}

/** Erases the line the cursor is on and goes to its start (ECMA-48 EL). */
const CLEAR_LINE = '\r\x1b[2K';
const MARKS = { proved: '✓', fault: '✗', skipped: '–' } as const;
const COLORS = { proved: 'green', fault: 'red', skipped: 'dim' } as const;
const LOG_COLUMNS = 100;
const LONGEST_LOG_LINE_CHARS = 500;
/** Faster than this is not worth a word. */
const TOLD_MS = 50;

/** On a terminal, what is being checked is shown until its result is there. */
function openPrinter(
  { write, complain, isTerminal, columns, color }: Terminal,
  hasContract: boolean,
): CheckPrinter {
  const width = isTerminal ? columns : LOG_COLUMNS;
  const paint = (style: 'green' | 'red' | 'dim', text: string) =>
    color ? styleText(style, text, { validateStream: false }) : text;
  const erase = () => {
    if (isTerminal) write(CLEAR_LINE);
  };
  const print = (lines: readonly string[]) => write(lines.map((line) => `${line}\n`).join(''));
  return {
    onBegin(name) {
      if (isTerminal) write(paint('dim', printable(`… ${name}`, width - 1)));
    },
    onResult(result) {
      erase();
      const [first, ...rest] = resultLines(result, width, hasContract);
      print([`${paint(COLORS[result.kind], MARKS[result.kind])} ${first}`, ...rest]);
    },
    onEnd(sender, results, name) {
      const count = (kind: CheckResult['kind']) =>
        results.filter((result) => result.kind === kind).length;
      const faults = count('fault');
      const counted = `${printable(`${sender.name} ${sender.version}`.trim(), 120)}: ${count('proved')} proved · ${faults} to mend · ${count('skipped')} skipped`;
      const next =
        faults > 0
          ? 'Begin with the first: others may follow from it.'
          : `Next: holdfast run --sender ${printable(name, 120)}`;
      print(['', counted, next]);
    },
    aside(line) {
      erase();
      complain(line);
    },
  };
}

function resultLines(result: CheckResult, width: number, hasContract: boolean): string[] {
  const seconds = result.elapsedMs < TOLD_MS ? [] : [`${(result.elapsedMs / 1000).toFixed(1)} s`];
  switch (result.kind) {
    case 'proved':
      return [
        [result.name, ...(result.saw ? [printable(result.saw, 160)] : []), ...seconds].join(' · '),
      ];
    case 'skipped':
      return [`${result.name} · ${result.reason}`];
    case 'fault': {
      const [saw = '', ...said] = result.saw.split('\n');
      return [
        [result.name, ...seconds].join(' · '),
        ...paragraph('seen', printable(saw, 600), width),
        ...said.map((line) => `          ${printable(line, LONGEST_LOG_LINE_CHARS)}`),
        // Who has no contract has nothing to mend in it.
        ...(hasContract ? paragraph('do', result.mend, width) : []),
        ...logLines(result.log),
      ];
    }
  }
}

const TITLE_COLUMNS = 10;

function paragraph(title: string, text: string, width: number): string[] {
  const indent = ' '.repeat(TITLE_COLUMNS);
  const [first = '', ...rest] = wrap(text, width, indent);
  return [`    ${title}`.padEnd(TITLE_COLUMNS) + first.slice(TITLE_COLUMNS), ...rest];
}

function logLines(log: Extract<CheckResult, { kind: 'fault' }>['log']): string[] {
  if (!log || log.lines.length === 0) return [];
  return [
    `    log   ${log.mentioned ? 'what it said of the message:' : 'the last it said:'}`,
    ...log.lines.map((line) => `          ${printable(line, LONGEST_LOG_LINE_CHARS)}`),
  ];
}
