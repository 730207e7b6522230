/**
 * The Markdown of a bug report. It is read by people who have never heard of Holdfast: what was
 * done, what an RFC asks, what was seen, and how to see it again, with plain names.
 *
 * What the sender said, and the texts of a scenario, are hostile: they stand escaped or in fences.
 */

import { citation, requirementOf, sectionUri } from '../model/citation.ts';
import type { LabPlan } from '../model/plan.ts';
import { isJudged, type Step } from '../model/scenario.ts';
import type { Stage } from '../model/stage.ts';
import { ofKind } from '../model/traffic.ts';
import type { Finding, Trial, Verdict } from '../model/verdict.ts';
import { markdownBlock, markdownCode, markdownText } from '../protocol/markdown.ts';
import { printable } from '../protocol/printable.ts';
import {
  attackerSaw,
  decidedBy,
  plainNames,
  toldFindings,
  weightOf,
} from '../reporters/failure-text.ts';
import type { Vocabulary } from '../scenario/language.ts';
import { byHand, withHoldfast } from './bug-by-hand.ts';
import { transcript } from './bug-transcript.ts';
import { describeOptions, describePolicy, duration } from './explain.ts';
import { stagesToShow } from './lab.ts';
import { zoneLines } from './lab-text.ts';

export interface Bug {
  readonly trial: Trial;
  /** A failure or a warning. */
  readonly verdict: Verdict;
  readonly vocabulary: Vocabulary;
  /** The archive that goes with the report, if one does: its name without the ending, and the files of the packets and of a scenario of one's own. */
  readonly bundle?: {
    readonly name: string;
    readonly packets?: string;
    readonly source?: string;
  };
  /** Both can be had with Holdfast, by these names. */
  readonly isShipped: { readonly scenario: boolean; readonly sender: boolean };
  readonly versions: { readonly holdfast: string; readonly node: string };
}

/** The report, a whole document. */
export function bugReport(bug: Bug): string {
  const { trial, verdict } = bug;
  const [worst, ...others] = toldFindings(verdict);
  const finding = worst!;
  const stage = trial.scenario.stages[finding.step]!;
  const text = (said: string, limit?: number) => markdownText(plainNames(said, trial), limit);
  const sections: readonly (readonly [title: string, ...paragraphs: string[]])[] = [
    ['What was done', whatWasDone(bug, finding)],
    ['Expected and seen', ...expectedAndSeen(bug, finding, text)],
    ...(others.length + verdict.remarks.length > 0
      ? [
          [
            'Seen besides',
            [
              ...others.map(
                (other) =>
                  `- ${markdownText(citation(other.requirement))}. Seen: ${text(other.actual)}`,
              ),
              ...verdict.remarks.map((remark) => `- ${text(remark)}`),
            ].join('\n'),
          ] as const,
        ]
      : []),
    [
      'Transcript',
      'Times are in seconds since the beginning. `>` is the server under test, `<` its peer, `*` what decided the verdict, and the number is that of the observation in the evidence.',
      markdownBlock(transcript(trial, finding).join('\n')),
    ],
    ['The world', ...world(trial, finding, stage)],
    ['Versions', versions(bug)],
    [
      'To see it again',
      '### With Holdfast',
      ...withHoldfast(bug),
      '### By hand',
      ...byHand(bug, finding),
    ],
    ...(bug.bundle === undefined ? [] : [['Attached', ...attached(bug.bundle)] as const]),
  ];
  return [
    `# ${text(`${who(trial)}: ${headline(finding)}`, 200)}`,
    `**${markdownText(citation(finding.requirement))}** (${markdownText(weight(finding))})${link(finding)}`,
    ...sections.flatMap(([title, ...paragraphs]) => [`## ${title}`, ...paragraphs]),
  ]
    .map((paragraph) => `${paragraph}\n`)
    .join('\n');
}

const who = ({ sender }: Trial) => `${sender.name} ${sender.version}`.trim();

/** What was seen, without the server's own words. */
const headline = ({ actual }: Finding) => actual.replace(/^(deferred|bounced|crashed): .*/s, '$1');

