/**
 * A mail server that runs where its owner put it, as a sender under test, by its contract. It
 * reaches the lab at real addresses of this machine, and is driven by commands of this machine's
 * shell.
 *
 * There is one such server, whoever starts it: those who start it again share it, and the last to
 * end it ends it.
 */

import dgram from 'node:dgram';
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import { platform } from 'node:os';
import { createGate, limited } from '../concurrency/limit.ts';
import type { ExternalPlace, SenderContract } from '../model/contract.ts';
import {
  type LabAccess,
  type MessageStatus,
  type Sender,
  SenderError,
  type StartedSender,
} from '../model/sender.ts';
import { trustFiles } from '../process/environment.ts';
import { follow, runShell } from '../process/shell.ts';
import { readPrefix, showAddress } from '../protocol/ipv4.ts';
import { printable } from '../protocol/printable.ts';
import { drive } from './contract/drive.ts';
import { described, versionIn } from './contract/version.ts';

/** The sender that a contract describes. Its version is known once it is prepared. */
export function externalSender(contract: SenderContract, place: ExternalPlace): Sender {
  const { name } = contract;
  let shared: { readonly server: Promise<StartedSender>; users: number } | undefined;
  const sender: Sender = {
    ...described(contract),
    perInstance: 'run',
    lab: { dns: place.dns, addresses: place.addresses },
    async unavailable() {
      if (platform() === 'win32')
        return `${name} is driven by commands of /bin/sh: run Holdfast on Linux or macOS`;
      return missingAddresses(place);
    },
    prepare: async () => ({
      ...sender,
      version: await versionIn(contract, (command) => runShell({ title: name, command })),
    }),
    async start(lab, onStatus, onLine) {
      shared ??= { server: start({ contract, lab, onStatus, onLine }), users: 0 };
      const mine = shared;
      mine.users++;
      const leave = async () => {
        if (--mine.users > 0) return;
        if (shared === mine) shared = undefined;
        await (await mine.server)[Symbol.asyncDispose]();
      };
      try {
        return { ...(await mine.server), [Symbol.asyncDispose]: leave };
      } catch (error) {
        if (shared === mine) shared = undefined;
        throw error;
      }
    },
  };
  return sender;
}

const LAB_PORTS = [25, 80, 443];

/**
 * What keeps a lab from these addresses of this machine, and what to do about it; undefined:
 * nothing. Tried by listening there, since nothing else tells.
 */
export async function missingAddresses({
  dns,
  addresses,
}: Pick<ExternalPlace, 'dns' | 'addresses'>): Promise<string | undefined> {
  const first = showAddress(readPrefix(addresses)!.first + 1);
  const places = [
    { address: dns, port: 53, attempt: tryUdp, take: `ip address add ${dns}/32 dev lo` },
    { address: dns, port: 53, attempt: tryTcp, take: `ip address add ${dns}/32 dev lo` },
    ...LAB_PORTS.map((port) => ({
      address: first,
      port,
      attempt: tryTcp,
      take: `ip route add local ${addresses} dev lo`,
    })),
  ];
  for (const { address, port, attempt, take } of places) {
    const { code, message } = (await attempt(address, port)) ?? {};
    if (code === undefined) continue;
    if (code === 'EADDRNOTAVAIL')
      return `${address} is no address of this machine. On Linux, as root: ${take}`;
    if (code === 'EADDRINUSE')
      return `something else listens at port ${port} of ${address}: end it, or give the lab other addresses. A server that listens at all addresses of this machine listens here too: let it listen at its own only`;
    if (code === 'EACCES')
      return `port ${port} of ${address} may not be listened at: run as root, with the capability CAP_NET_BIND_SERVICE, or after (Linux, as root) sysctl net.ipv4.ip_unprivileged_port_start=25`;
    return `port ${port} of ${address} cannot be listened at: ${message}`;
  }
  return undefined;
}

function tryTcp(address: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', resolve);
    server.listen({ host: address, port }, () => server.close(() => resolve(undefined)));
  });
}

function tryUdp(address: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    socket.once('error', (error) => socket.close(() => resolve(error)));
    socket.bind(port, address, () => socket.close(() => resolve(undefined)));
  });
}

interface Start {
  readonly contract: SenderContract;
  readonly lab: LabAccess;
  readonly onStatus: (status: MessageStatus) => void;
  readonly onLine?: (line: string) => void;
}

