/**
 * Puts a Node mail program into the lab, unmodified: `node --import preload.ts program.js`, forked
 * with an IPC channel.
 *
 * A virtual address such as 198.18.0.7:25 is really some port on 127.0.0.1; the harness tells which
 * over the channel. From before the program's first line on, every name is looked up at the lab's
 * name server, every TCP connection goes by the lab's routes, and what has no route is unreachable
 * (ENETUNREACH), loopback included: no mail and no query can leave the lab. What the program listens
 * for, at whatever address and port, is at a free port of 127.0.0.1, which the harness is told: it
 * needs no right to a port, and is in nobody's way. Unix sockets are left alone. Nothing is added to
 * what the program trusts; the lab's authorities come by NODE_EXTRA_CA_CERTS.
 *
 * What it cannot do: programs that the program starts are outside, and worker threads, which have
 * no channel, fail. The lab has only IPv4, and of a host's addresses the first is dialled. A
 * TLSSocket put upon a connected socket (STARTTLS) shows the actual address as its remoteAddress;
 * any other socket shows the virtual one.
 */

import dgram from 'node:dgram';
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { constants } from 'node:os';

import type { Endpoint } from '../../model/sender.ts';
import type { FromChild, ToChild } from './protocol.ts';

await enterLab();

async function enterLab(): Promise<void> {
  if (!process.channel)
    throw new Error(
      'the Holdfast preload needs an IPC channel: start the program with child_process.fork',
    );
  const routes: Routes = new Map();
  const nameServer = await new Promise<Endpoint>((resolve) => {
    process.on('message', (message: ToChild) => {
      if (message.kind === 'route') {
        routes.set(routeKey(message.virtual.address, message.virtual.port), message.actual);
        process.send!({ kind: 'done', id: message.id } satisfies FromChild);
      }
      if (message.kind === 'lab') resolve(message.dns);
    });
  });
  process.once('disconnect', () => process.exit());
  // Our listener alone must not keep the program alive; one of its own does.
  process.channel.unref();
  process.on('newListener', (event) => {
    if (event === 'message') process.channel?.ref();
  });
  redirectDns(nameServer);
  redirectSockets(routes);
  redirectServers();
  refuseDatagrams();
  // For `import { connect } from 'node:net'`.
  syncBuiltinESMExports();
}

type Routes = Map<string, Endpoint>;

function routeKey(address: string, port: unknown): string {
  return `${address}:${Number(port)}`;
}

/**
 * Every resolver asks the lab, whatever servers the program sets; getaddrinfo(3) is answered by the
 * lab as well.
 */
function redirectDns(nameServer: Endpoint): void {
  const servers = [`${nameServer.address}:${nameServer.port}`];
  const setServers = dns.Resolver.prototype.setServers;
  // The name servers of the functions on `dns` and `dns.promises`: both modules must be loaded
  // before.
  void dns.promises;
  dns.setServers(servers);
  for (const api of [dns, dns.promises] as (typeof dns)[]) {
    api.Resolver.prototype.setServers = () => {};
    api.setServers = () => {};
    api.Resolver = new Proxy(api.Resolver, {
      construct(target, options, newTarget) {
        const resolver = Reflect.construct(target, options, newTarget);
        setServers.call(resolver, servers);
        return resolver;
      },
    });
  }
  redirectLookup();
}

function redirectLookup(): void {
  const lookupHere = dns.promises.lookup;

  const lookup = async (hostname: string, options?: LookupOptions) => {
    // RFC 6761 §6.3: localhost is answered without asking a name server.
    if (/^(.*\.)?localhost\.?$/i.test(hostname))
      return lookupHere('127.0.0.1', options as dns.LookupOptions);
    // Literals and nonsense never get as far as getaddrinfo.
    if (!hostname || net.isIP(hostname)) return lookupHere(hostname, options as dns.LookupOptions);
    const { family, all } = typeof options === 'object' ? options : { family: options, all: false };
    if (family === 6 || family === 'IPv6') throw lookupError('getaddrinfo', 'ENOTFOUND', hostname);
    const addresses = await dns.promises.resolve4(hostname).catch(({ code }) => {
      const absent = code === 'ENOTFOUND' || code === 'ENODATA';
      throw lookupError('getaddrinfo', absent ? 'ENOTFOUND' : 'EAI_AGAIN', hostname);
    });
    const found = addresses.map((address) => ({ address, family: 4 }));
    return all ? found : found[0]!;
  };

  replace(dns.promises, 'lookup', lookup);
  replace(
    dns,
    'lookup',
    (hostname: string, ...rest: [LookupOptions, LookupCallback] | [LookupCallback]) => {
      const callback = rest.at(-1) as LookupCallback;
      lookup(hostname, rest.length > 1 ? (rest[0] as LookupOptions) : undefined).then(
        (found) =>
          Array.isArray(found)
            ? process.nextTick(callback, null, found)
            : process.nextTick(callback, null, found.address, found.family),
        (error) => process.nextTick(callback, error),
      );
    },
  );

  // getnameinfo(3) would ask the machine's own name server.
  replace(dns.promises, 'lookupService', async (address: string) => {
    throw lookupError('getnameinfo', 'ENOTFOUND', address);
  });
  replace(dns, 'lookupService', (address: string, _port: number, callback: LookupCallback) => {
    process.nextTick(callback, lookupError('getnameinfo', 'ENOTFOUND', address));
  });
}

type LookupOptions = dns.LookupOptions | number | undefined;
type LookupCallback = (error: Error | null, address?: unknown, family?: number) => void;

function lookupError(syscall: string, code: string, hostname: string): Error {
  return Object.assign(new Error(`${syscall} ${code} ${hostname}`), { code, syscall, hostname });
}

