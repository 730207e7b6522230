/**
 * Commands of a contract, run by the shell of this machine.
 *
 * Each is the head of a process group of its own: a Ctrl-C at the terminal is not for it, and what
 * it started ends with it.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { SenderError } from '../model/sender.ts';
import { printable } from '../protocol/printable.ts';
import { systemEnvironment } from './environment.ts';
import { keepLast, lastWords, onLines } from './lines.ts';

export interface ShellCommand {
  /** Of the sender; said in errors. */
  readonly title: string;
  readonly command: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Where it is run; default: where this process is. */
  readonly folder?: string;
}

/** Of a command of a contract, wherever it is run. */
export const WITHIN_SECONDS = 60;
/** How the error of one that takes longer ends. */
export const TOO_LATE = `took longer than ${WITHIN_SECONDS} s`;
/** For a server to put away what it has before it is killed: what `docker stop` gives it. */
export const END_SECONDS = 10;
/** For what a command has printed last; what it left running may hold its output open for ever. */
const LAST_OUTPUT_MS = 500;
export const MOST_OUTPUT_CHARS = 64 * 1024 * 1024;

/** What the command prints. Throws SenderError when it fails, or takes longer than a minute. */
export async function runShell({
  title,
  command,
  environment,
  folder,
}: ShellCommand): Promise<string> {
  const child = spawnShell(command, environment, folder);
  const words: string[] = [];
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(0, MOST_OUTPUT_CHARS);
  });
  void onLines(child.stderr, (line) => keepLast(words, line));
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    killGroup(child);
  }, WITHIN_SECONDS * 1000);
  const how = await ended(child);
  clearTimeout(timer);
  const what = `${title}: ${printable(command, 80)}`;
  if (late) throw new SenderError(`${what} ${TOO_LATE}`);
  if (how !== undefined)
    throw new SenderError(`${what} ${how}${lastWords([...output.split('\n'), ...words])}`);
  return output;
}

/** A command that runs for as long as it is wanted. */
export interface Followed {
  /** How it ended, before anybody wanted it to. */
  readonly ended: Promise<string>;
  stop(): void;
}

/** No event tells that `tail` has opened its file, and what is logged before is lost. */
const HEAD_START_MS = 200;

/** Every line that the command prints. */
export async function follow({
  command,
  environment,
  onLine,
}: ShellCommand & { onLine(line: string): void }): Promise<Followed> {
  const child = spawnShell(command, environment);
  const words: string[] = [];
  let wanted = true;
  void onLines(child.stdout, (line) => {
    keepLast(words, line);
    if (wanted) onLine(line);
  });
  void onLines(child.stderr, (line) => keepLast(words, line));
  const over = Promise.withResolvers<string>();
  void ended(child).then((how) => {
    if (wanted) over.resolve(`${how ?? 'exited with code 0'}${lastWords(words)}`);
  });
  await new Promise((resolve) => setTimeout(resolve, HEAD_START_MS));
  return {
    ended: over.promise,
    stop() {
      wanted = false;
      killGroup(child);
    },
  };
}

function spawnShell(
  command: string,
  environment: Readonly<Record<string, string>> = {},
  folder?: string,
) {
  const child = spawn('/bin/sh', ['-c', command], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...systemEnvironment(), ...environment },
  });
  // A run that is stopped for good waits for no command, and leaves none.
  const atExit = () => killGroup(child);
  process.once('exit', atExit);
  for (const event of ['exit', 'error']) child.once(event, () => process.off('exit', atExit));
  return child;
}

/**
 * Resolves when it has ended and its output is read: undefined when all went well, else how it
 * ended.
 */
function ended(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    let how: string | undefined;
    const done = () => {
      // A server that it started goes on printing: it is read, or the server would block, and keeps
      // nobody here.
      for (const stream of [child.stdout, child.stderr]) (stream as Socket | null)?.unref();
      resolve(how);
    };
    child.once('error', (error) => resolve(`cannot be run: ${error.message}`));
    child.once('exit', (code, signal) => {
      how =
        signal !== null
          ? `was killed by ${signal}`
          : code === 0
            ? undefined
            : `exited with code ${code}`;
      const timer = setTimeout(done, LAST_OUTPUT_MS);
      child.once('close', () => {
        clearTimeout(timer);
        done();
      });
    });
  });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has gone.
  }
}
