/**
 * A fabric turns `listen(address, port)` into sockets. The one here is the loopback fabric: virtual
 * addresses, without privileges and on any system. (The other is address-fabric.ts, where addresses
 * are real.)
 *
 * Every virtual address and port is an ephemeral port on 127.0.0.1, or on ::1 for IPv6; whoever
 * dials asks `route` where it is. The virtual addresses lie in 127.0.0.0/8, so that a sender that
 * goes past the map still stays on this machine; those of IPv6, which has only one address there, in
 * 100::/64, whose packets routers discard (RFC 6666).
 */

import net from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Endpoint, LabAccess } from '../model/sender.ts';

export type Family = 4 | 6;

export interface Fabric extends AsyncDisposable {
  /** There are addresses of IPv6. */
  readonly hasIpv6?: boolean;
  /** An address that is nobody's in this lab; default: of IPv4. Throws when there is none. */
  allocate(family?: Family): string;
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
const LOOPBACK_6 = '::1';
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
    {
      at: Endpoint;
      server: net.Server;
      sockets: Set<net.Socket>;
      actual: Endpoint;
      refused: boolean;
    }
  >();
  const watchers = new Set<Parameters<LabAccess['onRoute']>[0]>();
  let allocated = 0;

  const key = (address: string, port: number) => `${plainAddress(address)} ${port}`;
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
    hasIpv6: Object.values(networkInterfaces()).some((all) =>
      all?.some(({ address }) => address === LOOPBACK_6),
    ),
    allocate(family) {
      const n = allocated++;
      if (family === 6) return `100::${(1 + (n >> 16)).toString(16)}:${(n & 0xffff).toString(16)}`;
      return `127.${64 + ((n >> 16) & 63)}.${(n >> 8) & 255}.${n & 255}`;
    },
    async listen(address, port, onConnection) {
      const sockets = new Set<net.Socket>();
      const server = net.createServer({ noDelay: true }, (socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
        onConnection(socket);
      });
      const host = net.isIPv6(address) ? LOOPBACK_6 : LOOPBACK;
      await listening(server, host);
      server.on('error', () => {});
      listeners.set(key(address, port), {
        at: { address, port },
        server,
        sockets,
        actual: { address: host, port: (server.address() as net.AddressInfo).port },
        refused: false,
      });
      await announce(address, port);
    },
    refuse: (address, port) => setRefused(address, port, true),
    restore: (address, port) => setRefused(address, port, false),
    release(address) {
      for (const [name, { at, server, sockets }] of listeners) {
        if (at.address !== address) continue;
        server.close();
        for (const socket of sockets) socket.destroy();
        listeners.delete(name);
      }
    },
    route: whereIs,
    onRoute(listener) {
      watchers.add(listener);
      for (const { at } of listeners.values()) void listener(at, whereIs(at.address, at.port)!);
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

/** An IPv6 address has several spellings (RFC 5952). */
function plainAddress(address: string): string {
  return net.isIPv6(address) ? new net.SocketAddress({ address, family: 'ipv6' }).address : address;
}

/** Listens on an ephemeral port, of 127.0.0.1 unless told. */
export function listening(server: net.Server, host = LOOPBACK): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port: 0, backlog: 4096 }, () => {
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
