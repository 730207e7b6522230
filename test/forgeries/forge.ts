/**
 * Forging evidence: a real trial with something of it changed, as a YAML file tells.
 *
 *   title: the second message is deferred before any connection
 *   base: starttls/stripped@as-removed-line        a scenario, run on the reference sender
 *   sender: keeps-to-cache                         its traits; default none
 *   change:
 *     - drop: { step: 1, leg: main, kind: smtp-command }
 *     - set: { where: { step: 0, kind: policy-request }, to: { method: HEAD } }
 *     - add: { behind: { step: 1, kind: dns-query }, seen: { kind: sender-failed, detail: x } }
 *     - leak: { step: 1, mx: mx1.victim.test, far: accepted }
 *   verdict: inconclusive
 *   finding: { expectation: enforced, requirement: …, actual: some words of it }
 *
 * Names are written plain (`mx1.victim.test`); `$token` is that of the message the step is about.
 * Where a place is matched, a text between slashes is a regular expression.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { qualify } from '../../harness/model/names.ts';
import type { Observation } from '../../harness/model/observation.ts';
import { ofKind } from '../../harness/model/traffic.ts';
import { GRADES, type Trial } from '../../harness/model/verdict.ts';

const fields = z.record(z.string(), z.unknown());

const change = z.union([
  z.strictObject({ drop: fields }),
  z.strictObject({ set: z.strictObject({ where: fields, to: fields }) }),
  /** Behind the last that fits, in its step and leg unless it has its own. */
  z.strictObject({ add: z.strictObject({ behind: fields, seen: fields }) }),
  /** A session of its own in which the message passes, at the end of the step or behind a place. */
  z.strictObject({
    leak: z.strictObject({
      step: z.int(),
      behind: fields.optional(),
      mx: z.string().default('mx1.victim.test'),
      secure: z.boolean().default(false),
      authenticated: z.boolean().default(false),
      far: z.enum(['mail', 'content', 'accepted']).default('content'),
      /** The content does not say whose it is. */
      nameless: z.boolean().default(false),
    }),
  }),
]);
export type Change = z.output<typeof change>;
type Leak = Extract<Change, { leak: unknown }>['leak'];

const forgery = z.strictObject({
  title: z.string(),
  base: z.string(),
  sender: z.string().default(''),
  change: z.array(change).default([]),
  verdict: z.enum(GRADES),
  finding: z
    .strictObject({
      expectation: z.string().optional(),
      requirement: z.string().optional(),
      actual: z.string().optional(),
    })
    .optional(),
  remark: z.string().optional(),
});
export type Forgery = z.output<typeof forgery> & { readonly name: string };

/** Every forgery of this folder, by name. */
export function readForgeries(): Forgery[] {
  const folder = new URL('./', import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => ({
      name: file.replace('.yaml', ''),
      ...forgery.parse(parse(readFileSync(new URL(file, folder), 'utf8'))),
    }));
}

/** The trial, forged. Throws when a change finds nothing to change. */
export function forge(trial: Trial, changes: readonly Change[]): Trial {
  const observations = changes.reduce(
    (all, one) => changed(all, one, trial),
    trial.evidence.observations,
  );
  return withEvidence(trial, observations);
}

/** The same trial with this evidence, numbered anew. */
export function withEvidence(trial: Trial, observations: readonly Observation[]): Trial {
  return {
    ...trial,
    evidence: { observations: observations.map((seen, index) => ({ ...seen, seq: index + 1 })) },
  };
}

