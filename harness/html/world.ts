/**
 * The world of a step as a list of facts, and what is otherwise in it than in the honest world:
 * before → after, a line for each fact. Facts come from the two plans, so that an attack, a `patch`
 * and a new policy are all told in one way. Pure; names are as in the scenario.
 */

import { baselinePlan } from '../model/baseline.ts';
import type { DnsRecord, LabPlan } from '../model/plan.ts';
import {
  type ExpectationUse,
  isJudged,
  messagesText,
  type Scenario,
  type Step,
  type Use,
} from '../model/scenario.ts';
import { describeTlsa } from '../model/zone.ts';
import { printable, printableLines } from '../protocol/printable.ts';

interface StepWorld {
  readonly label: string;
  readonly kind: Step['kind'];
  /** The message's domain, the number of seconds and the like. */
  readonly detail: string;
  readonly attacks: readonly string[];
  readonly expects: readonly string[];
  /** What the attack, or a publication, changes of the honest world before it. */
  readonly changes: readonly ChangedFact[];
}

/** Undefined: there is no such thing. */
interface ChangedFact {
  readonly what: string;
  readonly before?: string;
  readonly after?: string;
}

interface Fact {
  readonly what: string;
  readonly is: string;
}

export interface World {
  /** As the scenario begins, before any attack. */
  readonly honest: readonly Fact[];
  readonly steps: readonly StepWorld[];
}

/** Every string in it is printable. */
export function worldOf(scenario: Scenario): World {
  let { domain, policy } = scenario;
  let honest = factsOf(baselinePlan(domain, policy));
  const first = honest;
  const steps = scenario.stages.map(({ step, plan }): StepWorld => {
    const before = honest;
    if (step.kind === 'publish') {
      ({ domain, policy } = step);
      honest = factsOf(baselinePlan(domain, policy));
    }
    const after = plan === undefined ? honest : factsOf(plan);
    return {
      label: printable(step.label),
      kind: step.kind,
      detail: detailOf(step),
      attacks: isJudged(step) ? step.under.map(useText) : [],
      expects: isJudged(step) ? step.expect.map(expectedText) : [],
      changes: differences(step.kind === 'publish' ? before : honest, after),
    };
  });
  return { honest: [...first].map(([what, is]) => ({ what, is })), steps };
}

function detailOf(step: Step): string {
  switch (step.kind) {
    case 'send':
      return printable(messagesText(step), 200);
    case 'prime':
      return 'an honest delivery, by which the sender learns the policy';
    case 'publish':
      return 'the domain publishes something else';
    case 'flush':
      return 'the queue is run';
    case 'refresh':
      return 'the sender looks for new policies, without any mail';
    case 'recover':
      return 'the attacks are lifted and the queue is run';
    case 'advance':
      return `all that the sender remembers gets older by ${step.seconds} s`;
    case 'wait':
      return `${step.seconds} s pass`;
    case 'restart':
      return 'the sender is restarted';
  }
}

/** `strip-starttls (how: overwrite)` */
function useText({ name, options }: Use): string {
  const set = Object.entries((options ?? {}) as Readonly<Record<string, unknown>>).filter(
    ([, value]) => value !== undefined,
  );
  const shown = set.map(([key, value]) => `${key}: ${text(value)}`);
  return printable(shown.length === 0 ? name : `${name} (${shown.join(', ')})`, 600);
}

const expectedText = ({ for: domain, name, options }: ExpectationUse): string =>
  useText({ name, options: { ...(options as object), for: domain } });

const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

function differences(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): ChangedFact[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((what) => before.get(what) !== after.get(what))
    .map((what) => ({ what, before: before.get(what), after: after.get(what) }));
}

// ---- facts ----

function factsOf({ dns, policyHosts, mxHosts, reportHosts }: LabPlan): Map<string, string> {
  const facts = new Map<string, string>();
  const add = (what: string, is: string) => {
    const key = printable(what, 200);
    const before = facts.get(key);
    facts.set(key, before === undefined ? printableLines(is) : `${before}\n${printableLines(is)}`);
  };
  for (const record of dns.records) add(`${record.name} ${record.type}`, dataOf(record));
  for (const { name, type, nth, records, ...rule } of dns.rules)
    add(
      `answer to ${name} ${type}${nth ? `, query ${nth.join(', ')}` : ''}`,
      [
        ...Object.entries(rule).map(([key, value]) => `${key}: ${text(value)}`),
        ...(records ?? []).map((record) => `${record.name} ${record.type} ${dataOf(record)}`),
      ].join('\n'),
    );
  for (const [host, { pages, ...behaviour }] of Object.entries(policyHosts)) {
    flatten(behaviour, (path, value) => add(`${host}: ${path}`, value));
    for (const [path, { body, status = 200, ...page }] of Object.entries(pages)) {
      add(`https://${host}${path}`, `${status}\n${body.replaceAll('\r\n', '\n').trimEnd()}`);
      flatten(page, (part, value) => add(`https://${host}${path}: ${part}`, value));
    }
  }
  for (const hosts of [mxHosts, reportHosts])
    for (const [host, behaviour] of Object.entries(hosts)) {
      add(host, 'an honest server, but for what is listed below');
      flatten(behaviour, (path, value) => add(`${host}: ${path}`, value));
    }
  return facts;
}

/** `starttls.reply.text` and its value, for everything that is set. */
function flatten(
  value: object,
  add: (path: string, value: string) => void,
  opening: readonly string[] = [],
): void {
  for (const [key, part] of Object.entries(value)) {
    const path = [...opening, key];
    if (part === undefined) continue;
    if (typeof part === 'object' && part !== null && !Array.isArray(part)) flatten(part, add, path);
    else add(path.join('.'), Array.isArray(part) ? part.map(text).join('\n') : text(part));
  }
}

/** As in a master file (RFC 1035 §5.1), without owner, TTL, class and type. */
function dataOf(record: DnsRecord): string {
  switch (record.type) {
    case 'A':
      return `the address of ${record.host}`;
    case 'AAAA':
      return `the IPv6 address of ${record.host}`;
    case 'MX':
      return `${record.preference} ${record.exchange}`;
    case 'TXT':
      return [record.text]
        .flat()
        .map((part) => JSON.stringify(part))
        .join(' ');
    case 'CNAME':
      return record.target;
    case 'TLSA':
      return describeTlsa(record);
  }
}
