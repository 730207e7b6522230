/**
 * A world of the lab for a test, its evidence, and ways to get in: what a sender would know, and
 * nothing else.
 */

import { randomBytes } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import net from 'node:net';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { Lab } from '../../harness/lab/lab.ts';
import { createRecorder } from '../../harness/lab/recorder.ts';
import type { World } from '../../harness/lab/world.ts';
import { qualify, qualifyName } from '../../harness/model/names.ts';
import type { Event, Observation } from '../../harness/model/observation.ts';
import type { DnsRecord, LabPlan, MxPlan } from '../../harness/model/plan.ts';
import type { Endpoint } from '../../harness/model/sender.ts';
import { ofKind, type Seen } from '../../harness/model/traffic.ts';

/** Longer than anything here takes: for what must happen. */
const BOUND_MS = 20_000;

export interface TestWorld extends World {
  readonly observations: readonly Observation[];
  /** `mx1.victim.test` as it is called in this world. */
  name(plain: string): string;
  seen<K extends Event['kind']>(kind: K): Seen<K>[];
  /** Resolves once so many observations of a kind are there; throws when they do not come. */
  until<K extends Event['kind']>(kind: K, howMany?: number): Promise<Seen<K>[]>;
  /** Where a host of the plan is, found by asking the name server. */
  find(host: string, port: number): Promise<Endpoint>;
  /** An SMTP connection to an MX host of the plan. */
  dial(host?: string): Promise<Peer>;
}

export function openWorld(lab: Lab, plan: LabPlan): TestWorld {
  const token = `t${randomBytes(6).toString('hex')}`;
  const recorder = createRecorder();
  const { observations } = recorder;
  const world = lab.createWorld(token, (event) => recorder.record('main', event));
  const arrange = (next: LabPlan) => world.arrange(qualify(next, token));
  const name = (plain: string) => qualifyName(plain, token);
  const find = async (host: string, port: number) => {
    const [address] = await resolverOf(lab).resolve4(name(host));
    const endpoint = lab.access.route(address!, port);
    if (!endpoint) throw new Error(`${host}:${port} is not in the lab`);
    return endpoint;
  };
  void arrange(plan);
  return {
    observations,
    arrange,
    name,
    seen: (kind) => ofKind(observations, kind),
    async until(kind, howMany = 1) {
      const held = await recorder.until(
        () => ofKind(observations, kind).length >= howMany,
        BOUND_MS,
      );
      if (!held)
        throw new Error(
          `no ${kind} was recorded, but ${observations.map((seen) => seen.kind).join(', ')}`,
        );
      return ofKind(observations, kind);
    },
    find,
    dial: async (host = 'mx1.victim.test') => dial(await find(host, 25)),
    idle: () => world.idle(),
    addressOf: (host, family) => world.addressOf(name(host), family),
    trace: () => world.trace(),
    [Symbol.dispose]: () => world[Symbol.dispose](),
  };
}

export function resolverOf(lab: Lab): Resolver {
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([`${lab.access.dns.address}:${lab.access.dns.port}`]);
  return resolver;
}

/** A plan with these records and rules alone. */
export function zone(records: readonly DnsRecord[], rules: LabPlan['dns']['rules'] = []): LabPlan {
  return { dns: { records, rules }, policyHosts: {}, mxHosts: {}, reportHosts: {} };
}

/** A plan with one MX host, mx1.victim.test. */
export function oneMx(mx: MxPlan = {}): LabPlan {
  return {
    ...zone([{ name: 'mx1.victim.test', type: 'A', host: 'mx1.victim.test' }]),
    mxHosts: { 'mx1.victim.test': mx },
  };
}

// ---- an SMTP client that does as it is told ----

export interface Peer {
  readonly socket: net.Socket;
  send(text: string | Buffer): void;
  /** The next whole reply, its lines joined by LF. */
  reply(): Promise<string>;
  /** Sends a line and reads its reply. */
  say(line: string): Promise<string>;
  /** Bytes that have come and that nobody has read. */
  unread(): string;
  /** How the other side ended the connection. */
  readonly over: Promise<'end' | 'reset'>;
  /** STARTTLS has been answered: a TLS client from here on. */
  secure(options: tls.ConnectionOptions): Promise<Peer>;
}

export async function dial({ address, port }: Endpoint): Promise<Peer> {
  const socket = net.connect({ port, host: address, noDelay: true, allowHalfOpen: true });
  const peer = peerOn(socket);
  // What is reset at once may never be seen open.
  await new Promise<void>((resolve) => {
    socket.once('connect', () => resolve());
    socket.once('close', () => resolve());
  });
  return peer;
}

function peerOn(socket: net.Socket): Peer {
  let text = '';
  const onData = (chunk: Buffer) => {
    text += chunk.toString('latin1');
  };
  socket.on('data', onData);
  const over = new Promise<'end' | 'reset'>((resolve) => {
    socket.once('end', () => resolve('end'));
    socket.on('error', () => resolve('reset'));
    socket.once('close', () => resolve('end'));
  });
  const send = (data: string | Buffer) => void socket.write(data);
  const reply = async () => {
    for (;;) {
      const whole = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\r\n/.exec(text)?.[0];
      if (whole !== undefined) {
        text = text.slice(whole.length);
        return whole.trimEnd().replaceAll('\r\n', '\n');
      }
      if (socket.readableEnded || socket.destroyed)
        throw new Error(`the connection is over; unread: ${JSON.stringify(text)}`);
      await Promise.race([once(socket, 'data'), over]);
    }
  };
  return {
    socket,
    send,
    reply,
    say(line) {
      send(`${line}\r\n`);
      return reply();
    },
    unread: () => text,
    over,
    async secure(options) {
      socket.removeListener('data', onData);
      const secured = tls.connect({ socket, ...options });
      const peer = peerOn(secured);
      await once(secured, 'secureConnect');
      return peer;
    },
  };
}

/** The first flight of a TLS client. */
export async function clientHello(
  servername: string,
  maxVersion?: tls.SecureVersion,
): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const wire = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      resolve(chunk);
      done();
    },
  });
  const client = tls.connect({ socket: wire, servername, maxVersion });
  client.on('error', () => {});
  const hello = await promise;
  client.destroy();
  return hello;
}
