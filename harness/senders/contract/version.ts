/**
 * What a contract says of its server before that runs; and its version, as a command tells it.
 */

import type { SenderContract } from '../../model/contract.ts';
import { SenderError } from '../../model/sender.ts';
import { printable } from '../../protocol/printable.ts';

const LONGEST_CHARS = 80;

/** As far as the contract says; a version that takes a command is empty. */
export function described({ name, summary, capabilities, differs, version }: SenderContract) {
  return {
    name,
    summary,
    differs,
    capabilities,
    version: typeof version === 'string' ? version : '',
  };
}

/**
 * The words of the contract, or the first line of what its command prints when `run`. Throws
 * SenderError when that is nothing.
 */
export async function versionIn(
  { name, version }: SenderContract,
  run: (command: string) => Promise<string>,
): Promise<string> {
  if (typeof version === 'string') return version;
  const said = await run(version.command);
  const first = said.split(/\r?\n/).find((line) => line.trim() !== '');
  if (first === undefined)
    throw new SenderError(
      `${name}: the command that tells its version prints nothing (version.command: ${printable(version.command, 120)})`,
    );
  return first.trim().slice(0, LONGEST_CHARS);
}
