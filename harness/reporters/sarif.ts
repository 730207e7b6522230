/**
 * The sarif reporter: SARIF 2.1.0, for GitHub's code scanning and other tools that keep alerts. One
 * run for each sender, which GitHub tells apart by `automationDetails.id`; rules are requirements; a
 * result is a finding that fails or warns. What is listed as known is a note that is suppressed.
 *
 * What is not known is no result: inconclusive verdicts and runs that were stopped are notifications
 * of the tool. A sender that could not be run has no run here: GitHub would take its alerts for fixed.
 */

import { causesOf } from '../model/causes.ts';
import { citation, requirementOf, sectionUri } from '../model/citation.ts';
import type { ReporterModule, RunSummary } from '../model/reporter.ts';
import type { Level } from '../model/requirements.ts';
import { counted, printable, printableJson } from '../protocol/printable.ts';
import { type Alert, alertsOf } from './alerts.ts';
import { noMoreLine } from './failure-text.ts';
import { undecidedOf } from './undecided.ts';

const FILE_NAME = 'holdfast.sarif';
const SCHEMA =
  'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
/** What GitHub takes of a file, and shows of a run. */
const MOST_RUNS = 20;
const MOST_RESULTS = 5000;
/** Causes of inconclusive verdicts that are told. */
const MOST_NOTIFICATIONS = 100;

export const reporter: ReporterModule = {
  summary: `SARIF 2.1.0 for code scanning: ${FILE_NAME} in the output folder, or standard output.`,
  file: FILE_NAME,
  create: (context) => ({
    async onEnd(summary) {
      const document = `${printableJson(toLog(summary))}\n`;
      if (context.outDir === undefined) context.write(document);
      else await context.writeFile(FILE_NAME, document);
    },
  }),
};

function toLog(summary: RunSummary) {
  const alerts = Map.groupBy(alertsOf(summary), ({ verdict }) => verdict.sender);
  const names = summary.run.senders.map(({ name }) => name);
  const left = names.slice(MOST_RUNS).map((name) => printable(name, 80));
  const more =
    left.length > 0
      ? [`${counted(left.length, 'more sender')} than a file takes: ${left.join(', ')}`]
      : [];
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: names
      .slice(0, MOST_RUNS)
      .map((name, nth) => toRun(name, alerts.get(name) ?? [], summary, nth === 0 ? more : [])),
  };
}

/** `more`: what else is to be said of the file. */
function toRun(
  sender: string,
  alerts: readonly Alert[],
  summary: RunSummary,
  more: readonly string[],
) {
  const told = alerts.slice(0, MOST_RESULTS);
  const rules = [...new Set(told.map(({ finding }) => finding.requirement))];
  const broken = brokenOff(sender, summary);
  return {
    tool: {
      driver: {
        name: 'Holdfast',
        version: printable(summary.run.holdfast, 40),
        rules: rules.map(toRule),
      },
    },
    automationDetails: { id: `holdfast/${printable(sender, 120)}/` },
    invocations: [
      {
        executionSuccessful: broken.length === 0,
        startTimeUtc: summary.run.startedAt,
        toolExecutionNotifications: [
          ...broken.map((words) => notification('error', words)),
          ...more.map((words) => notification('warning', words)),
          ...(alerts.length > told.length
            ? [`${counted(alerts.length - told.length, 'more result')} than a run takes`]
            : []
          ).map((words) => notification('warning', words)),
          ...knownNoMore(sender, summary).map((words) => notification('warning', words)),
          ...notDecided(sender, summary).map((words) => notification('warning', words)),
        ],
      },
    ],
    columnKind: 'utf16CodeUnits',
    results: told.map((alert) => toResult(alert, rules)),
  };
}

/** Why not every scenario was judged. */
function brokenOff(sender: string, { interrupted, skippedSenders }: RunSummary): string[] {
  return [
    ...(interrupted ? ['the run was interrupted: not every scenario was judged'] : []),
    ...skippedSenders.filter(({ name }) => name === sender).map(({ reason }) => reason),
  ];
}

