/**
 * `explain`: a scenario in words: why it is there, what the RFCs ask, what happens step by step,
 * and what passes, warns and fails.
 */

import { gradeOf } from '../judge/grade.ts';
import { permittedMx } from '../model/baseline.ts';
import type { Change } from '../model/changes.ts';
import { VICTIM } from '../model/plan.ts';
import { scenarioFileId } from '../model/reporter.ts';
import { citeRequirement, REQUIREMENTS } from '../model/requirements.ts';
import {
  type DomainSpec,
  type ExpectationUse,
  isJudged,
  messagesText,
  neededCapabilities,
  type PolicySpec,
  type Scenario,
  type Step,
  type Use,
} from '../model/scenario.ts';
import type { Stage } from '../model/stage.ts';
import { describeUse } from '../model/verdict.ts';
import { printable, printableLines } from '../protocol/printable.ts';
import type { Vocabulary } from '../scenario/language.ts';
import { loadVocabulary } from '../vocabulary.ts';
import { selectScenarios } from './select.ts';
import { type Terminal, wrap } from './terminal.ts';

const MAX_COLUMNS = 110;

/**
 * Everything on the scenarios that the word selects; of the variants of one file, the first in full
 * and what is different in the rest.
 */
export async function explain(word: string, terminal: Terminal): Promise<number> {
  const vocabulary = await loadVocabulary();
  const scenarios = await selectScenarios([word], vocabulary);
  const width = Math.min(terminal.columns, MAX_COLUMNS);
  const files = Map.groupBy(scenarios, ({ id }) => scenarioFileId(id));
  const texts = [...files.values()].map(([first, ...others]) => [
    ...opening(first!, width),
    ...happenings(first!, vocabulary, width),
    ...others.flatMap((other) => difference(first!, other, vocabulary, width)),
    ...closing(first!, width),
  ]);
  terminal.write(`${printableLines(texts.map((lines) => lines.join('\n')).join('\n\n'))}\n`);
  return 0;
}

function opening({ id, title, why, requirements }: Scenario, width: number): string[] {
  return [
    id,
    ...wrap(title, width),
    '',
    ...wrap(why, width, '  '),
    '',
    'Asked by',
    ...requirements.flatMap((requirement) =>
      hang('  ', `${citeRequirement(requirement)} (${levelOf(requirement)})`, width),
    ),
    '',
  ];
}

/** What is set up, and each step. */
function happenings(scenario: Scenario, vocabulary: Vocabulary, width: number): string[] {
  return [
    'Set up',
    ...hang('  ', describeDomain(scenario.domain), width),
    ...hang('  ', describePolicy(scenario.policy, scenario.domain), width),
    '',
    'What happens',
    ...scenario.stages.flatMap((stage, index) => [
      ...hang(`  ${index + 1}  `, stepText(stage.step), width),
      ...stageDetails(stage, scenario, vocabulary, width),
    ]),
    '',
  ];
}

function difference(
  first: Scenario,
  other: Scenario,
  vocabulary: Vocabulary,
  width: number,
): string[] {
  const known = new Set(happenings(first, vocabulary, width));
  const lines = happenings(other, vocabulary, width).filter((line) => !known.has(line));
  const variant = other.id.slice(scenarioFileId(other.id).length + 1);
  return [
    `Variant ${variant}${other.title === first.title ? '' : `: ${other.title}`}`,
    ...(lines.length > 0 ? lines : ['  the same']),
    '',
  ];
}

function closing(scenario: Scenario, width: number): string[] {
  return [
    'Verdict',
    ...hang('  pass          ', 'everything above was seen.', width),
    ...hang(
      '  warn          ',
      'a SHOULD is broken, only the envelope was exposed, or the sender was stricter than the RFC.',
      width,
    ),
    ...hang('  fail          ', 'a MUST is broken, or mail was exposed or lost.', width),
    ...hang(
      '  not met       ',
      'the sender did not come across what was changed, and need not have: it kept to its cached policy.',
      width,
    ),
    ...hang(
      '  inconclusive  ',
      'the evidence does not decide: a control failed, the lab was slow, or the sender stayed silent.',
      width,
    ),
    ...hang(
      '  unsupported   ',
      `the sender does not declare ${neededCapabilities(scenario).join(', ') || 'what is needed (here: nothing)'}.`,
      width,
    ),
  ];
}

// ---- steps ----

/** What a step does, in a sentence or two. */
export function stepText(step: Step): string {
  switch (step.kind) {
    case 'prime':
      return `${named(step)}An honest delivery, by which the sender learns the policy. It must arrive over authenticated TLS, with the policy fetched (positive control).`;
    case 'send': {
      return `${named(step)}${messagesText(step)}${step.under.length === 0 ? ', in an honest world.' : ' while the path is attacked:'}`;
    }
    case 'publish':
      return `${named(step)}The domain publishes something else from now on. ${describePolicy(step.policy, step.domain)}`;
    case 'advance':
      return `All that the sender remembers, and all its queued mail, gets older by ${duration(step.seconds)}${step.isOptional ? ', if it has a way to' : ''}.`;
    case 'restart':
      return `${named(step)}The sender is restarted.`;
    case 'flush':
      return `${named(step)}The queue is run${step.under.length === 0 ? ', in an honest world.' : ' while the path is attacked:'}`;
    case 'refresh':
      return `${named(step)}The sender looks for new policies, as it does by itself from time to time${step.under.length === 0 ? ', in an honest world.' : ', while the path is attacked:'}`;
    case 'recover':
      return `${named(step)}The attacks are lifted and the queue is run: everything that was queued must arrive.`;
    case 'wait':
      return `${duration(step.seconds)} pass.`;
  }
}

