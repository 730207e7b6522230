/**
 * The junit reporter: the XML that CI servers read. One testsuite for each sender, one testcase for
 * each scenario variant. It is red wherever what was found makes the exit code another than 0, since
 * there are CI servers that read nothing else; but for senders that lack something on this machine. With
 * --against the exit code is that of the comparison, and each sender is told of by itself.
 *
 * Valid against junit-10.xsd of Jenkins' xUnit plugin, with at most one of failure, error and
 * skipped in a testcase. A warning passes and is told in system-out; known failures, unsupported and
 * not met are skipped; with --strict, warnings and what was not met are failures. Inconclusive is an
 * error, and so is a testcase beside the scenarios where a sender broke, where scenarios were not
 * judged, and where a sender was judged in nothing. A sender that lacks something here is a suite
 * with one skipped case, so that it is not overlooked. What the list of known failures names wrongly
 * are failures in a suite of their own.
 */

import { requirementOf } from '../model/citation.ts';
import type { KnownFailure, KnownNoMore } from '../model/known.ts';
import type { ReporterModule, RunSummary } from '../model/reporter.ts';
import { failing, notJudgedOf, scenarioFileId } from '../model/reporter.ts';
import type { Grade, Trial, Verdict } from '../model/verdict.ts';
import { counted, printable, printableLines } from '../protocol/printable.ts';
import { describeVerdict, noMoreLine, whyNotMet, whyUnsupported } from './failure-text.ts';
import { unjudgedOf } from './unjudged.ts';

const FILE_NAME = 'junit.xml';

export const reporter: ReporterModule = {
  summary: `JUnit XML for CI servers: ${FILE_NAME} in the output folder, or standard output.`,
  file: FILE_NAME,
  create(context) {
    const judged: (Testcase & { readonly sender: string })[] = [];
    let failures: readonly string[] = [];
    return {
      onStart(run) {
        failures = failing(run);
      },
      onVerdict(verdict, trial, known) {
        const isFailure = failures.includes(verdict.grade);
        judged.push({ sender: verdict.sender, ...testcaseOf(verdict, trial, isFailure, known) });
      },
      async onEnd(summary) {
        const document = toXml(summary, judged);
        if (context.outDir === undefined) context.write(document);
        else await context.writeFile(FILE_NAME, document);
      },
    };
  },
};

interface Testcase {
  readonly classname: string;
  readonly name: string;
  readonly durationMs: number;
  readonly kind: 'passed' | 'failure' | 'error' | 'skipped';
  /** What stands in it. */
  readonly xml: string;
}

interface Suite {
  readonly name: string;
  readonly cases: readonly Testcase[];
}