function weight(finding: Finding): string {
  const requirement = requirementOf(finding.requirement);
  return requirement ? weightOf(finding, requirement) : finding.grade;
}

function link(finding: Finding): string {
  const requirement = requirementOf(finding.requirement);
  return requirement ? `, ${sectionUri(requirement)}` : '';
}

// ---- what was done ----

/** Three sentences: the beginning, what was done then, and what the server made of it. */
function whatWasDone({ trial, vocabulary }: Bug, finding: Finding): string {
  const { scenario } = trial;
  const first = scenario.stages[0]!.step.kind === 'prime';
  const told = scenario.stages.slice(first ? 1 : 0, finding.step + 1);
  const start = `A domain, victim.test, ${publishes(trial)}${first ? `, and ${trial.sender.name} has delivered a first message to it in an honest world` : ''}.`;
  const then = told.map(({ step }) => happened(step, vocabulary));
  return [
    markdownText(start, 600),
    ...(then.length > 0 ? [`Then ${then.join('; then ')}.`] : []),
    markdownText(`What came of it: ${plainNames(headline(finding), trial)}.`, 600),
  ].join(' ');
}

function publishes({ scenario: { policy, domain } }: Trial): string {
  if (policy.mode === 'absent') return 'has no MTA-STS policy';
  const described = describePolicy(policy, domain)
    .replace(/^Policy: /, '')
    .replace(/\.$/, '');
  return `publishes an MTA-STS policy (${described})`;
}

/** Part of a sentence; Markdown. */
function happened(step: Step, vocabulary: Vocabulary): string {
  switch (step.kind) {
    case 'prime':
      return 'another message is delivered in an honest world';
    case 'publish':
      return markdownText(
        `the domain publishes something else (${describePolicy(step.policy, step.domain)
          .replace(/^Policy: /, '')
          .replace(/\.$/, '')})`,
        600,
      );
    case 'advance':
      return `${duration(step.seconds)} pass`;
    case 'wait':
      return `${duration(step.seconds)} pass`;
    case 'restart':
      return 'the server is restarted';
    case 'recover':
      return 'the attack is lifted and the queue is run';
    case 'send':
    case 'refresh':
    case 'flush': {
      const what =
        step.kind !== 'send'
          ? step.kind === 'flush'
            ? 'the queue is run'
            : 'the server looks for new policies, without any mail,'
          : step.messages === 1
            ? 'a message is sent'
            : `${step.messages} messages are sent`;
      return `${what} ${attacks(step.under, vocabulary)}`;
    }
  }
}

