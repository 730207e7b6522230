/**
 * The version of a mail server, as a command of its contract tells it.
 */

import type { SenderContract } from '../../model/contract.ts';
import { SenderError } from '../../model/sender.ts';
import { printable } from '../../protocol/printable.ts';

const LONGEST_CHARS = 80;

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
