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

interface Door {
  readonly onConnection: (socket: net.Socket) => void;
  readonly sockets: Set<net.Socket>;
  /** undefined: refused. */
  server?: net.Server;
}

const BACKLOG = 1024;

/** A fabric on this block; its first and last address are left to the network. */
export async function createAddressFabric(block: Prefix): Promise<Fabric> {
  const doors = new Map<string, Map<number, Door>>();
  const taken = new Set<string>();
  const usable = sizeOf(block) - 2;
  let next = 0;

  const open = async (address: string, port: number, door: Door) => {
    const server = net.createServer({ noDelay: true }, (socket) => {
      door.sockets.add(socket);
      socket.on('close', () => door.sockets.delete(socket));
      door.onConnection(socket);
    });
    door.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address, port, backlog: BACKLOG }, () => {
        server.removeListener('error', reject);
        server.on('error', () => {});
        resolve();
      });
    });
  };
  const close = (door: Door) => {
    door.server?.close();
    door.server = undefined;
  };
  const release = (address: string) => {
    for (const door of doors.get(address)?.values() ?? []) {
      close(door);
      for (const socket of door.sockets) socket.destroy();
    }
    doors.delete(address);
    taken.delete(address);
  };

  return {
    // In turn, so that an address given back is the last to be used again: a sender may remember
    // it.
    allocate() {
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
      const door: Door = { onConnection, sockets: new Set() };
      doors.set(address, (doors.get(address) ?? new Map<number, Door>()).set(port, door));
      await open(address, port, door);
    },
    async refuse(address, port) {
      const door = doors.get(address)?.get(port);
      if (door) close(door);
    },
    async restore(address, port) {
      const door = doors.get(address)?.get(port);
      if (door && door.server === undefined) await open(address, port, door);
    },
    release,
    route: (address, port) =>
      doors.get(address)?.get(port)?.server ? { address, port } : undefined,
    onRoute: () => () => {},
    async [Symbol.asyncDispose]() {
      for (const address of [...taken]) release(address);
    },
  };
}
