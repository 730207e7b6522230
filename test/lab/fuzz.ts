/**
 * npm run fuzz [-- --seed N]: 20,000 DNS packets and 5,000 SMTP and HTTPS connections of the worst
 * kind, to one lab that must go on.
 *
 * Afterwards the lab answers honest clients, has called nothing a fault of its own, and has let go
 * of every connection, and its memory is what it was after the warm-up. Everything is sent from
 * loopback to the lab's own ports; the seed says all that is sent, though not the order in which
 * connections made at the same time get their turn.
 */

import dgram from 'node:dgram';
import { once } from 'node:events';
import https from 'node:https';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Packet } from 'dns2';
import { type Lab, startLab } from '../../harness/lab/lab.ts';
import { reset } from '../../harness/lab/tls.ts';
import { POLICY_PATH } from '../../harness/model/plan.ts';
import type { Endpoint } from '../../harness/model/sender.ts';
import { clientHello, MAIL_ATTEMPTS, packet, question, WEB_ATTEMPTS } from './fuzz-traffic.ts';
import {
  ANSWERED_NAMES,
  called,
  HONEST_MX,
  HONEST_POLICY_HOST,
  MX_HOSTS,
  NAMES,
  PLAN,
  POLICY,
  POLICY_HOSTS,
  REPORTS,
  TOKEN,
} from './fuzz-world.ts';
import { type Dice, dice } from './mutate.ts';
import { dial, resolverOf } from './world.ts';

export interface FuzzOptions {
  readonly seed: number;
  readonly packets: number;
  readonly connections: number;
  /** A line for each part. */
  tell(line: string): void;
}

export interface FuzzResult {
  /** Sentences; none when all is well. */
  readonly problems: readonly string[];
}

const CONNECTIONS_AT_ONCE = 40;
const PACKETS_BETWEEN_PINGS = 50;
const PACKETS_PER_TCP_CONNECTION = 10;
/** Nothing here takes long; a connection that is open after this was forgotten. */
const BOUND_MS = 20_000;
const GROWTH_BOUND_BYTES = 20 * 1024 * 1024;

/** Never throws for what the lab does wrong; says so. */
export async function fuzz({ seed, packets, connections, tell }: FuzzOptions): Promise<FuzzResult> {
  const problems: string[] = [];
  await using lab = await startLab();
  using world = lab.createWorld(TOKEN, (event) => {
    if (event.kind === 'lab-fault') problems.push(`a fault of the lab: ${event.detail}`);
  });
  void world.arrange(called(PLAN));
  const target = await aim(lab);
  const part = async (what: string, howMany: number, send: () => Promise<void>) => {
    const began = performance.now();
    await send();
    tell(
      `${what}: ${howMany} sent in ${((performance.now() - began) / 1000).toFixed(1)} s; ${problems.length} problems`,
    );
  };
  // The warm-up is as long as a tenth of the whole: by then caches are full and code is compiled.
  await sendPackets(target, -seed, packets / 10, problems);
  await sendConnections(target, -seed, connections / 10, problems);
  const before = await memoryInUse();
  await part('DNS packets', packets, () => sendPackets(target, seed, packets, problems));
  await part('SMTP and HTTPS connections', connections, () =>
    sendConnections(target, seed, connections, problems),
  );
  await part('honest clients', 4, () =>
    askHonestly(lab, target).catch(
      (error: unknown) => void problems.push(`an honest client was failed: ${String(error)}`),
    ),
  );
  if (!(await inTime(world.idle()))) problems.push('connections are open that no client has');
  const grown = (await memoryInUse()) - before;
  tell(
    `memory: ${(before / 1e6).toFixed(1)} MB after the warm-up, ${(grown / 1e6).toFixed(1)} MB more at the end`,
  );
  if (grown > GROWTH_BOUND_BYTES) problems.push(`memory has grown by ${grown} bytes`);
  return { problems };
}

// ---- what is sent ----

interface Target {
  readonly dns: Endpoint;
  readonly mx: readonly Endpoint[];
  readonly web: readonly Endpoint[];
}

async function aim(lab: Lab): Promise<Target> {
  const find = async (name: string, port: number) =>
    lab.access.route((await resolverOf(lab).resolve4(called(name)))[0]!, port)!;
  return {
    dns: lab.access.dns,
    mx: await Promise.all(Object.keys(MX_HOSTS).map((name) => find(name, 25))),
    web: await Promise.all([...Object.keys(POLICY_HOSTS), REPORTS].map((name) => find(name, 443))),
  };
}

async function sendPackets(
  { dns }: Target,
  seed: number,
  howMany: number,
  problems: string[],
): Promise<void> {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const open = new Set<Promise<void>>();
  for (let index = 0; index < howMany; ) {
    const chance = dice(seed, index);
    if (chance.chance(0.03)) {
      const several = Math.min(PACKETS_PER_TCP_CONNECTION, howMany - index);
      const from = index;
      const what = `DNS over TCP, packet ${from} of seed ${seed}`;
      const over = oneConnection(
        dns,
        chance,
        (peer) => packetsInTcp(peer, seed, from, several),
        what,
        problems,
      );
      open.add(over);
      void over.then(() => open.delete(over));
      if (open.size >= CONNECTIONS_AT_ONCE) await Promise.race(open);
      index += several;
      continue;
    }
    socket.send(packet(chance, NAMES), dns.port, dns.address);
    index++;
    // An answer to an honest query shows that all before it were taken in: none is lost in a full
    // buffer.
    if (index % PACKETS_BETWEEN_PINGS === 0 && !(await inTime(ping(socket, dns))))
      problems.push(`no answer after packet ${index} of seed ${seed}`);
  }
  await Promise.all(open);
  socket.close();
}

