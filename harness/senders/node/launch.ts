/**
 * A Node program in a child process whose names and connections the preload turns into the lab.
 *
 * It is hostile for all we know: what it says is checked, what it prints is kept for the error
 * message and told line by line, and it is ended whatever it does.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { type LabAccess, SenderError } from '../../model/sender.ts';
import { systemEnvironment } from '../../process/environment.ts';
import { keepLast, lastWords, onLines } from '../../process/lines.ts';
import { END_SECONDS } from '../../process/shell.ts';
import { type FromChild, type Request, readFromChild, type ToChild } from './protocol.ts';

export interface Launch {
  /** Of the sender; said in errors. */
  readonly name: string;
  readonly program: URL;
  readonly arguments?: readonly string[];
  /** Where it runs; default: where this process does. */
  readonly folder?: string;
  /** Beside what a program needs of the system. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The file with the lab's authorities. */
  readonly trustPath: string;
  readonly lab: LabAccess;
  onMessage(message: FromChild): void;
  onLine?(line: string): void;
}

export interface RunningProgram {
  readonly pid: number | undefined;
  /** Resolves once it says so. Ends it and throws SenderError when it does not come to that. */
  ready(): Promise<void>;
  /**
   * Resolves when the program has done it. Throws SenderError when it refuses, and when it is dead
   * or dies.
   */
  ask(request: Request): Promise<void>;
  /** Ends it, if need be by force. Resolves when it is gone. */
  stop(): Promise<void>;
  /** Resolves, with the reason, when it is gone, wanted or not. */
  readonly died: Promise<SenderError>;
}

const READY_SECONDS = 30;
const ANSWER_SECONDS = 60;
const KEPT_LINES = 200;

/**
 * `./name` beside the module at `here`, in the form the module itself has: `.ts` in the checkout,
 * `.js` once compiled.
 */
export function siblingProgram(name: string, here: string): URL {
  return new URL(`${name}${extname(new URL(here).pathname)}`, here);
}

/** Resolves once the program has been told where the lab is, and runs. */
export async function launchProgram({
  name,
  program,
  arguments: given = [],
  folder,
  environment,
  trustPath,
  lab,
  onMessage,
  onLine,
}: Launch): Promise<RunningProgram> {
  const child = fork(program, given, {
    cwd: folder,
    execArgv: [
      '--disable-warning=ExperimentalWarning',
      '--import',
      siblingProgram('./preload', import.meta.url).href,
    ],
    env: { ...systemEnvironment(), ...environment, NODE_EXTRA_CA_CERTS: trustPath },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const words = keepLastWords(child, onLine);
  const waiting = new Map<number, PromiseWithResolvers<void>>();
  const ready = Promise.withResolvers<void>();
  // Nobody may be waiting for it.
  ready.promise.catch(() => {});
  const over = Promise.withResolvers<SenderError>();
  let asked = 0;
  let obituary: SenderError | undefined;

  const died = (how: string) => {
    obituary ??= new SenderError(`${name} ${how}${words()}`);
    ready.reject(obituary);
    over.resolve(obituary);
    for (const { reject } of waiting.values()) reject(obituary);
    waiting.clear();
  };
  const gone = new Promise<void>((resolve) => {
    child.once('close', (code, signal) => {
      died(signal ? `was killed by ${signal}` : `exited with code ${code}`);
      resolve();
    });
    child.on('error', (error) => {
      if (child.pid !== undefined) return;
      died(`could not be started: ${error.message}`);
      resolve();
    });
  });
  child.on('message', (raw) => {
    const message = readFromChild(raw);
    if (message?.kind === 'ready') ready.resolve();
    if (message) onMessage(message);
    if (message?.kind === 'done' || message?.kind === 'failed') answered(waiting, message, name);
  });

  // A send that fails was to a child that dies, which `close` will tell.
  const send = (message: ToChild) => void child.send(message, () => {});
  const ask: RunningProgram['ask'] = (request) => {
    if (obituary) return Promise.reject(obituary);
    const id = ++asked;
    const answer = Promise.withResolvers<void>();
    waiting.set(id, answer);
    send({ ...request, id });
    const late = setTimeout(
      () =>
        answer.reject(
          new SenderError(`${name} did not answer ${request.kind} within ${ANSWER_SECONDS} s`),
        ),
      ANSWER_SECONDS * 1000,
    );
    return answer.promise.finally(() => clearTimeout(late));
  };
  // A child that dies will not dial.
  const stopRoutes = lab.onRoute((virtual, actual) =>
    ask({ kind: 'route', virtual, actual }).catch(() => {}),
  );
  const stop = async () => {
    stopRoutes();
    // Not disconnected first: `close`, which tells that it is gone, does not come after that.
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), END_SECONDS * 1000);
    await gone;
    clearTimeout(force);
  };

  // A program that hangs up and lives on can be told nothing more.
  child.once('disconnect', () => void stop());

  send({ kind: 'lab', dns: lab.dns });
  return {
    pid: child.pid,
    async ready() {
      const late = setTimeout(
        () => died(`was not ready within ${READY_SECONDS} s`),
        READY_SECONDS * 1000,
      );
      try {
        await ready.promise;
      } catch (error) {
        await stop();
        throw error;
      } finally {
        clearTimeout(late);
      }
    },
    ask,
    stop,
    died: over.promise,
  };
}

function answered(
  waiting: Map<number, PromiseWithResolvers<void>>,
  answer: FromChild & { id: number },
  name: string,
): void {
  const { id } = answer;
  if (answer.kind === 'failed')
    waiting.get(id)?.reject(new SenderError(`${name}: ${answer.detail}`));
  else waiting.get(id)?.resolve();
  waiting.delete(id);
}

/** Tells what the program prints. Returns its last lines, for an error message. */
function keepLastWords(child: ChildProcess, onLine: (line: string) => void = () => {}) {
  const kept: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    void onLines(stream, (line) => {
      keepLast(kept, stripVTControlCharacters(line), KEPT_LINES);
      onLine(line);
    });
  }
  // What the program started may hold its pipes open for ever, and `close` waits for them.
  child.once('exit', () =>
    setTimeout(
      () => [child.stdout, child.stderr].forEach((stream) => void stream?.destroy()),
      500,
    ).unref(),
  );
  return () => lastWords(kept);
}
