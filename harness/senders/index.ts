/**
 * The senders that come with Holdfast, by name. Names are known at once; a sender is loaded when it
 * is asked for.
 *
 * `reference:FAULT` is the reference sender, wrong in one way: to see what a failure looks like,
 * and to try new scenarios.
 */

import type { Sender } from '../model/sender.ts';

const LOADERS: Readonly<Record<string, () => Promise<Sender>>> = {
  reference: async () => (await import('./reference/index.ts')).referenceSender(),
  opportunistic: async () => (await import('./opportunistic.ts')).opportunisticSender(),
  'mx-connect': async () => (await import('./mx-connect/index.ts')).mxConnect,
};

export const SENDER_NAMES: readonly string[] = Object.keys(LOADERS);

/** The sender of this name, not started; undefined when there is none. */
export async function findSender(name: string): Promise<Sender | undefined> {
  if (Object.hasOwn(LOADERS, name)) return LOADERS[name]!();
  const [base, fault] = splitFault(name);
  if (base !== 'reference') return undefined;
  const { referenceSender } = await import('./reference/index.ts');
  const { FAULTS } = await import('./reference/faults.ts');
  return Object.hasOwn(FAULTS, fault)
    ? referenceSender({ fault: fault as keyof typeof FAULTS })
    : undefined;
}

/** The faults that the reference sender can be started with: a sentence on each, by name. */
export async function referenceFaults(): Promise<Readonly<Record<string, string>>> {
  return (await import('./reference/faults.ts')).FAULTS;
}

function splitFault(name: string): readonly [base: string, fault: string] {
  const colon = name.indexOf(':');
  return colon === -1 ? [name, ''] : [name.slice(0, colon), name.slice(colon + 1)];
}