async function start({ contract, lab, onStatus, onLine }: Start): Promise<StartedSender> {
  const { name, commands, log, submit } = contract;
  const { network } = lab;
  if (!network || network.docker)
    throw new SenderError(`${name} needs a lab at real addresses of this machine`);
  const { from } = log;
  if (typeof from !== 'object' || !('command' in from))
    throw new SenderError(`${name}: log.from names no command, which tells its log`);
  const run = (command: string, environment?: Readonly<Record<string, string>>) =>
    runShell({ title: name, command, environment });
  // One server serves every scenario: while it restarts for one of them, mail and commands of the
  // others wait.
  const gate = createGate();
  const started = await drive({
    contract,
    network: {
      ...network,
      submit: (server, message) => gate.pass(() => network.submit(server, message)),
    },
    onStatus,
    onLine,
    async startServer(hear) {
      const undo: (() => unknown)[] = [];
      const dispose = async () => {
        const failures: unknown[] = [];
        for (const step of undo.splice(0).reverse())
          try {
            await step();
          } catch (error) {
            failures.push(error);
          }
        if (failures.length > 0) throw failures[0];
      };
      try {
        for (const [path, text] of Object.entries(trustFiles(contract, lab)))
          undo.push(putFile(path, text, name));
        const followed = await follow({ title: name, command: from.command, onLine: hear });
        undo.push(followed.stop);
        if (commands.stop !== undefined) undo.push(() => run(commands.stop!).catch(() => {}));
        if (commands.start !== undefined) await run(commands.start);
        return {
          host: async () => submit.host!,
          run: (command, environment) => gate.pass(() => run(command, environment)),
          async restart() {
            if (commands.restart === undefined)
              throw new SenderError(`${name} has no commands.restart`);
            await gate.close();
            await run(commands.restart);
          },
          died: followed.ended.then(
            (how) =>
              new SenderError(
                `the log of ${name} has ended: ${printable(from.command, 80)} (log.from.command) ${how}`,
              ),
          ),
          [Symbol.asyncDispose]: dispose,
        };
      } catch (error) {
        await dispose().catch(() => {});
        throw error;
      }
    },
  });
  const flushRestarts = commands.flush === undefined || commands.flush === 'restart';
  // One after the other: the gate is open once the server is there again.
  const inTurn = limited(1, (restart: () => Promise<void>) => restart().finally(gate.open));
  return {
    ...started,
    ...(flushRestarts && { flush: (domains) => inTurn(() => started.flush(domains)) }),
    restart: () => inTurn(() => started.restart!()),
  };
}

/** Beside the file: what it was before or, where there was none, nothing. */
const BEFORE = '.holdfast-before';
const NONE_BEFORE = '.holdfast-none-before';

/**
 * Writes a file that others may read. Returns the way to have again what was there before, which is
 * gone as well when this process ends; what a killed one has left is not taken for it. Throws
 * SenderError.
 */
function putFile(path: string, text: string, name: string): () => void {
  const [before, noneBefore] = [`${path}${BEFORE}`, `${path}${NONE_BEFORE}`];
  try {
    if (!existsSync(before) && !existsSync(noneBefore)) {
      if (existsSync(path)) {
        accessSync(path, constants.W_OK);
        // A copy that is not whole has another name.
        copyFileSync(path, `${before}.part`);
        renameSync(`${before}.part`, before);
      } else writeFileSync(noneBefore, '');
    }
    writeFileSync(path, text);
    if (existsSync(noneBefore)) chmodSync(path, 0o644);
  } catch (error) {
    throw new SenderError(
      `${name}: what the lab is trusted by cannot be written to ${printable(path, 200)} (trust, dnssec): ${(error as Error).message}`,
    );
  }
  const restore = () => {
    process.off('exit', atExit);
    try {
      if (existsSync(before)) writeFileSync(path, readFileSync(before));
      else if (existsSync(noneBefore)) rmSync(path, { force: true });
      rmSync(before, { force: true });
      rmSync(noneBefore, { force: true });
    } catch (error) {
      throw new SenderError(
        `${name}: ${printable(path, 200)} cannot be made again what it was (trust, dnssec): ${(error as Error).message}`,
      );
    }
  };
  const atExit = () => {
    try {
      restore();
    } catch {
      // The next run has what it was.
    }
  };
  process.once('exit', atExit);
  return restore;
}
