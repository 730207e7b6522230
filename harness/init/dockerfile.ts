/**
 * What a shipped Dockerfile does besides installing the server: the files it puts in place, the
 * commands it runs on them, and what it starts. A server from another image is set up with it when
 * its container starts.
 *
 * Reads the instructions that the shipped ones are made of: COPY with several sources and no flags,
 * RUN, and CMD as a list.
 */

import { posix } from 'node:path';

export interface SetUp {
  /** Path in the container, to path beside the Dockerfile. */
  readonly files: Readonly<Record<string, string>>;
  /** Shell commands, in order, for when the files are there. */
  readonly commands: readonly string[];
  /** What is started then, word by word. */
  readonly start: readonly string[];
}

/** The set-up of a Dockerfile. Throws an Error for one that starts nothing. */
export function readSetUp(dockerfile: string): SetUp {
  const files: Record<string, string> = {};
  const commands: string[] = [];
  let start: readonly string[] | undefined;
  const whole = dockerfile
    .replace(/^\s*#.*\n/gm, '')
    .replace(/ *\\\n\s*/g, ' ')
    .split('\n');
  for (const line of whole) {
    const [, instruction, rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (instruction === 'COPY') Object.assign(files, copied(rest.trim().split(/\s+/)));
    // What comes before the first file is installing.
    if (instruction === 'RUN' && Object.keys(files).length > 0) commands.push(rest);
    if (instruction === 'CMD') start = JSON.parse(rest);
  }
  if (start === undefined) throw new Error('the Dockerfile has no CMD');
  return { files, commands, start };
}

function copied(words: readonly string[]): Record<string, string> {
  const target = words.at(-1)!;
  return Object.fromEntries(
    words
      .slice(0, -1)
      .map((source) => [
        target.endsWith('/') ? `${target}${posix.basename(source)}` : target,
        source,
      ]),
  );
}
