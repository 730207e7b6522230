/**
 * What must hold of every trial that passes, whatever the sender and the scenario: no part of its
 * evidence can be left out, nothing that harms can be added, and what is not its own changes
 * nothing.
 *
 *   node test/forgeries/properties.ts DIR     the trials kept in a folder (holdfast run --keep DIR)
 */

import { fileURLToPath } from 'node:url';
import { judge } from '../../harness/judge/judge.ts';
import type { Change } from '../../harness/model/changes.ts';
import { heldPolicy } from '../../harness/model/held-policy.ts';
import { qualifyName } from '../../harness/model/names.ts';
import type { Observation } from '../../harness/model/observation.ts';
import { VICTIM } from '../../harness/model/plan.ts';
import { ofKind } from '../../harness/model/traffic.ts';
import type { Trial, Verdict } from '../../harness/model/verdict.ts';
import { readTrials } from '../../harness/store.ts';
import { loadVocabulary } from '../../harness/vocabulary.ts';
import { labelOf, leaked, withEvidence } from './forge.ts';

const { expectations } = await loadVocabulary();

/** How many cuts, and how many swaps, a trial is tried with; spread over all of it. */
const CUTS = 8;
const SWAPS = 12;

/** A sentence on each property that this passing trial does not have. */
export function breachesOfProperties(trial: Trial, other: Trial): string[] {
  const all = trial.evidence.observations;
  const verdictOn = (observations: readonly Observation[]) =>
    judge(withEvidence(trial, observations), expectations);
  const breaches: string[] = [];
  const never = (grade: Verdict['grade'], what: string, observations: readonly Observation[]) => {
    if (verdictOn(observations).grade === grade) breaches.push(`${what}: still ${grade}`);
  };
  const always = (grade: Verdict['grade'], what: string, observations: readonly Observation[]) => {
    const verdict = verdictOn(observations);
    if (verdict.grade !== grade) breaches.push(`${what}: ${verdict.grade} instead of ${grade}`);
  };
  const without = (drop: (seen: Observation) => boolean) => all.filter((seen) => !drop(seen));

  for (const at of spread(all.length, CUTS)) never('pass', `cut at ${at}`, all.slice(0, at));
  never(
    'pass',
    'without the health of the lab',
    without(({ kind }) => kind === 'lab-health'),
  );
  never(
    'pass',
    'without what was submitted',
    without(({ kind }) => kind === 'message-submitted'),
  );
  if (all.some(isArrival)) never('pass', 'without the arrivals', without(isArrival));
  // Where DANE binds every host a sender need not ask for a policy.
  const { needs } = trial.scenario;
  if (needs.includes('mta-sts') && !needs.includes('dane') && hasPolicy(trial)) {
    never('pass', 'without the TXT look-ups', without(isStsLookup));
    never(
      'pass',
      'without the policy requests',
      without(({ kind }) => kind === 'policy-request'),
    );
  }
  for (const [index, { changes, step }] of trial.scenario.stages.entries()) {
    // What was met before need not be met again.
    const before = trial.scenario.stages.slice(0, index).flatMap((stage) => stage.changes);
    const known = new Set(before.map((one) => JSON.stringify(one)));
    const due = changes.filter((one) => one.way !== 'reporting' && !known.has(JSON.stringify(one)));
    if (due.length === 0) continue;
    const touched = (seen: Observation) =>
      seen.leg === 'main' && seen.step === index && due.some((one) => touches(one, seen, trial));
    never(
      'pass',
      `without what touches the attack in step ${index} (${step.kind})`,
      without(touched),
    );
  }
  for (const [index] of trial.scenario.stages.entries()) {
    if (!isBound(trial, index)) continue;
    for (const mx of [`mx1.${VICTIM}`, 'mx.attacker.test', `mx.sender.${VICTIM}`])
      always('fail', `clear text at ${mx} in step ${index}`, leaked(all, { step: index, mx }));
  }
  const plain = summary(verdictOn(all));
  const same = (what: string, observations: readonly Observation[]) => {
    const changed = summary(verdictOn(observations));
    if (changed !== plain) breaches.push(`${what}: ${changed} instead of ${plain}`);
  };
  same('with the traffic of another trial', interleaved(trial, other));
  same('with a bounce of its own', [...all.slice(0, -1), ...ownBounce(trial), all.at(-1)!]);
  for (const at of spread(all.length - 1, SWAPS)) {
    const pair = [all[at]!, all[at + 1]!] as const;
    if (!areApart(...pair)) continue;
    const [first, second] = [pair[0], { ...pair[1], at: pair[0].at }];
    const inOrder = [...all.slice(0, at), first, second, ...all.slice(at + 2)];
    const swapped = [...all.slice(0, at), second, first, ...all.slice(at + 2)];
    if (summary(verdictOn(inOrder)) !== summary(verdictOn(swapped)))
      breaches.push(`two of one time (${first.kind}, ${second.kind}) in another order`);
  }
  return breaches;
}

function spread(length: number, howMany: number): number[] {
  const places = Array.from({ length: howMany }, (_, i) =>
    Math.floor(((i + 0.5) * length) / howMany),
  );
  return [...new Set(places)];
}

const isArrival = ({ kind }: Observation) => kind === 'message-accepted';
const isStsLookup = (seen: Observation) =>
  seen.kind === 'dns-query' &&
  seen.type === 'TXT' &&
  seen.name.toLowerCase().startsWith('_mta-sts.');

/** The honest domain has a policy, and the sender is to have learned it. */
function hasPolicy({ scenario, evidence }: Trial): boolean {
  return (
    scenario.policy.mode !== 'absent' &&
    ofKind(evidence.observations, 'policy-request').some(({ complete }) => complete)
  );
}

