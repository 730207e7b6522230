/**
 * Whether what a step names is there: a name that no world of the scenario has would make a verdict
 * of a slip of the keyboard, and an attack that changes nothing a pass of an honest delivery.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Attack } from '../model/attack.ts';
import { exchangersOf } from '../model/changes.ts';
import { nextHopOf } from '../model/names.ts';
import { type LabPlan, type PagePlan, type RawBytes, VICTIM } from '../model/plan.ts';
import { PlanError, pageOnRequest } from '../model/plan-changes.ts';
import { destinationsOf, isJudged } from '../model/scenario.ts';
import type { Stage } from '../model/stage.ts';
import { isPermittedMx } from '../protocol/mx-match.ts';
import type { Complain } from '../yaml/issues.ts';
import type { Path } from '../yaml/source.ts';
import type { Vocabulary } from './language.ts';
import type { DraftStep } from './read.ts';
import type { RawUse, Spliced } from './uses.ts';

/** What is about recipients that there are none of would be passed over in silence. */
export function checkDestinations(
  stages: readonly Stage[],
  drafts: readonly (DraftStep | undefined)[],
  complain: Complain,
): void {
  const taken = new Set([VICTIM, ...plansOf(stages).flatMap(ownersIn).map(plain)]);
  const hosts = new Set(plansOf(stages).flatMap(({ mxHosts }) => Object.keys(mxHosts).map(plain)));
  for (const [index, { step }] of stages.entries()) {
    if (!isJudged(step)) continue;
    const { path } = drafts[index]!;
    const so = stages
      .slice(0, index + 1)
      .filter((stage) => !['flush', 'refresh'].includes(stage.step.kind));
    const domains = [...new Set(so.flatMap((stage) => destinationsOf(stage.step)))];
    for (const { for: domain } of step.expect)
      if (domain !== undefined && !domains.includes(domain))
        complain([...path, 'expect'], 'no message goes to this domain', {
          found: domain,
          allowed: domains,
        });
    if (step.kind !== 'send') continue;
    for (const [nth, domain] of destinationsOf(step).entries()) {
      const place = [...path, 'to', nth];
      const literal = /^\[(.*)\]$/.exec(domain)?.[1];
      if (literal !== undefined && !hosts.has(plain(literal)))
        complain(place, 'no MX host of this scenario has this name', {
          found: literal,
          allowed: [...hosts],
        });
      if (literal === undefined && !isTaken(plain(nextHopOf(domain)), taken))
        complain(place, 'nothing in this world takes mail for this domain', {
          found: domain,
          allowed: [...taken].filter((name) => !/^(_|mta-sts\.)/.test(name)),
        });
    }
  }
}

/** The hosts that expectations name. */
export function checkHosts(
  stages: readonly Stage[],
  expected: readonly (readonly Spliced[])[],
  { expectations }: Vocabulary,
  complain: Complain,
): void {
  const known = new Set(plansOf(stages).flatMap(hostsIn).map(plain));
  for (const { path, use } of expected.flat()) {
    if (typeof use !== 'object') continue;
    const { hosts = [] } = expectations.get(use.name)!;
    for (const option of hosts) {
      const host = use.options[option];
      if (typeof host !== 'string' || known.has(plain(host))) continue;
      const place = [...path, use.name, option];
      complain(place, 'no host of this scenario has this name', {
        found: host,
        allowed: [...known],
      });
    }
  }
}

/** The world of a step without its attacks, and where the file says which hosts its policy permits. */
export interface Honest {
  readonly plan: LabPlan;
  readonly place: Path;
}

/**
 * Where the policy forbids the honest hosts as well, mail is kept for that, and nobody knows what the
 * attack on the way would have done. A policy that permitted one before may be the one that is held.
 */
export function checkPermitted(
  stages: readonly Stage[],
  honest: readonly Honest[],
  complain: Complain,
): void {
  for (const [index, { step, changes, policy, permittedMx }] of stages.entries()) {
    const { plan, place } = honest[index]!;
    const hosts = exchangersOf(plan.dns, VICTIM);
    // One may be there by an attack only.
    if (hosts.length === 0 || policy.mode !== 'enforce') continue;
    if (hosts.some((host) => isPermittedMx(permittedMx, host))) return;
    if (!isJudged(step) || !destinationsOf(step).includes(VICTIM)) continue;
    const isEnforced = step.expect.some(({ name }) => name === 'enforced');
    // The patterns are what the step is about, where nothing else keeps the mail.
    if (!isEnforced || changes.every(({ way }) => way !== 'delivery')) continue;
    complain(
      place,
      'no MX host is permitted by this policy: without the attack this world delivers nothing either',
      { found: permittedMx[0], allowed: hosts },
    );
    return;
  }
}

/**
 * The plan under these attacks, so far as each can be applied; told is one that leaves it as it was,
 * and one that makes it again what it was before an earlier one.
 */
