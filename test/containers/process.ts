/** `holdfast` as a process, as its users have it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const CLI = join(import.meta.dirname, '..', '..', 'harness', 'cli.ts');

export interface Ended {
  /** null: it was killed. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** Resolves once standard output has it; throws when it ends before. */
  saw(pattern: RegExp): Promise<void>;
  readonly ended: Promise<Ended>;
}

/** `environment` is laid over that of this process. */
export function start(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Running {
  const child = spawn(process.execPath, [CLI, ...args], {
    // Holdfast says how to call it as it was called, and not as the tests were.
    env: { ...process.env, npm_command: '', FORCE_COLOR: '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
    for (const look of waiting) look();
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  const ended = new Promise<Ended>((resolve) =>
    child.once('close', (code) => resolve({ code, out, err })),
  );
  return {
    child,
    ended,
    saw: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => pattern.test(out) && resolve();
        waiting.add(look);
        look();
        void ended.then(({ code }) =>
          reject(new Error(`ended with ${code} before it said ${pattern}: ${out}${err}`)),
        );
      }),
  };
}

export const holdfast = (...args: string[]) => start(args).ended;
