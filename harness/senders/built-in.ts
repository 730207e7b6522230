/**
 * The senders that are programs of Holdfast's own, by name. Names are known at once; a sender is
 * loaded when it is asked for.
 *
 * `reference:FAULT+TEMPERAMENT` is the reference sender, wrong in one way, with a lawful habit: to
 * see what a failure looks like, and to try new scenarios.
 */

import type { Sender } from '../model/sender.ts';

const LOADERS: Readonly<Record<string, () => Promise<Sender>>> = {
  reference: async () => (await import('./reference/index.ts')).referenceSender(),
  opportunistic: async () => (await import('./opportunistic.ts')).opportunisticSender(),
  'mx-connect': async () => (await import('./mx-connect/index.ts')).mxConnect,
};

export const BUILT_IN: readonly string[] = Object.keys(LOADERS);

/** The sender of this name, not started; undefined when there is none. */
export async function builtInSender(name: string): Promise<Sender | undefined> {
  if (Object.hasOwn(LOADERS, name)) return LOADERS[name]!();
  const [, list] = /^reference:(.*)$/.exec(name) ?? [];
  if (list === undefined) return undefined;
  const { parseTraits, referenceSender } = await import('./reference/index.ts');
  const traits = parseTraits(list);
  return traits && referenceSender({ traits });
}

/** What the reference sender can be started with: a sentence on each, by name. */
export async function referenceTraits(): Promise<{
  readonly faults: Readonly<Record<string, string>>;
  readonly temperaments: Readonly<Record<string, string>>;
}> {
  const { FAULTS, TEMPERAMENTS } = await import('./reference/index.ts');
  return { faults: FAULTS, temperaments: TEMPERAMENTS };
}
