/**
 * A mail server that is a Node program as a sender under test, by its contract: no Docker, no root,
 * and the program as its authors publish it. The preload leads its names and connections into a lab
 * of this process.
 *
 * Each one runs in a new folder of its own, with the files of its contract in it; its queue is
 * there, outlives a restart, and goes with it.
 */

import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { NodePlace, SenderContract } from '../../model/contract.ts';
import {
  type LabAccess,
  type MessageStatus,
  type Sender,
  SenderError,
  type StartedSender,
} from '../../model/sender.ts';
import { trustFiles } from '../../process/environment.ts';
import { runShell } from '../../process/shell.ts';
import { drive, type Server } from '../contract/drive.ts';
import { described, versionIn } from '../contract/version.ts';
import { createSubmitter } from '../submission.ts';
import { launchProgram, type RunningProgram } from './launch.ts';

/**
 * One process does all the work, and the name server waits for it: an address is told once the
 * preload knows the way.
 */
const JOBS = 4;

/** The sender that a contract describes. Its version is known once it is prepared. */
export function nodeServer(contract: SenderContract, place: NodePlace): Sender {
  const { name } = contract;
  const sender: Sender = {
    ...described(contract),
    jobs: JOBS,
    perInstance: contract.instances === 'exclusive' ? 'trial' : 'run',
    async unavailable() {
      if (platform() === 'win32')
        return `${name} is driven by commands of /bin/sh: run Holdfast on Linux or macOS`;
      return existsSync(place.program) ? undefined : notInstalled(name, place);
    },
    prepare: async () => ({
      ...sender,
      version: await versionIn(contract, (command) =>
        runShell({ title: name, command, folder: place.folder }),
      ),
    }),
    start: (lab, onStatus, onLine) => start({ contract, place, lab, onStatus, onLine }),
  };
  return sender;
}

function notInstalled(name: string, { program, folder }: NodePlace): string {
  const where = relative('.', folder) || '.';
  return existsSync(join(folder, 'package.json'))
    ? `${name} is not installed: npm ci --omit=optional --ignore-scripts --prefix ${where}`
    : `${name} has no program: ${relative('.', program)} is not there (node.program)`;
}

interface Start {
  readonly contract: SenderContract;
  readonly place: NodePlace;
  readonly lab: LabAccess;
  readonly onStatus: (status: MessageStatus) => void;
  readonly onLine?: (line: string) => void;
}

async function start({ contract, place, lab, onStatus, onLine }: Start): Promise<StartedSender> {
  const { submit, greets, [Symbol.dispose]: closeSubmitter } = createSubmitter();
  return drive({
    contract,
    // The lab is in this process, and has recorded what it has done.
    network: { submit, greets, caughtUp: async () => {} },
    onStatus,
    onLine,
    async startServer(hear) {
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-'));
      const undo = async () => {
        closeSubmitter();
        await rm(folder, { recursive: true, force: true });
      };
      try {
        await putFiles(folder, place.files);
        await putFiles(folder, {}, trustFiles(contract, lab));
        return await startServer({ contract, place, lab, folder, hear, undo });
      } catch (error) {
        await undo();
        throw error;
      }
    },
  });
}

/** Files, by their path with the folder for the root: copied, and written. */
async function putFiles(
  folder: string,
  copied: Readonly<Record<string, string>>,
  written: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (const target of [...Object.keys(copied), ...Object.keys(written)])
    await mkdir(dirname(join(folder, target)), { recursive: true });
  for (const [target, file] of Object.entries(copied)) await copyFile(file, join(folder, target));
  for (const [target, text] of Object.entries(written)) await writeFile(join(folder, target), text);
}

interface ServerStart extends Pick<Start, 'contract' | 'place' | 'lab'> {
  readonly folder: string;
  readonly hear: (line: string) => void;
  /** When it has ended. */
  readonly undo: () => Promise<void>;
}

async function startServer({
  contract,
  place,
  lab,
  folder,
  hear,
  undo,
}: ServerStart): Promise<Server> {
  const { name } = contract;
  const died = Promise.withResolvers<SenderError>();
  let listens = Promise.withResolvers<number>();
  let running: RunningProgram | undefined;
  const launch = async () => {
    listens = Promise.withResolvers();
    const launched = await launchProgram({
      name,
      program: pathToFileURL(place.program),
      arguments: place.arguments,
      folder,
      environment: place.environment,
      trustPath: join(folder, contract.trust),
      lab,
      onLine: hear,
      onMessage(message) {
        if (message.kind === 'listening' && message.port === contract.submit.port)
          listens.resolve(message.actual);
      },
    });
    running = launched;
    void launched.died.then((error) => {
      if (running === launched) died.resolve(error);
    });
  };
  const stop = async () => {
    const last = running;
    running = undefined;
    await last?.stop();
  };
  await launch();
  return {
    host: async () => '127.0.0.1',
    port: () => listens.promise,
    async run(command, environment) {
      if (running?.pid === undefined) throw new SenderError(`${name} does not run`);
      return runShell({
        title: name,
        command,
        folder,
        environment: { ...environment, PID: String(running.pid) },
      });
    },
    async restart() {
      await stop();
      await launch();
    },
    died: died.promise,
    async [Symbol.asyncDispose]() {
      await stop();
      await undo();
    },
  };
}