const named = ({ kind, label }: Step) => (label === kind || label === '' ? '' : `"${label}": `);

function stageDetails(
  { step, control, reporting, unprotected, changes, news }: Stage,
  scenario: Scenario,
  vocabulary: Vocabulary,
  width: number,
): string[] {
  if (step.kind === 'publish') return newsLines(news, width);
  if (!isJudged(step)) return [];
  return [
    ...attackLines(step.under, vocabulary, width),
    ...newsLines(changes, width),
    ...step.expect.flatMap((use) => expectationLines(use, scenario, vocabulary, width)),
    ...(control
      ? hang(
          '     control  ',
          'at the same time, an honest domain that must get its mail (positive control)',
          width,
        )
      : []),
    ...(reporting
      ? hang(
          '     control  ',
          'at the same time, an honest domain that asks for a report too (positive control)',
          width,
        )
      : []),
    ...(unprotected
      ? hang(
          '     control  ',
          'at the same time, the same fault where no policy exists: that mail should be delivered (negative control)',
          width,
        )
      : []),
  ];
}

/** What a sender has to come across, or the step was not tried. */
function newsLines(changes: readonly Change[], width: number): string[] {
  const places = changes.map((change) =>
    change.kind === 'question'
      ? `the ${change.type} look-up of ${change.name}`
      : `${change.host} (${[...new Set(change.points.map(({ at }) => at))].join(', ')})`,
  );
  return places.length === 0 ? [] : hang('     to meet  ', [...new Set(places)].join(', '), width);
}

/** What each attack does. */
export function attackLines(
  under: readonly Use[],
  { attacks }: Vocabulary,
  width: number,
): string[] {
  return under.flatMap((use) =>
    hang('     · ', `${use.name}: ${attacks.get(use.name)!.summary}${describeOptions(use)}`, width),
  );
}

/** What a sender has to do, and what it is when it does not. */
export function expectationLines(
  use: ExpectationUse,
  scenario: Scenario,
  { expectations }: Vocabulary,
  width: number,
): string[] {
  const expectation = expectations.get(use.name)!;
  const requirement = use.requirement ?? expectation.requirement ?? scenario.requirements[0]!;
  const grade = gradeOf({ status: 'unmet', actual: '', because: [] }, requirement, use);
  return [
    ...hang('     expect   ', `${use.name}: ${printable(describeUse(use, expectation))}`, width),
    ...hang('              ', `else ${grade}: ${citeRequirement(requirement)}`, width),
  ];
}

// ---- parts ----

function describeDomain({ mx, tlsrpt, records, requiretls, others }: DomainSpec): string {
  const hosts = mx.map(({ host, preference }) => `${host} (${preference})`).join(', ') || 'none';
  const reports =
    tlsrpt === false
      ? 'no TLSRPT'
      : tlsrpt === true
        ? 'TLSRPT by https'
        : `TLSRPT record ${JSON.stringify(tlsrpt)}`;
  const more = [
    requiretls && 'REQUIRETLS offered',
    records.length > 0 && `${records.length} more records`,
    ...Object.entries(others ?? {}).map(
      ([name, own]) => `${name} without a policy: MX ${own.join(', ')}`,
    ),
  ].filter((part) => typeof part === 'string');
  return `${[`Domain ${VICTIM}: MX ${hosts}`, reports, ...more].join('; ')}.`;
}

export function describePolicy(policy: PolicySpec, domain: DomainSpec): string {
  if (policy.mode === 'absent') return 'Policy: none; the domain has no MTA-STS.';
  const fields = `mode ${policy.mode}, max_age ${duration(policy.maxAgeSeconds)}, mx ${permittedMx(domain, policy).join(' ') || '(none)'}, id ${policy.id}`;
  const verbatim = [
    policy.text !== undefined && 'the policy file is given word for word',
    policy.record !== undefined && 'the TXT record is given word for word',
  ];
  return `Policy: ${[fields, ...verbatim.filter((part) => part !== false)].join('; ')}.`;
}

/** `(how: overwrite, mx: mx1.victim.test)`; options that are not set are left out. */
export function describeOptions({ options }: Use): string {
  const set = Object.entries(options as Readonly<Record<string, unknown>>).filter(
    ([key, value]) => value !== undefined && !(key === 'mx' && value === '*'),
  );
  const shown = set.map(
    ([key, value]) =>
      `${key}: ${typeof value === 'string' ? printable(value, 120) : printable(JSON.stringify(value), 200)}`,
  );
  return shown.length === 0 ? '' : ` (${shown.join(', ')})`;
}

/** `1w`, `36h`, `90s`: as YAML writes it, in the largest unit that comes out even. */
export function duration(seconds: number): string {
  const units = { w: 604_800, d: 86_400, h: 3_600, m: 60 };
  const [name, size] = Object.entries(units).find(
    ([, length]) => seconds >= length && seconds % length === 0,
  ) ?? ['s', 1];
  return `${seconds / size}${name}`;
}

const levelOf = (requirement: string) =>
  `${REQUIREMENTS[requirement]!.level}, ${REQUIREMENTS[requirement]!.basis}`;

/** Wrapped text whose first line opens with `head` and whose others are indented as far. */
function hang(head: string, text: string, width: number): string[] {
  const indent = ' '.repeat(head.length);
  const [first = indent, ...rest] = wrap(text, width, indent);
  return [head + first.slice(indent.length), ...rest];
}