function toXml(
  summary: RunSummary,
  judged: readonly (Testcase & { readonly sender: string })[],
): string {
  const { run, skippedSenders, knownNoMore } = summary;
  const names = [...run.senders, ...skippedSenders].map(({ name }) => name);
  const senders = [...new Set(names)].map((name) => ({
    name,
    cases: [...judged.filter(({ sender }) => sender === name), ...troublesOf(name, summary)],
  }));
  const listed = knownNoMore.map(wrongEntry);
  const whole = [
    ...senders,
    ...(listed.length > 0 ? [{ name: 'known failures', cases: listed }] : []),
  ];
  const suites = isTold(summary, whole)
    ? whole
    : [...whole, { name: 'run', cases: [cut(summary)] }];
  const { skipped: _, ...counts } = countsOf(suites.flatMap(({ cases }) => cases));
  const all = element(
    'testsuites',
    { name: 'holdfast', ...counts, time: seconds(summary.elapsedMs) },
    ...suites.map((suite) => toSuite(suite, run.startedAt)),
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${all}`;
}

/** Why a sender is not judged, or not to the end; beside its verdicts. */
function troublesOf(name: string, summary: RunSummary): Testcase[] {
  const left = notJudgedOf(summary, name);
  const isRun = summary.run.senders.some((sender) => sender.name === name);
  const skips = summary.skippedSenders.filter((one) => one.name === name);
  return [
    ...skips.map(({ reason, isBroken }) =>
      isRun || isBroken ? errorCase(name, 'start', reason) : skippedCase(name, 'start', reason),
    ),
    ...(isRun && left > 0
      ? [
          errorCase(
            name,
            `not judged: ${counted(left, 'scenario')}`,
            summary.interrupted
              ? 'the run was interrupted'
              : 'the sender could not be run any more',
          ),
        ]
      : []),
    ...unjudgedOf(summary)
      .filter(({ sender }) => sender === name)
      .map(({ sentence }) => errorCase(name, 'judged in nothing', sentence)),
  ];
}

/** That the run was stopped shows in the cases; and there are cases. */
function isTold({ interrupted }: RunSummary, suites: readonly Suite[]): boolean {
  const cases = suites.flatMap((suite) => suite.cases);
  return interrupted ? cases.some(({ kind }) => kind === 'error') : cases.length > 0;
}

const cut = ({ interrupted }: RunSummary) =>
  interrupted
    ? errorCase('run', 'interrupted', 'the run was interrupted')
    : errorCase('run', 'nothing ran', 'no scenario was run on any sender');

function wrongEntry(wrong: KnownNoMore): Testcase {
  const { sender, entry } = wrong;
  const text = noMoreLine(wrong);
  return {
    classname: sender,
    name: `${printable(entry.scenarios, 120)} (${printable(entry.file, 200)}:${entry.line})`,
    durationMs: 0,
    kind: 'failure',
    xml: textElement('failure', { message: text, type: 'known no more' }, text),
  };
}

function errorCase(classname: string, name: string, reason: string): Testcase {
  const attributes = { message: printable(reason), type: 'not judged' };
  const xml = textElement('error', attributes, printableLines(reason));
  return { classname, name, durationMs: 0, kind: 'error', xml };
}

function skippedCase(classname: string, name: string, reason: string): Testcase {
  return { classname, name, durationMs: 0, kind: 'skipped', xml: skipped(reason) };
}

function toSuite({ name, cases }: Suite, startedAt: string): string {
  const durationMs = cases.reduce((sum, one) => sum + one.durationMs, 0);
  // As Ant writes it: no zone, no fraction.
  const timestamp = startedAt.slice(0, 19);
  return element(
    'testsuite',
    { name, ...countsOf(cases), timestamp, time: seconds(durationMs) },
    ...cases.map(toElement),
  );
}

function countsOf(cases: readonly Testcase[]) {
  const count = (wanted: Testcase['kind']) => cases.filter(({ kind }) => kind === wanted).length;
  return {
    tests: cases.length,
    failures: count('failure'),
    errors: count('error'),
    skipped: count('skipped'),
  };
}

function toElement({ classname, name, durationMs, xml }: Testcase): string {
  const attributes = { classname, name, time: seconds(durationMs) };
  return element('testcase', attributes, ...(xml === '' ? [] : [xml]));
}

function testcaseOf(
  verdict: Verdict,
  trial: Trial,
  isFailure: boolean,
  known?: KnownFailure,
): Testcase {
  const { scenario, durationMs } = verdict;
  const kind = known ? 'skipped' : isFailure ? 'failure' : KIND[verdict.grade];
  const xml = known
    ? skipped(`known: ${known.reason}`)
    : kind === 'skipped'
      ? skipped(whyNot(verdict, trial))
      : toldIn(kind, verdict, trial);
  return { classname: scenarioFileId(scenario), name: scenario, durationMs, kind, xml };
}

/** Without --strict. */
const KIND: Readonly<Record<Grade, Testcase['kind']>> = {
  pass: 'passed',
  warn: 'passed',
  fail: 'failure',
  inconclusive: 'error',
  'not-met': 'skipped',
  unsupported: 'skipped',
};

function whyNot(verdict: Verdict, trial: Trial): string {
  return verdict.grade === 'not-met' ? whyNotMet(verdict, trial) : whyUnsupported(verdict, trial);
}

function toldIn(kind: 'passed' | 'failure' | 'error', verdict: Verdict, trial: Trial): string {
  const { grade, remarks } = verdict;
  const told = describeVerdict(verdict, trial).join('\n');
  if (kind === 'passed') return told === '' ? '' : textElement('system-out', {}, told);
  const first = verdict.findings.find((finding) => finding.grade === grade);
  const message = printable(
    first ? `expected ${first.expected}; ${first.actual}` : (remarks[0] ?? grade),
  );
  const type = first ? requirementType(first.requirement) : grade;
  return textElement(kind, { message, type }, told === '' ? message : told);
}

/** `RFC 8461 §5 MUST NOT` */
function requirementType(id: string): string {
  const requirement = requirementOf(id);
  if (!requirement) return id;
  const { rfc, section, level } = requirement;
  return `${rfc} §${section} ${level}`;
}

const skipped = (reason: string) => element('skipped', { message: printable(reason) });
const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(3);

// ---- XML ----

type Attributes = Readonly<Record<string, string | number>>;

/** An element with elements in it. */
function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  if (children.length === 0) return `<${name}${attributeList(attributes)}/>\n`;
  return `<${name}${attributeList(attributes)}>\n${children.join('')}</${name}>\n`;
}

/** An element with text in it, not a blank more or less. */
function textElement(name: string, attributes: Attributes, text: string): string {
  return `<${name}${attributeList(attributes)}>${escapeXml(text)}</${name}>\n`;
}

function attributeList(attributes: Attributes): string {
  const list = Object.entries(attributes).map(
    ([name, value]) => ` ${name}="${escapeXml(String(value)).replaceAll('\n', '&#10;')}"`,
  );
  return list.join('');
}

/** What XML 1.0 §2.2 does not have as a character; not even `&#0;` may stand for it. */
const FORBIDDEN = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;
/**
 * `>` because of `]]>` (XML 1.0 §2.4); tab and CR because a parser would change them (§2.11,
 * §3.3.3).
 */
const ENTITY: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\r': '&#13;',
};

function escapeXml(text: string): string {
  return text
    .replace(FORBIDDEN, '\ufffd')
    .replace(/[&<>"\t\r]/g, (character) => ENTITY[character]!);
}
