/**
 * `serve`: the lab's side of a lab in a container. Waits at the control port for its user, and ends
 * with it.
 */

import { execFile } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import { createAddressFabric } from '../lab/address-fabric.ts';
import { openControl } from '../lab/control.ts';
import { startLab } from '../lab/lab.ts';
import { UsageError } from '../model/usage.ts';
import {
  contains,
  type Prefix,
  readAddress,
  readPrefix,
  showPrefix,
  upperHalf,
} from '../protocol/ipv4.ts';
import { createSubmitter } from '../senders/submission.ts';
import type { Terminal } from './terminal.ts';

export interface ServeRequest {
  readonly port: number;
  readonly secret?: string;
}

/** Resolves when the user has gone. Throws UsageError without a secret. */
export async function serve({ port, secret }: ServeRequest, terminal: Terminal): Promise<number> {
  if (!secret)
    throw new UsageError('HOLDFAST_SECRET is not set: without it anybody could use this lab');
  using mail = createSubmitter();
  // Now there is one network, that of the user; the senders' network, which must not see this port,
  // is joined later.
  const [address] = ownAddresses();
  if (address === undefined) throw new UsageError('there is no network to listen on');
  const lost = Promise.withResolvers<void>();
  const control = await openControl({
    address,
    port,
    secret,
    mail,
    lost: lost.promise,
    openLab: (network) => openLab(network, lost.resolve),
  });
  terminal.write(`listening on ${address}:${port}\n`);
  await control.over;
  return 0;
}

/** How often the lab looks whether its network is there. */
const LOOK_MS = 1000;

/**
 * The upper half of the network's addresses is the lab's; its name server listens at the address it
 * was given there. `onLost` is told when it has that address no more.
 */
async function openLab(network: string, onLost: () => void) {
  const prefix = readPrefix(network);
  if (prefix === undefined) throw new Error(`${network} is no IPv4 network`);
  const own = ownAddresses().find((address) => contains(prefix, readAddress(address)!));
  if (own === undefined) throw new Error(`the lab has no address in ${network}`);
  setInterval(() => {
    if (!ownAddresses().includes(own)) onLost();
  }, LOOK_MS).unref();
  const block = upperHalf(prefix);
  await takeAddresses(block);
  return startLab({
    openFabric: () => createAddressFabric(block),
    dns: { address: own, port: 53 },
  });
}

/** Linux takes what is routed to `local` for its own, and answers ARP for it. */
async function takeAddresses(block: Prefix): Promise<void> {
  await promisify(execFile)('ip', ['route', 'add', 'local', showPrefix(block), 'dev', 'lo']);
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((interfaces) =>
    (interfaces ?? [])
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
      .map(({ address }) => address),
  );
}