/** An observation of the question, or at the host, that the change is about. */
function touches(change: Change, seen: Observation, trial: Trial): boolean {
  const label = labelOf(trial);
  const is = (name: string, plain: string) =>
    name.toLowerCase() === qualifyName(plain, label).toLowerCase();
  if (seen.kind === 'dns-query') {
    return change.kind === 'question'
      ? isAskedBy(change.type, seen.type) && is(seen.name, change.name)
      : is(seen.name, change.mx ?? change.host);
  }
  if (change.kind === 'question') {
    // What follows from the answer is not possible without the question.
    return change.way === 'delivery' && change.type === 'MX' && 'mx' in seen;
  }
  if ('mx' in seen) return is(seen.mx, change.mx ?? change.host);
  return 'host' in seen && typeof seen.host === 'string' && is(seen.host, change.host);
}

/** An address can be asked for in several ways. */
const isAskedBy = (wanted: string, type: string): boolean =>
  type === wanted || (wanted === 'A' && ['AAAA', 'CNAME', 'ANY'].includes(type));

/** Before this step is over, and from its beginning on, an enforce policy binds the sender. */
function isBound(trial: Trial, step: number): boolean {
  const own = trial.evidence.observations.filter((seen) => seen.leg === 'main');
  const domain = qualifyName(VICTIM, labelOf(trial)).toLowerCase();
  const upTo = own.filter((seen) => seen.step <= step);
  const message = ofKind(upTo, 'message-submitted').at(-1);
  if (!message?.to.toLowerCase().endsWith(`@${domain}`)) return false;
  // RFC 8689 §4.2.2: its author has said that policies do not bind it.
  if (message.tlsRequired === 'no') return false;
  const end = upTo.at(-1)!;
  const held = heldPolicy(own, domain, { at: end.at + 1 });
  return held?.policy.mode === 'enforce' && held.rivals.length === 0;
}

/**
 * Both trials, step by step, in the order of time; but for connections on which mail was begun and
 * no recipient named: whose that was nobody could tell.
 */
function interleaved(trial: Trial, other: Trial): Observation[] {
  const steps = trial.scenario.stages.length;
  const verbs = Map.groupBy(
    ofKind(other.evidence.observations, 'smtp-command'),
    ({ connection }) => connection,
  );
  const isAnonymous = (seen: Observation) => {
    const own = ('connection' in seen && verbs.get(seen.connection)) || [];
    const count = (verb: string) => own.filter((one) => one.verb === verb).length;
    return count('MAIL') > count('RCPT');
  };
  const foreign = other.evidence.observations
    .filter(({ kind, leg }) => TRAFFIC.includes(kind) && leg === 'main')
    .filter((seen) => !isAnonymous(seen))
    .map((seen) => ({
      ...seen,
      step: Math.min(seen.step, steps - 1),
      ...('connection' in seen ? { connection: `other-${seen.connection}` } : {}),
    }));
  return [...trial.evidence.observations, ...foreign].toSorted(
    (a, b) => a.step - b.step || a.at - b.at,
  ) as Observation[];
}

const TRAFFIC: readonly string[] = [
  'dns-query',
  'tls-handshake',
  'smtp-connection',
  'smtp-command',
  'smtp-reply',
  'smtp-data',
  'smtp-closed',
];

/** A notice about some other message comes home, in clear. */
function ownBounce(trial: Trial): Observation[] {
  const label = labelOf(trial);
  const last = trial.evidence.observations.at(-1)!;
  const channel = {
    connection: 'own-bounce',
    mx: qualifyName('mx.sender.test', label),
    secure: false,
    authenticated: false,
  };
  const { connection, mx } = channel;
  const tokens = ['hf000000000000'];
  const command = { kind: 'smtp-command', ...channel, early: false } as const;
  const events = [
    { kind: 'smtp-connection', connection, mx, address: '127.9.9.8', nth: 1 },
    { ...command, verb: 'MAIL', line: 'MAIL FROM:<>' },
    { ...command, verb: 'RCPT', line: `RCPT TO:<${qualifyName('probe@sender.test', label)}>` },
    { kind: 'smtp-data', ...channel, bytes: 10, tokens, excerpt: '' },
  ] as const;
  return events.map(
    (event, index) =>
      ({
        seq: 0,
        at: last.at + index / 1000,
        leg: 'main',
        step: last.step,
        ...event,
      }) as Observation,
  );
}

/** On one connection, and from submission to status, there is an order; and a step has its own. */
function areApart(a: Observation, b: Observation): boolean {
  const isOrdered = 'connection' in a && 'connection' in b && a.connection === b.connection;
  return !isOrdered && a.step === b.step && a.leg === b.leg && a.kind !== 'step-started';
}

/** What counts of a verdict: its grade, and each finding's. */
function summary({ grade, findings, exposure }: Verdict): string {
  const each = findings.map((one) => `${one.step} ${one.expectation} ${one.grade}`);
  return [grade, exposure, ...each].join(', ');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const kept = await Array.fromAsync(readTrials(process.argv[2] ?? '.'));
  const passing = kept
    .map(({ trial }) => trial)
    .filter((trial) => judge(trial, expectations).grade === 'pass');
  let howMany = 0;
  for (const [index, trial] of passing.entries()) {
    const other = passing[(index + 1) % passing.length]!;
    for (const breach of breachesOfProperties(trial, other)) {
      howMany++;
      console.log(`${trial.sender.name} ${trial.scenario.id}: ${breach}`);
    }
  }
  console.log(`${passing.length} passing trials of ${kept.length}, ${howMany} breaches`);
  process.exitCode = howMany === 0 && passing.length > 0 ? 0 : 1;
}