/** Entries of the list of known failures that are wrong. */
function knownNoMore(sender: string, { knownNoMore }: RunSummary): string[] {
  return knownNoMore.filter((one) => one.sender === sender).map(noMoreLine);
}

function notDecided(sender: string, { results }: RunSummary): string[] {
  const own = results.filter(({ verdict }) => verdict.sender === sender);
  const all = [
    ...causesOf(own)
      .filter(({ shown }) => shown === 'inconclusive')
      .map(({ scenarios, example }) => ({ scenarios, why: example.finding.actual })),
    ...undecidedOf(own).map(({ scenarios, remark }) => ({ scenarios, why: remark })),
  ];
  const told = all.slice(0, MOST_NOTIFICATIONS).map(({ scenarios, why }) => {
    const others = scenarios.length === 1 ? '' : ` and ${counted(scenarios.length - 1, 'other')}`;
    return `inconclusive: ${printable(scenarios[0]!, 120)}${others}: ${printable(why)}`;
  });
  const left = all.length - told.length;
  return [...told, ...(left > 0 ? [`and ${left} more that are inconclusive`] : [])];
}

const LEVEL: Readonly<Record<Level, string>> = {
  MUST: 'error',
  'MUST NOT': 'error',
  SHOULD: 'warning',
  'SHOULD NOT': 'warning',
  MAY: 'note',
};

function toRule(id: string) {
  const requirement = requirementOf(id);
  const shared = {
    id: printable(id, 80),
    shortDescription: { text: citation(id) },
  };
  if (!requirement) return shared;
  const { rfc, section, level, text } = requirement;
  return {
    ...shared,
    fullDescription: { text: `${level}: ${text}` },
    help: { text: `${level}: ${citation(id)}. holdfast explain SCENARIO tells what was tried.` },
    helpUri: sectionUri(requirement),
    defaultConfiguration: { level: LEVEL[level] },
    properties: { tags: ['security', rfc, `${rfc} §${section}`] },
  };
}

function toResult(alert: Alert, rules: readonly string[]) {
  const { verdict, finding, shown, known, place, fingerprint } = alert;
  const { sender, senderVersion, scenario } = verdict;
  return {
    ruleId: printable(finding.requirement, 80),
    ruleIndex: rules.indexOf(finding.requirement),
    level: { fail: 'error', warn: 'warning', known: 'note' }[shown],
    message: {
      text: plain(
        `${printable(sender, 80)}, ${printable(scenario, 120)}, step ${finding.step + 1}: ${printable(finding.actual)} (expected: ${printable(finding.expected)})`,
      ),
    },
    locations: [
      {
        ...locationOf(place, 1),
        logicalLocations: [{ name: printable(scenario, 120), kind: 'scenario' }],
      },
    ],
    // GitHub goes by the first alone.
    partialFingerprints: {
      primaryLocationLineHash: `${fingerprint}:1`,
      'holdfast/v1': fingerprint,
    },
    ...(known && {
      suppressions: [
        {
          kind: 'external',
          status: 'accepted',
          justification: plain(printable(known.reason, 1000)),
          location: locationOf(known.file, known.line),
        },
      ],
    }),
    properties: {
      sender: printable(sender, 80),
      senderVersion: printable(senderVersion, 40),
      scenario: printable(scenario, 120),
      expectation: printable(finding.expectation, 80),
      exposure: verdict.exposure,
      ...(finding.harm && { harm: finding.harm }),
    },
  };
}

function locationOf(path: string, line: number) {
  return {
    physicalLocation: {
      artifactLocation: { uri: toUri(path) },
      region: { startLine: line },
    },
  };
}

/** A path as a relative reference (RFC 3986 §4.2), whatever is in it. */
function toUri(path: string): string {
  return printable(path, 500).split('/').map(encodeURIComponent).join('/');
}

function notification(level: 'error' | 'warning', text: string) {
  return { level, message: { text: plain(printable(text, 1000)) } };
}

/** Neither a link (SARIF 2.1.0 §3.11.6) nor a placeholder (§3.11.5) in a message. */
function plain(text: string): string {
  return text.replaceAll('](', '] (').replace(/\{(?=\d+\})/g, '{ ');
}