export function checkAttacks(
  honest: LabPlan,
  under: readonly Spliced[],
  attacks: ReadonlyMap<string, Attack>,
  complain: Complain,
): void {
  const plans = [honest];
  for (const { path, use } of under) {
    if (typeof use !== 'object') return;
    const plan = plans.at(-1)!;
    const attacked = applied(plan, use, attacks);
    if (attacked === undefined) return;
    if (isSame(attacked, plan)) complain(path, 'this attack changes nothing here');
    else if (plans.some((earlier) => isSame(attacked, earlier)))
      complain(path, 'this attack takes back what those before it have changed');
    const known = untakenIn(plan);
    if (untakenIn(attacked).some((host) => !known.includes(host)))
      complain(
        path,
        'what is answered here word for word is no policy in plain text under status 200: say `taken: never`, or `maybe`',
      );
    plans.push(attacked);
  }
}

/**
 * The policy hosts with an answer word for word that is recorded as the policy of the page, and would be
 * taken for none, or for another (RFC 8461 §3.3).
 */
function untakenIn({ policyHosts }: LabPlan): string[] {
  const isUntaken = (page: PagePlan) =>
    page.answer !== undefined && page.taken !== 'never' && !isTakeable(page, page.answer);
  return Object.entries(policyHosts).flatMap(([host, { pages }]) =>
    Object.values(pages).some((page) => {
      const special = (page.requests ?? []).flatMap(({ nth }) => nth);
      return [0, ...special].some((nth) => isUntaken(pageOnRequest(page, nth)));
    })
      ? [host]
      : [],
  );
}

function isTakeable({ status = 200, taken }: PagePlan, answer: RawBytes): boolean {
  const parts = [answer].flat().map((part) => (typeof part === 'string' ? part : part.repeat));
  const [head = '', ...body] = parts
    .join('')
    .replace(/^(HTTP\/[\d.]+ 1\d\d.*\r?\n(.+\r?\n)*\r?\n)+/, '')
    .split(/\r?\n\r?\n/);
  return (
    status === 200 &&
    /^HTTP\/[\d.]+ 200\b/.test(head) &&
    (taken === 'maybe' || /^content-type:[ \t]*text\/plain\b/im.test(head)) &&
    body.join('').includes('{body}')
  );
}

const isSame = (a: LabPlan, b: LabPlan) => isDeepStrictEqual(shortened(a), shortened(b));

/** What its absence says as well is left out: a patch may write it down. */
function shortened({ dns, ...hosts }: LabPlan) {
  const kinds = Object.values(hosts).map((kind: object) =>
    Object.fromEntries(Object.entries(kind).map(([name, host]) => [name, withoutDefaults(host)])),
  );
  return { dns, kinds };
}

const DEFAULTS: Readonly<Record<string, unknown>> = {
  reach: 'open',
  handshake: 'complete',
  transfer: 'whole',
  status: 200,
  delayMs: 0,
  plainHttp: false,
  requiretls: false,
  sendsRoot: false,
};

/** What stands in lists is for some connections only, where a default is a change. */
function withoutDefaults(part: unknown): unknown {
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
  const kept = Object.entries(part)
    .map(([key, value]) => [key, withoutDefaults(value)] as const)
    .filter(([key, value]) => value !== undefined && DEFAULTS[key] !== value);
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

/** undefined: it cannot be, which is told where stages are compiled. */
function applied(plan: LabPlan, { name, options }: RawUse, attacks: ReadonlyMap<string, Attack>) {
  try {
    return attacks.get(name)!.apply(plan, options);
  } catch (error) {
    if (error instanceof PlanError) return undefined;
    throw error;
  }
}

/** Names that the lab would serve, or send a sender to. */
export function namesIn(plan: LabPlan): string[] {
  return [...hostsIn(plan), ...ownersIn(plan)];
}

function hostsIn({ dns, mxHosts, policyHosts, reportHosts }: LabPlan): string[] {
  const records = [...dns.records, ...dns.rules.flatMap((rule) => rule.records ?? [])];
  const targets = records.flatMap((record) => {
    if (record.type === 'MX') return record.exchange === '.' ? [] : [record.exchange];
    return record.type === 'CNAME' ? [record.target] : [];
  });
  const renamed = Object.values(mxHosts).flatMap(({ as }) => as ?? []);
  return [...Object.keys({ ...mxHosts, ...policyHosts, ...reportHosts }), ...renamed, ...targets];
}

function ownersIn({ dns }: LabPlan): string[] {
  const records = [...dns.records, ...dns.rules.flatMap((rule) => rule.records ?? [])];
  return [...records.map(({ name }) => name), ...dns.rules.map(({ name }) => name)];
}

const plansOf = (stages: readonly Stage[]) => stages.flatMap(({ plan }) => plan ?? []);

const plain = (name: string) => name.toLowerCase().replace(/\.$/, '');

/** RFC 4592: a wildcard answers for the names below it. */
function isTaken(domain: string, taken: ReadonlySet<string>): boolean {
  return domain
    .split('.')
    .some((_, index, labels) =>
      taken.has([...(index === 0 ? [] : ['*']), ...labels.slice(index)].join('.')),
    );
}