function attacks(
  under: Extract<Step, { under: unknown }>['under'],
  { attacks }: Vocabulary,
): string {
  if (under.length === 0) return 'in that world';
  const told = under.map((use) => {
    const summary = attacks.get(use.name)?.summary ?? use.name;
    return markdownText(lowerFirst(summary) + describeOptions(use), 400);
  });
  return `while somebody on the path ${told.join(', and ')}`;
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

// ---- expected and seen ----

function expectedAndSeen(
  { trial }: Bug,
  finding: Finding,
  text: (said: string) => string,
): string[] {
  const saw = attackerSaw(finding, decidedBy(finding, trial), trial);
  return [
    [
      `- Expected: ${text(finding.expected)}`,
      `- Seen: ${text(finding.actual)}`,
      ...(saw === undefined ? [] : [`- An attacker saw: ${text(saw)}`]),
      ...(finding.harm === 'mail-lost' ? ['- The message is lost.'] : []),
    ].join('\n'),
    markdownText(trial.scenario.why.replace(/\s+/g, ' ').trim(), 2_000),
  ];
}

// ---- the world ----

const MOST_LINES = 60;

/** What was honestly published, and what was there at the step in its place. */
function world({ scenario }: Trial, finding: Finding, stage: Stage): string[] {
  const shown = stagesToShow(scenario);
  const honest = lines(shown[0]!.plan);
  const now = lines(shown.find(({ index }) => index === finding.step)?.plan ?? shown[0]!.plan);
  const changed = [
    ...split(honest.filter((entry) => !now.includes(entry))).map((line) => `- ${line}`),
    ...split(now.filter((entry) => !honest.includes(entry))).map((line) => `+ ${line}`),
  ];
  return [
    'At first:',
    markdownBlock(bounded(split(honest))),
    ...(changed.length === 0
      ? []
      : [`In step ${finding.step + 1}:`, markdownBlock(bounded(changed), 'diff')]),
    ...met(stage),
  ];
}

const split = (entries: readonly string[]) => entries.flatMap((entry) => entry.split('\n'));

const bounded = (all: readonly string[]) =>
  [
    ...all.slice(0, MOST_LINES).map((line) => printable(line, 400)),
    ...(all.length > MOST_LINES ? [`… ${all.length - MOST_LINES} more lines`] : []),
  ].join('\n');

/** The zone without addresses, every page, and whatever a host does that is not honest. */
function lines(plan: LabPlan): string[] {
  const { mxHosts, policyHosts, dns } = plan;
  const behaviours = [
    ...Object.entries(mxHosts),
    ...Object.entries(policyHosts).map(
      ([host, { pages: _, ...behaviour }]) => [host, behaviour] as const,
    ),
  ].filter(([, behaviour]) => Object.keys(behaviour).length > 0);
  return [
    ...zoneLines(plan),
    ...dns.rules.map((rule) => `the name server, by rule: ${JSON.stringify(rule)}`),
    ...Object.entries(policyHosts).flatMap(([host, { pages }]) =>
      Object.entries(pages).map(([path, { body, ...answer }]) =>
        [
          `https://${host}${path}${Object.keys(answer).length > 0 ? ` ${JSON.stringify(answer)}` : ''}`,
          ...body
            .split(/\r?\n/)
            .filter((line) => line !== '')
            .map((line) => `    ${line}`),
        ].join('\n'),
      ),
    ),
    ...behaviours.map(([host, behaviour]) => `${host}: ${JSON.stringify(behaviour)}`),
  ];
}

/** Where the server had to come across it. */
function met({ step, changes }: Stage): string[] {
  if (!isJudged(step) || changes.length === 0) return [];
  const places = changes.map((change) =>
    change.kind === 'question'
      ? `the ${change.type} look-up of ${change.name}`
      : `${change.host} (${[...new Set(change.points.map(({ at }) => at))].join(', ')})`,
  );
  return [`A sender comes across it at ${markdownText([...new Set(places)].join(', '), 600)}.`];
}

// ---- versions ----

function versions({ trial, versions: { holdfast, node } }: Bug): string {
  const handshakes = ofKind(trial.evidence.observations, 'tls-handshake');
  const tls = new Set(
    handshakes.flatMap(({ service, protocol, cipher }) =>
      protocol === undefined ? [] : [`${protocol} ${cipher ?? ''} with the ${SERVICES[service]}`],
    ),
  );
  return [
    `- ${markdownText(who(trial))} (${markdownText(trial.sender.summary)})`,
    `- Holdfast ${holdfast} on Node ${node}`,
    ...(tls.size > 0 ? [`- TLS: ${markdownText([...tls].join(', '), 400)}`] : []),
  ].join('\n');
}

const SERVICES = { mx: 'MX', 'policy-host': 'policy host', 'report-host': 'report host' } as const;

// ---- what goes with it ----

function attached({ name, packets }: NonNullable<Bug['bundle']>): string[] {
  return [
    `${markdownCode(`${name}.tar.gz`)}: the scenario, every observation of the run and the verdict, as JSON. The names and the mail in it were made for the run; it holds no private key, and neither the home folder nor the name of the machine.`,
    ...(packets === undefined
      ? []
      : [
          `${markdownCode(packets)} in it has the packets. The TLS secrets of the handshakes with the lab are inside, so that Wireshark and tshark show the dialogue in clear; they were made for the run, and the certificates are worth nothing elsewhere.`,
          markdownBlock(`tshark -r ${name}/${packets} -Y 'smtp || http || dns'`, 'sh'),
        ]),
  ];
}
