/**
 * A fabric turns `listen(address, port)` into sockets. The one here is the loopback fabric: virtual
 * IPv4 addresses, without privileges and on any system. (The other is address-fabric.ts, where
 * addresses are real.)
 *
 * Every virtual address and port is an ephemeral port on 127.0.0.1; whoever dials asks `route`
 * where it is. The virtual addresses lie in 127.0.0.0/8, so that a sender that goes past the map
 * still stays on this machine.
 */

import net from 'node:net';
import type { Endpoint, LabAccess } from '../model/sender.ts';

export interface Fabric extends AsyncDisposable {
  /** An address that is nobody's in this lab. Throws when there is none. */
  allocate(): string;
  /** Listens at an address; resolves when connections are taken and everybody knows the way. */
  listen(address: string, port: number, onConnection: (socket: net.Socket) => void): Promise<void>;
  /**
   * Resolves when a connection to this address is refused; `listen`'s handler is kept for
   * `restore`.
   */
  refuse(address: string, port: number): Promise<void>;
  restore(address: string, port: number): Promise<void>;
  /** Stops listening at all ports of an address, and ends the connections that came in there. */
  release(address: string): void;
  /** Where an address and port really are. */
  route(address: string, port: number): Endpoint | undefined;
  onRoute: LabAccess['onRoute'];
}

const LOOPBACK = '127.0.0.1';
/**
 * tcpmux: below every ephemeral range, so that no listener of the lab can ever get it; checked when
 * the lab starts.
 */
const REFUSED: Endpoint = { address: LOOPBACK, port: 1 };

/**
 * Throws when port 1 of this machine answers, since nothing could then stand for "connection
 * refused".
 */
export async function createLoopbackFabric(): Promise<Fabric> {
  await mustBeRefused(REFUSED);
  const listeners = new Map<
    string,
    { server: net.Server; sockets: Set<net.Socket>; actual: Endpoint; refused: boolean }
  >();
  const watchers = new Set<Parameters<LabAccess['onRoute']>[0]>();
  let allocated = 0;

  const key = (address: string, port: number) => `${address}:${port}`;
  const whereIs = (address: string, port: number): Endpoint | undefined => {
    const entry = listeners.get(key(address, port));
    return entry && (entry.refused ? REFUSED : entry.actual);
  };
  const announce = async (address: string, port: number) => {
    const actual = whereIs(address, port)!;
    await Promise.allSettled([...watchers].map((watcher) => watcher({ address, port }, actual)));
  };
  const setRefused = async (address: string, port: number, refused: boolean) => {
    const entry = listeners.get(key(address, port));
    if (!entry || entry.refused === refused) return;
    entry.refused = refused;
    await announce(address, port);
  };

  return {
    allocate() {
      const n = allocated++;
      return `127.${64 + ((n >> 16) & 63)}.${(n >> 8) & 255}.${n & 255}`;
    },
    async listen(address, port, onConnection) {
      const sockets = new Set<net.Socket>();
      const server = net.createServer({ noDelay: true }, (socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
        onConnection(socket);
      });
      await listening(server);
      server.on('error', () => {});
      listeners.set(key(address, port), {
        server,
        sockets,
        actual: { address: LOOPBACK, port: (server.address() as net.AddressInfo).port },
        refused: false,
      });
      await announce(address, port);
    },
    refuse: (address, port) => setRefused(address, port, true),
    restore: (address, port) => setRefused(address, port, false),
    release(address) {
      for (const [name, { server, sockets }] of listeners) {
        if (!name.startsWith(`${address}:`)) continue;
        server.close();
        for (const socket of sockets) socket.destroy();
        listeners.delete(name);
      }
    },
    route: whereIs,
    onRoute(listener) {
      watchers.add(listener);
      for (const name of listeners.keys()) {
        const [address, port] = name.split(':') as [string, string];
        void listener({ address, port: Number(port) }, whereIs(address, Number(port))!);
      }
      return () => watchers.delete(listener);
    },
    async [Symbol.asyncDispose]() {
      const closed = [...listeners.values()].map(
        ({ server }) => new Promise((resolve) => server.close(resolve)),
      );
      for (const { sockets } of listeners.values()) for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}

/** Listens on an ephemeral port of 127.0.0.1. */
export function listening(server: net.Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: LOOPBACK, port: 0, backlog: 4096 }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

function mustBeRefused({ address, port }: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, address);
    socket.once('error', () => resolve());
    socket.once('connect', () => {
      socket.destroy();
      reject(
        new Error(
          `something listens on ${address}:${port} (tcpmux); the lab uses that port as one that refuses connections. Stop that service and run again.`,
        ),
      );
    });
  });
}