async function ping(socket: dgram.Socket, { address, port }: Endpoint): Promise<void> {
  // An id that no other packet's answer has at this place: a TXT answer to this very question.
  const query = question(called('_mta-sts.victim.test'), Packet.TYPE.TXT, 0xbeef);
  socket.send(query, port, address);
  for (;;) {
    const [message] = (await once(socket, 'message')) as [Buffer];
    if (message.readUInt16BE(0) === 0xbeef && message.includes('v=STSv1; id=1;')) return;
  }
}

async function packetsInTcp(
  peer: net.Socket,
  seed: number,
  from: number,
  howMany: number,
): Promise<net.Socket> {
  for (let index = from; index < from + howMany; index++) {
    const chance = dice(seed, index);
    // What gets no answer, a dropped query or a response, keeps a half-closed connection for as
    // long as dns2 has patience: ten seconds.
    const message = packet(chance, ANSWERED_NAMES);
    if (message.length > 2) message[2]! &= 0x7f;
    const length = Buffer.alloc(2);
    length.writeUInt16BE(chance.chance(0.2) ? chance.int(65_536) : message.length);
    peer.write(chance.chance(0.1) ? message : Buffer.concat([length, message]));
    if (chance.chance(0.3)) await new Promise(setImmediate);
  }
  return peer;
}

async function sendConnections(
  { mx, web }: Target,
  seed: number,
  howMany: number,
  problems: string[],
): Promise<void> {
  const hello = await clientHello();
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < howMany; index = next++) {
      const chance = dice(seed, index);
      const isMail = chance.chance(0.5);
      const attempt = chance.pick(isMail ? MAIL_ATTEMPTS : WEB_ATTEMPTS);
      const what = `${isMail ? 'SMTP' : 'HTTPS'} connection ${index} of seed ${seed}`;
      await oneConnection(
        chance.pick(isMail ? mx : web),
        chance,
        (peer) => attempt(hello)(peer, chance),
        what,
        problems,
      );
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS_AT_ONCE }, worker));
}

/**
 * Connects, sends, ends in one way or another; a connection that is not over in time is a problem.
 */
async function oneConnection(
  { address, port }: Endpoint,
  chance: Dice,
  send: (peer: net.Socket) => Promise<net.Socket>,
  what: string,
  problems: string[],
): Promise<void> {
  const peer = net.connect({ port, host: address, noDelay: true });
  peer.on('error', () => {});
  const closed = new Promise<void>((resolve) => peer.once('close', () => resolve()));
  await Promise.race([once(peer, 'connect').catch(() => {}), closed]);
  const sent = send(peer).then((stream) => {
    const end = chance.pick(['end', 'end', 'destroy', 'reset'] as const);
    if (end === 'reset') reset(peer, stream);
    else if (end === 'destroy') peer.destroy();
    else peer.resume().end();
  });
  if (!(await inTime(Promise.all([Promise.race([sent, closed]), closed])))) {
    problems.push(`${what} is not over`);
    peer.destroy();
  }
}

// ---- what must hold afterwards ----

/** Throws when an honest client is not served. */
async function askHonestly(lab: Lab, { dns, mx, web }: Target): Promise<void> {
  must(
    (await resolverOf(lab).resolveTxt(called('_mta-sts.victim.test')))[0]?.[0],
    'v=STSv1; id=1;',
  );
  must(
    (await resolverOf(lab).resolveTxt(called('long.victim.test')))[0]?.join(''),
    'x'.repeat(3000),
  );
  must(dns.address, '127.0.0.1');
  const { trust } = lab.access;
  const clear = await dial(mx[0]!);
  await clear.reply();
  await clear.say('EHLO honest.test');
  await clear.say('STARTTLS');
  const peer = await clear.secure({ ca: trust.mxHosts, servername: called(HONEST_MX) });
  for (const line of [
    'EHLO honest.test',
    'MAIL FROM:<a@honest.test>',
    'RCPT TO:<b@victim.test>',
    'DATA',
  ])
    await peer.say(line);
  must((await peer.say('Subject: honest\r\n\r\nhonest\r\n.')).slice(0, 3), '250');
  await peer.say('QUIT');
  peer.socket.destroy();
  must(
    await fetchFrom(web[0]!, HONEST_POLICY_HOST, trust.policyHosts, 'GET', POLICY_PATH),
    `200 ${called(POLICY)}`,
  );
  must(await fetchFrom(web.at(-1)!, REPORTS, trust.policyHosts, 'POST', '/tlsrpt', '{}'), '200 ');
}

async function fetchFrom(
  { address, port }: Endpoint,
  host: string,
  ca: string,
  method: string,
  path: string,
  body?: string,
): Promise<string> {
  const request = https.request({
    host: address,
    port,
    servername: called(host),
    ca,
    method,
    path,
    agent: false,
  });
  request.end(body);
  const [response] = await once(request, 'response');
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(response, 'end');
  return `${response.statusCode} ${Buffer.concat(chunks)}`;
}

function must(actual: string | undefined, expected: string): void {
  if (actual !== expected)
    throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}

async function inTime(promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), BOUND_MS);
  });
  const done = await Promise.race([promise.then(() => true), bound]);
  clearTimeout(timer);
  return done;
}

/** Bytes on the heap and beside it, once what nobody needs is gone. */
async function memoryInUse(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    gc();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const given = process.argv.indexOf('--seed');
  const seed = given < 0 ? Math.floor(Math.random() * 2 ** 31) : Number(process.argv[given + 1]);
  console.log(`seed: ${seed}`);
  const { problems } = await fuzz({ seed, packets: 20_000, connections: 5000, tell: console.log });
  for (const problem of problems.slice(0, 20)) console.log(`problem: ${problem}`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
