/**
 * The junit reporter: the XML that CI servers read. One testsuite for each sender, one testcase for
 * each scenario variant.
 *
 * Valid against junit-10.xsd of Jenkins' xUnit plugin, with at most one of failure, error and
 * skipped in a testcase. A warning passes and is told in system-out; known failures, unsupported and not met
 * are skipped; inconclusive is an error; and a sender that could not be started is a suite with one
 * skipped case, so that it is not overlooked.
 */

import { requirementOf } from '../model/citation.ts';
import type { KnownFailure } from '../model/known.ts';
import type { ReporterModule, Result, RunSummary } from '../model/reporter.ts';
import { countShown, scenarioFileId } from '../model/reporter.ts';
import type { Trial, Verdict } from '../model/verdict.ts';
import { printable } from '../protocol/printable.ts';
import { describeVerdict, toldFindings, whyNotMet, whyUnsupported } from './failure-text.ts';

const FILE_NAME = 'junit.xml';

export const reporter: ReporterModule = {
  summary: `JUnit XML for CI servers: ${FILE_NAME} in the output folder, or standard output.`,
  file: FILE_NAME,
  create(context) {
    const cases: { readonly sender: string; readonly xml: string }[] = [];
    return {
      onVerdict(verdict, trial, known) {
        cases.push({ sender: verdict.sender, xml: testcase(verdict, trial, known) });
      },
      async onEnd(summary) {
        const document = toXml(summary, cases);
        if (context.outDir === undefined) context.write(document);
        else await context.writeFile(FILE_NAME, document);
      },
    };
  },
};

function toXml(summary: RunSummary, cases: readonly { sender: string; xml: string }[]): string {
  const { run, results, skippedSenders } = summary;
  const suites = [
    ...run.senders.map((sender) => {
      const own = results.filter(({ verdict }) => verdict.sender === sender.name);
      const xml = cases.filter((one) => one.sender === sender.name).map((one) => one.xml);
      return suite(sender.name, run.startedAt, xml, own);
    }),
    ...skippedSenders.map(({ name, reason }) =>
      suite(
        name,
        run.startedAt,
        [element('testcase', { classname: name, name: 'start', time: '0.000' }, skipped(reason))],
        [],
        1,
      ),
    ),
  ];
  const all = element(
    'testsuites',
    {
      name: 'holdfast',
      ...counts(results, skippedSenders.length),
      time: seconds(summary.elapsedMs),
    },
    ...suites,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${all}`;
}

function suite(
  name: string,
  startedAt: string,
  cases: readonly string[],
  own: readonly Result[],
  alsoSkipped = 0,
): string {
  const durationMs = own.reduce((sum, { verdict }) => sum + verdict.durationMs, 0);
  const { tests, failures, errors } = counts(own, alsoSkipped);
  const shown = countShown(own);
  const skippedCount = shown.known + shown.unsupported + shown['not-met'] + alsoSkipped;
  // As Ant writes it: no zone, no fraction.
  const timestamp = startedAt.slice(0, 19);
  return element(
    'testsuite',
    { name, tests, failures, errors, skipped: skippedCount, timestamp, time: seconds(durationMs) },
    ...cases,
  );
}

function counts(results: readonly Result[], skippedSenders: number) {
  const { fail, inconclusive } = countShown(results);
  return { tests: results.length + skippedSenders, failures: fail, errors: inconclusive };
}

function testcase(verdict: Verdict, trial: Trial, known?: KnownFailure): string {
  const attributes = {
    classname: scenarioFileId(verdict.scenario),
    name: verdict.scenario,
    time: seconds(verdict.durationMs),
  };
  const told = known ? [skipped(`known: ${known.reason}`)] : outcome(verdict, trial);
  return element('testcase', attributes, ...told);
}

function outcome(verdict: Verdict, trial: Trial): string[] {
  const told = describeVerdict(verdict, trial).join('\n');
  switch (verdict.grade) {
    case 'pass':
    case 'warn':
      return told === '' ? [] : [textElement('system-out', {}, told)];
    case 'not-met':
      return [skipped(whyNotMet(verdict, trial))];
    case 'unsupported':
      return [skipped(whyUnsupported(verdict, trial))];
    case 'fail':
    case 'inconclusive': {
      const first = toldFindings(verdict).find((finding) => finding.grade === verdict.grade);
      const message = printable(
        first
          ? `expected ${first.expected}; ${first.actual}`
          : (verdict.remarks[0] ?? verdict.grade),
      );
      const attributes = {
        message,
        type: first ? requirementType(first.requirement) : verdict.grade,
      };
      return [textElement(verdict.grade === 'fail' ? 'failure' : 'error', attributes, told)];
    }
  }
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
