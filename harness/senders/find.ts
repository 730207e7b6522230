/**
 * Finding senders: by name, those that come with Holdfast; by path, a contract of one's own.
 */

import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SenderContract } from '../model/contract.ts';
import type { Sender } from '../model/sender.ts';
import { UsageError } from '../model/usage.ts';
import { printable } from '../protocol/printable.ts';
import { findPackage } from '../shipped.ts';
import { formatProblem, nearestName } from '../yaml/problems.ts';
import { BUILT_IN, builtInSender, referenceTraits } from './built-in.ts';

/**
 * The sender of this name or at this path. Throws UsageError: there is none, or its contract has
 * problems.
 */
export async function senderOf(name: string): Promise<Sender> {
  const builtIn = await builtInSender(name);
  if (builtIn) return builtIn;
  const contract = await contractOf(name);
  if (contract.place.kind === 'external') {
    const { externalSender } = await import('./external.ts');
    return externalSender(contract, contract.place);
  }
  if (contract.place.kind === 'node') {
    const { nodeServer } = await import('./node/server.ts');
    return nodeServer(contract, contract.place);
  }
  const { containerSender } = await import('./container.ts');
  return containerSender(contract, contract.place);
}

/** Names of all senders that come with Holdfast. */
export function senderNames(): readonly string[] {
  return [...BUILT_IN, ...shippedServers()];
}

/** Names of the mail servers that come with Holdfast, each with a contract. */
export function shippedServers(): readonly string[] {
  return readdirSync(findPackage().servers).sort();
}

/** The contract of this name or at this path. Throws UsageError. */
export async function contractOf(name: string): Promise<SenderContract> {
  const path = isPath(name)
    ? name
    : shippedServers().includes(name)
      ? join(findPackage().servers, name)
      : undefined;
  if (path === undefined) throw new UsageError(await noSender(name));
  const { loadContract } = await import('./contract/load.ts');
  const { contract, problems } = await loadContract(path, process.cwd());
  if (!contract) throw new UsageError(problems.map(formatProblem).join('\n'));
  return contract;
}

/** Where the list of known failures of this sender is, or would be; undefined: it has no folder. */
export function knownFileOf(name: string): string | undefined {
  if (isPath(name)) return join(/\.ya?ml$/i.test(name) ? dirname(name) : name, 'known.yaml');
  return shippedServers().includes(name)
    ? join(findPackage().servers, name, 'known.yaml')
    : undefined;
}

function isPath(name: string): boolean {
  return /[/\\]|^\.|\.ya?ml$/i.test(name);
}

async function noSender(name: string): Promise<string> {
  const names = senderNames();
  const { faults, temperaments } = await referenceTraits();
  const traits = Object.keys({ ...faults, ...temperaments }).map((trait) => `reference:${trait}`);
  const near = existsSync(name) ? `./${name}` : nearestName(name, [...names, ...traits]);
  const hint =
    near === undefined
      ? `there are ${names.join(', ')}, and reference:FAULT ("holdfast senders --faults"); a folder with a sender.yaml is given as a path, ./my-mta`
      : `did you mean ${near}?`;
  return `no sender ${printable(name, 80)}: ${hint}`;
}