/** net.connect, tls.connect, http, https, http2 and fetch all end here. */
function redirectSockets(routes: Routes): void {
  const connect = net.Socket.prototype.connect as (
    this: net.Socket,
    ...args: unknown[]
  ) => net.Socket;

  function dial(socket: net.Socket, options: net.TcpNetConnectOpts, address: string): void {
    const actual = routes.get(routeKey(address, options.port));
    if (!actual) {
      setConnecting(socket);
      process.nextTick(() => socket.destroy(unreachable('connect', address, options.port)));
      return;
    }
    socket.prependOnceListener('connect', () =>
      showRemote(socket, { address, port: Number(options.port) }),
    );
    connect.call(socket, {
      ...options,
      host: actual.address,
      port: actual.port,
      // To a literal address Node has nothing to look up and no address families to race (RFC
      // 8305).
      lookup: undefined,
      autoSelectFamily: false,
      // An address to send from means nothing on the loopback interface.
      localAddress: undefined,
      localPort: undefined,
    });
  }

  replace(
    net.Socket.prototype,
    'connect',
    function (this: net.Socket, ...args: unknown[]): net.Socket {
      const { options, listener } = readConnectArguments(args);
      if (options.path) return connect.apply(this, args);
      const host = options.host || 'localhost';
      if (net.isIP(host)) {
        if (listener) this.once('connect', listener);
        dial(this, options, host);
        return this;
      }
      // Node begins, so that the socket is connecting and keeps what is written, and asks us for
      // the address. The answer tells the port as well, which Node would not take from a look-up;
      // so the second half of its connect is begun anew.
      const lookup = options.lookup ?? dns.lookup;
      const lookupAndDial: net.LookupFunction = (name, wanted, done) =>
        lookup(name, { ...wanted, all: false }, (error, address, family) => {
          if (error) return done(error, '', 0);
          this.emit('lookup', null, address, family, host);
          if (this.connecting) dial(this, options, String(address));
        });
      return connect.call(
        this,
        { ...options, host, lookup: lookupAndDial, autoSelectFamily: false },
        listener,
      );
    },
  );
}

function setConnecting(socket: { connecting: boolean }): void {
  socket.connecting = true;
}

/**
 * connect(options, listener) · connect(path, listener) · connect(port, host, listener), or one
 * array of these made by Node itself.
 */
function readConnectArguments(args: unknown[]): {
  options: net.TcpNetConnectOpts & { path?: string };
  listener?: () => void;
} {
  const [first, second] = Array.isArray(args[0]) ? args[0] : args;
  const listener = (Array.isArray(args[0]) ? args[0] : args).findLast(
    (arg) => typeof arg === 'function',
  );
  if (typeof first === 'object' && first !== null) return { options: first, listener };
  if (Number.isNaN(Number(first))) return { options: { path: first, port: 0 }, listener };
  return {
    options: { port: first, host: typeof second === 'string' ? second : undefined },
    listener,
  };
}

/** The program sees the address that it asked for. */
function redirectServers(): void {
  const listen = net.Server.prototype.listen as (
    this: net.Server,
    ...args: unknown[]
  ) => net.Server;
  replace(net.Server.prototype, 'listen', function (this: net.Server, ...args: unknown[]) {
    const { options, listener } = readConnectArguments(args);
    const isTcp = options.port !== undefined && !options.path && !('fd' in options);
    if (!isTcp || (args[0] as { _handle?: unknown })?._handle) return listen.apply(this, args);
    const asked = Number(options.port);
    this.prependOnceListener('listening', () => {
      const shown = this.address() as net.AddressInfo;
      const port = asked || shown.port;
      const address = net.isIP(options.host ?? '') ? options.host! : '0.0.0.0';
      this.address = () => ({ ...shown, address, port });
      process.send?.({ kind: 'listening', port, actual: shown.port } satisfies FromChild);
    });
    return listen.call(this, { host: '127.0.0.1', port: 0 }, listener);
  });
}

/** The program sees the address that it dialled. */
function showRemote(socket: net.Socket, virtual: Endpoint): void {
  Object.defineProperties(socket, {
    remoteAddress: { value: virtual.address, configurable: true },
    remotePort: { value: virtual.port, configurable: true },
    remoteFamily: { value: 'IPv4', configurable: true },
  });
}

/** No datagram leaves through node:dgram. The resolvers' own queries do not come this way. */
function refuseDatagrams(): void {
  for (const syscall of ['send', 'connect'] as const) {
    replace(
      dgram.Socket.prototype,
      syscall,
      function (this: dgram.Socket, ...args: unknown[]): void {
        const callback = args.at(-1);
        const error = unreachable(
          syscall,
          args.findLast((arg) => typeof arg === 'string') ?? 'localhost',
          args.find(Number.isInteger),
        );
        if (typeof callback === 'function') process.nextTick(callback, error);
        else process.nextTick(() => this.emit('error', error));
      },
    );
  }
}

function unreachable(syscall: string, address: unknown, port: unknown): Error {
  return Object.assign(
    new Error(`${syscall} ENETUNREACH ${address}:${port} - it is not in the lab`),
    {
      code: 'ENETUNREACH',
      errno: -constants.errno.ENETUNREACH,
      syscall,
      address,
      port,
    },
  );
}

/**
 * Puts a function in the place of another, with the other's properties: among them what
 * util.promisify goes by.
 */
function replace(owner: object, name: string, replacement: (...args: any[]) => unknown): void {
  const functions = owner as Record<string, (...args: any[]) => unknown>;
  functions[name] = Object.defineProperties(
    replacement,
    Object.getOwnPropertyDescriptors(functions[name]!),
  );
}
