/**
 * What a suite of somebody's own says of its tests, and whether it makes sense: it may be written in
 * JavaScript, where no compiler looks at it.
 */

import { inspect } from 'node:util';
import { PROFILES, type Profile } from '../commands/profile.ts';
import type { Sender } from '../model/sender.ts';
import { UsageError } from '../model/usage.ts';
import { printable } from '../protocol/printable.ts';
import { nearestName } from '../yaml/problems.ts';

export interface TestOptions {
  /**
   * As on the command line: the name of a sender that comes with Holdfast, or the path of a folder
   * with a sender.yaml. Or a sender of one's own making, such as `nodeSender` returns.
   */
  readonly sender: string | Sender;
  /** As on the command line: ids, folders, patterns, paths to files of one's own. Default: the suite. */
  readonly scenarios?: readonly string[];
  /** Which part of the shipped suite; default: full. */
  readonly profile?: Profile;
  /** A list of known failures, in place of the one beside the sender.yaml. */
  readonly known?: string;
  /** A folder for the evidence of each trial, for `holdfast judge`; what it has of others stays. */
  readonly keep?: string;
  /** Warnings, and what was not met, fail as well. */
  readonly strict?: boolean;
  /** How many trials at once; default: what suits the sender. */
  readonly jobs?: number;
  /** Is told what is being done that takes long: an image is built, and so on. */
  tell?(line: string): void;
}

/** Throws UsageError, with the name of the option, where one is not known or has a wrong value. */
export function checkOptions(options: TestOptions): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(OPTIONS, name)) continue;
    const near = nearestName(name, NAMES);
    throw new UsageError(
      `no option ${printable(name, 80)}: ${near ? `did you mean ${near}?` : `there are ${NAMES.join(', ')}`}`,
    );
  }
  if (options.sender === undefined) throw new UsageError('sender is missing: say which to test');
  for (const name of NAMES) {
    const value = options[name];
    const { isRight, expected } = OPTIONS[name];
    if (value !== undefined && !isRight(value))
      throw new UsageError(
        `${name}: expected ${expected} (found ${printable(inspect(value, { depth: 0 }), 80)})`,
      );
  }
}

interface Check {
  isRight(value: unknown): boolean;
  readonly expected: string;
}

const isText = (value: unknown) => typeof value === 'string' && value !== '';
const isSender = (value: unknown) =>
  typeof value === 'object' && typeof (value as Partial<Sender> | null)?.start === 'function';

const OPTIONS: Readonly<Record<keyof TestOptions, Check>> = {
  sender: {
    isRight: (value) => isText(value) || isSender(value),
    expected: 'a name, a path, or a sender such as nodeSender returns',
  },
  scenarios: {
    isRight: (value) => Array.isArray(value) && value.every(isText),
    expected: 'a list of ids, folders, patterns and paths',
  },
  profile: {
    isRight: (value) => PROFILES.some((profile) => profile === value),
    expected: PROFILES.join(' or '),
  },
  known: { isRight: isText, expected: 'the path of a file' },
  keep: { isRight: isText, expected: 'the path of a folder' },
  strict: { isRight: (value) => typeof value === 'boolean', expected: 'true or false' },
  jobs: {
    isRight: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 9999,
    expected: 'a number from 1 to 9999',
  },
  tell: { isRight: (value) => typeof value === 'function', expected: 'a function' },
};
const NAMES = Object.keys(OPTIONS) as readonly (keyof TestOptions)[];