function changed(all: readonly Observation[], one: Change, trial: Trial): readonly Observation[] {
  if ('leak' in one) return leaked(all, one.leak);
  const label = labelOf(trial);
  const where = 'drop' in one ? one.drop : 'set' in one ? one.set.where : one.add.behind;
  const fits = (seen: Observation) => isFit(seen, where, all, label);
  if (!all.some(fits)) throw new Error(`nothing fits ${JSON.stringify(where)}`);
  if ('drop' in one) return all.filter((seen) => !fits(seen));
  if ('set' in one)
    return all.map((seen) =>
      fits(seen)
        ? ({ ...seen, ...filled(one.set.to, all, seen.step, label) } as Observation)
        : seen,
    );
  const at = all.findLastIndex(fits);
  const { step, leg, at: time } = all[at]!;
  const added = { seq: 0, at: time + 0.001, step, leg, ...filled(one.add.seen, all, step, label) };
  return all.toSpliced(at + 1, 0, added as Observation);
}

/** Appends a session to a step, or puts it behind a place. */
export function leaked(all: readonly Observation[], leak: Partial<Leak> & { step: number }) {
  const { step, behind, mx = 'mx1.victim.test', secure = false, authenticated = false } = leak;
  const { far = 'content', nameless = false } = leak;
  const own = all.filter((seen) => seen.leg === 'main');
  const label = ofKind(own, 'step-started')[0]!.label;
  const last = behind
    ? all.findLastIndex((seen) => isFit(seen, behind, all, label))
    : all.findLastIndex((seen) => seen.leg === 'main' && seen.step <= step);
  if (last === -1) throw new Error(`nothing fits ${JSON.stringify(behind)}`);
  const message = ofKind(own, 'message-submitted').findLast((seen) => seen.step <= step)!;
  const channel = { connection: 'forged', mx: qualify(mx, label), secure, authenticated };
  const { connection, mx: host } = channel;
  const tokens = nameless ? [] : [message.token];
  const command = (verb: string, line: string) =>
    ({ kind: 'smtp-command', ...channel, verb, line, early: false }) as const;
  const session = [
    { kind: 'smtp-connection', connection, mx: host, address: '127.9.9.9', nth: 9 },
    command('EHLO', 'EHLO sender.test'),
    command('MAIL', `MAIL FROM:<${message.from}>`),
    ...(far === 'mail'
      ? []
      : [
          command('RCPT', `RCPT TO:<${nameless ? 'somebody@else.test' : message.to}>`),
          { kind: 'smtp-data', ...channel, bytes: 400, tokens, excerpt: '' } as const,
        ]),
    ...(far === 'accepted'
      ? [
          {
            kind: 'message-accepted',
            ...channel,
            mailFrom: message.from,
            rcptTo: [message.to],
            tokens,
            subject: '',
          } as const,
        ]
      : []),
  ];
  const from = all[last]!.at;
  const made = session.map((event, index) => ({
    seq: 0,
    at: from + (index + 1) / 1000,
    leg: 'main' as const,
    step,
    ...event,
  }));
  return all.toSpliced(last + 1, 0, ...(made as Observation[]));
}

export function labelOf(trial: Trial): string {
  const main = trial.evidence.observations.filter((seen) => seen.leg === 'main');
  return ofKind(main, 'step-started')[0]!.label;
}

function isFit(
  seen: Observation,
  where: z.output<typeof fields>,
  all: readonly Observation[],
  label: string,
): boolean {
  const wanted = filled(where, all, seen.step, label);
  return Object.entries(wanted).every(([key, value]) => {
    const own = (seen as unknown as Record<string, unknown>)[key];
    if (typeof value !== 'string') return JSON.stringify(own) === JSON.stringify(value);
    const pattern = /^\/(.*)\/$/.exec(value)?.[1];
    return pattern === undefined ? own === value : new RegExp(pattern).test(String(own));
  });
}

function filled(
  given: z.output<typeof fields>,
  all: readonly Observation[],
  step: number,
  label: string,
): Record<string, unknown> {
  const submitted = ofKind(all, 'message-submitted').filter(
    (seen) => seen.leg === 'main' && seen.step <= step,
  );
  const token = submitted.at(-1)?.token ?? '';
  const text = JSON.stringify(qualify(given, label)).replaceAll('$token', token);
  return JSON.parse(text);
}
