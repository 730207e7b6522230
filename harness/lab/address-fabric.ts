/**
 * The address fabric: real IPv4 addresses and real ports, for senders that run outside this
 * process.
 *
 * The system has to take every address of the block for its own (`ip route add local 10.9.128.0/17
 * dev lo`; Linux then answers ARP for all of them). Each host of a plan listens at an address of
 * its own, and where nobody listens the system itself refuses.
 */

import net from 'node:net';
import { type Prefix, showAddress, showPrefix, sizeOf } from '../protocol/ipv4.ts';
import type { Fabric } from './fabric.ts';

interface Listener {
  readonly onConnection: (socket: net.Socket) => void;
  readonly sockets: Set<net.Socket>;
  /** undefined: refused. */
  server?: net.Server;
}

const BACKLOG = 1024;

/** A fabric on this block; its first and last address are left to the network. */
export async function createAddressFabric(block: Prefix): Promise<Fabric> {
  const listeners = new Map<string, Map<number, Listener>>();
  const taken = new Set<string>();
  const usable = sizeOf(block) - 2;
  let next = 0;

  const open = async (address: string, port: number, listener: Listener) => {
    const server = net.createServer({ noDelay: true }, (socket) => {
      listener.sockets.add(socket);
      socket.on('close', () => listener.sockets.delete(socket));
      listener.onConnection(socket);
    });
    listener.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address, port, backlog: BACKLOG }, () => {
        server.removeListener('error', reject);
        server.on('error', () => {});
        resolve();
      });
    });
  };
  const close = (listener: Listener) => {
    listener.server?.close();
    listener.server = undefined;
  };
  const release = (address: string) => {
    for (const listener of listeners.get(address)?.values() ?? []) {
      close(listener);
      for (const socket of listener.sockets) socket.destroy();
    }
    listeners.delete(address);
    taken.delete(address);
  };

  return {
    // In turn, so that an address given back is the last to be used again: a sender may remember
    // it.
    allocate(family) {
      if (family === 6) throw new Error('this lab has no IPv6 addresses');
      for (let tries = 0; tries < usable; tries++) {
        const address = showAddress(block.first + 1 + (next++ % usable));
        if (taken.has(address)) continue;
        taken.add(address);
        return address;
      }
      throw new Error(
        `every address of ${showPrefix(block)} is in use: run with fewer --jobs, or in a larger network`,
      );
    },
    async listen(address, port, onConnection) {
      const listener: Listener = { onConnection, sockets: new Set() };
      listeners.set(
        address,
        (listeners.get(address) ?? new Map<number, Listener>()).set(port, listener),
      );
      await open(address, port, listener);
    },
    async refuse(address, port) {
      const listener = listeners.get(address)?.get(port);
      if (listener) close(listener);
    },
    async restore(address, port) {
      const listener = listeners.get(address)?.get(port);
      if (listener && listener.server === undefined) await open(address, port, listener);
    },
    release,
    route: (address, port) =>
      listeners.get(address)?.get(port)?.server ? { address, port } : undefined,
    onRoute: () => () => {},
    async [Symbol.asyncDispose]() {
      for (const address of [...taken]) release(address);
    },
  };
}
