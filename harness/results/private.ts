/**
 * What leaves the machine: a trial without what is nobody else's business. Messages, names and keys
 * of a run are thrown away with it; what is left are words of the machine and of its owner.
 */

import { basename } from 'node:path';
import type { Observation } from '../model/observation.ts';
import { ofKind } from '../model/traffic.ts';
import type { Trial } from '../model/verdict.ts';

/** What the evidence must not tell of the machine that it was made on. */
export interface Machine {
  readonly home: string;
  readonly host: string;
}

const PRIVATE_KEY =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[^-]|-(?!----END))*(?:-----END [A-Z ]*PRIVATE KEY-----)?/g;
/** Names that tell nothing, and that stand in other texts as well. */
const COMMON = /^(?:\/|\/root|localhost|.{0,3})$/;

/**
 * The trial without private keys, without the home folder and the name of the machine, without the
 * path of the scenario's file, and without messages of other trials in a listed queue.
 */
export function withoutPrivate(trial: Trial, machine: Machine): Trial {
  const words = [
    [machine.home, '~'],
    [machine.host, 'HOST'],
  ].filter(([word]) => !COMMON.test(word!)) as [string, string][];
  const clean = (text: string) =>
    words
      .reduce((left, [word, instead]) => left.replaceAll(word, instead), text)
      .replace(PRIVATE_KEY, '[a private key was left out]');
  const own = new Set(
    ofKind(trial.evidence.observations, 'message-submitted').map(({ token }) => token),
  );
  const kept = (seen: Observation): Observation =>
    seen.kind === 'queue-listed'
      ? { ...seen, tokens: seen.tokens.filter((token) => own.has(token)) }
      : seen;
  const { scenario, sender, evidence } = trial;
  const file = /^scenarios\/[\w./@-]+$/.test(scenario.file)
    ? scenario.file
    : basename(scenario.file);
  return {
    scenario: { ...deeply(scenario, clean), file },
    sender: deeply(sender, clean),
    evidence: { observations: evidence.observations.map((seen) => deeply(kept(seen), clean)) },
  };
}

/** Every string in a JSON value, but for keys, changed. */
function deeply<T>(value: T, change: (text: string) => string): T {
  if (typeof value === 'string') return change(value) as T;
  if (Array.isArray(value)) return value.map((item) => deeply(item, change)) as T;
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, deeply(item, change)]),
    ) as T;
  return value;
}
