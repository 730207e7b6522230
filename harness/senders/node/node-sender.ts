/**
 * Any Node mail program as a sender: a child process whose names and connections the preload turns
 * into the lab.
 *
 * The program speaks the few messages of protocol.ts; it knows nothing of virtual addresses. It is
 * hostile for all we know: what it says is checked, what it prints is kept for the error message
 * only, and it is ended whatever it does.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import {
  type LabAccess,
  type MessageStatus,
  type Sender,
  type SenderDescription,
  SenderError,
} from '../../model/sender.ts';
import { systemEnvironment, trustFile } from '../../process/environment.ts';
import { lastWords } from '../../process/lines.ts';
import { type FromChild, type Request, readFromChild, type ToChild } from './protocol.ts';

export interface NodeSenderOptions extends SenderDescription {
  /** The module to run; it answers the requests of protocol.ts. */
  readonly program: URL;
  /** As in Sender. */
  readonly unavailable: Sender['unavailable'];
}

/** A sender that runs `program` in one warm child process for all scenarios. */
export function nodeSender({ program, ...description }: NodeSenderOptions): Sender {
  return {
    ...description,
    perInstance: 'run',
    async start(lab, onStatus) {
      const trust = await writeTrust(lab);
      const removeTrust = () => rm(trust.folder, { recursive: true, force: true });
      const launch = () =>
        startProgram({ name: description.name, program, trustPath: trust.path, lab, onStatus });
      let running = await launch().catch(async (error) => {
        await removeTrust();
        throw error;
      });
      return {
        submit: (message) => running.ask({ kind: 'submit', message }),
        flush: (domains) => running.ask({ kind: 'flush', domains }),
        advance: (seconds, domains) => running.ask({ kind: 'advance', seconds, domains }),
        async restart() {
          await running.stop();
          running = await launch();
        },
        async [Symbol.asyncDispose]() {
          await running.stop();
          await removeTrust();
        },
      };
    },
  };
}

/**
 * `./name` beside the module at `here`, in the form the module itself has: `.ts` in the checkout,
 * `.js` once compiled.
 */
export function siblingProgram(name: string, here: string): URL {
  return new URL(`${name}${extname(new URL(here).pathname)}`, here);
}

/** The lab's authorities in a file, for NODE_EXTRA_CA_CERTS. */
async function writeTrust(lab: LabAccess): Promise<{ folder: string; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-'));
  const path = join(folder, 'authorities.pem');
  await writeFile(path, trustFile(lab));
  return { folder, path };
}

interface RunningProgram {
  /**
   * Resolves when the program has done it. Throws SenderError when it refuses, and when it is dead
   * or dies.
   */
  ask(request: Request): Promise<void>;
  /** Ends it, if need be by force. Resolves when it is gone. */
  stop(): Promise<void>;
}

interface Launch {
  readonly name: string;
  readonly program: URL;
  readonly trustPath: string;
  readonly lab: LabAccess;
  readonly onStatus: (status: MessageStatus) => void;
}

const READY_SECONDS = 30;
const ANSWER_SECONDS = 60;
const KILL_SECONDS = 2;
const KEPT_CHARACTERS = 16_384;

/**
 * Resolves once the program says that it is ready. Throws SenderError when it does not come to
 * that.
 */
async function startProgram({
  name,
  program,
  trustPath,
  lab,
  onStatus,
}: Launch): Promise<RunningProgram> {
  const child = fork(program, {
    execArgv: [
      '--disable-warning=ExperimentalWarning',
      '--import',
      siblingProgram('./preload', import.meta.url).href,
    ],
    env: { ...systemEnvironment(), NODE_EXTRA_CA_CERTS: trustPath },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const words = keepLastWords(child);
  const waiting = new Map<number, PromiseWithResolvers<void>>();
  const ready = Promise.withResolvers<void>();
  let asked = 0;
  let obituary: SenderError | undefined;

  const died = (how: string) => {
    obituary ??= new SenderError(`${name} ${how}${words()}`);
    ready.reject(obituary);
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
    if (message?.kind === 'status')
      onStatus({ token: message.token, status: message.status, detail: message.detail });
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
    const force = setTimeout(() => child.kill('SIGKILL'), KILL_SECONDS * 1000);
    await gone;
    clearTimeout(force);
  };

  // A program that hangs up and lives on can be told nothing more.
  child.once('disconnect', () => void stop());

  send({ kind: 'lab', dns: lab.dns });
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
  return { ask, stop };
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

/** Collects what the program prints. Returns its last lines, for an error message. */
function keepLastWords(child: ChildProcess): () => string {
  let kept = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      kept = (kept + text).slice(-KEPT_CHARACTERS);
    });
  }
  // What the program started may hold its pipes open for ever, and `close` waits for them.
  child.once('exit', () =>
    setTimeout(
      () => [child.stdout, child.stderr].forEach((stream) => void stream?.destroy()),
      500,
    ).unref(),
  );
  return () => {
    return lastWords(stripVTControlCharacters(kept).split(/\r?\n/));
  };
}
