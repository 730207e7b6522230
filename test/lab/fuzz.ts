/**
 * npm run fuzz [-- --seed N]: 20,000 DNS packets and 5,000 SMTP and HTTPS connections of the worst kind, to one lab that must go on.
 *
 * Afterwards the lab answers honest clients, has called nothing a fault of its own, and has let go of every connection, and its memory is what
 * it was after the warm-up. Everything is sent from loopback to the lab's own ports; the seed says all that is sent, though not the order in
 * which connections made at the same time get their turn.
 */

import dgram from 'node:dgram';
import { once } from 'node:events';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { Packet } from 'dns2';
import { type Lab, startLab } from '../../harness/lab/lab.ts';
import { reset } from '../../harness/lab/tls.ts';
import { qualify } from '../../harness/model/names.ts';
import type { LabPlan, MxPlan, PolicyHostPlan } from '../../harness/model/plan.ts';
import { POLICY_PATH } from '../../harness/model/plan.ts';
import type { Endpoint } from '../../harness/model/sender.ts';
import { type Dice, dice, mutate } from './mutate.ts';
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
const TOKEN = 'fuzz';

/** Never throws for what the lab does wrong; says so. */
export async function fuzz({ seed, packets, connections, tell }: FuzzOptions): Promise<FuzzResult> {
  const problems: string[] = [];
  await using lab = await startLab();
  using world = lab.createWorld(TOKEN, (event) => {
    if (event.kind === 'lab-fault') problems.push(`a fault of the lab: ${event.detail}`);
  });
  world.arrange(qualify(PLAN, TOKEN));
  const target = await aim(lab);
  const part = async (what: string, howMany: number, send: () => Promise<void>) => {
    const began = performance.now();
    await send();
    tell(`${what}: ${howMany} sent in ${((performance.now() - began) / 1000).toFixed(1)} s; ${problems.length} problems`);
  };
  // The warm-up is as long as a tenth of the whole: by then caches are full and code is compiled.
  await sendPackets(target, -seed, packets / 10, problems);
  await sendConnections(target, -seed, connections / 10, problems);
  const before = await memoryInUse();
  await part('DNS packets', packets, () => sendPackets(target, seed, packets, problems));
  await part('SMTP and HTTPS connections', connections, () => sendConnections(target, seed, connections, problems));
  await part('honest clients', 4, () =>
    askHonestly(lab, target).catch((error: unknown) => void problems.push(`an honest client was failed: ${String(error)}`)),
  );
  if (!(await inTime(world.idle()))) problems.push('connections are open that no client has');
  const grown = (await memoryInUse()) - before;
  tell(`memory: ${(before / 1e6).toFixed(1)} MB after the warm-up, ${(grown / 1e6).toFixed(1)} MB more at the end`);
  if (grown > GROWTH_BOUND_BYTES) problems.push(`memory has grown by ${grown} bytes`);
  return { problems };
}

// ---- the world ----

const HONEST_MX = 'mx1.victim.test';
const HONEST_POLICY_HOST = 'mta-sts.victim.test';
const REPORTS = 'tlsrpt.victim.test';

const POLICY = 'version: STSv1\r\nmode: enforce\r\nmx: mx1.victim.test\r\nmax_age: 604800\r\n';

const MX_HOSTS: Readonly<Record<string, MxPlan>> = {
  [HONEST_MX]: {},
  'injected.victim.test': { starttls: { inject: ['250 injected'] }, beforeTls: { ehlo: { add: ['X-MORE'], remove: ['SIZE'] } } },
  'plaintext.victim.test': {
    starttls: { then: 'plaintext' },
    beforeTls: { replies: { '.': { text: '451 later' }, MAIL: { text: '250 ok' } } },
  },
  'alert.victim.test': { tls: { handshake: 'alert' } },
  'stall.victim.test': { tls: { handshake: 'stall' }, beforeTls: { replies: { RCPT: { then: 'stall' } } } },
  'late.victim.test': { greeting: { delayMs: 5 }, beforeTls: { replies: { EHLO: { delayMs: 5 }, RSET: { then: 'reset' } } } },
  'selfsigned.victim.test': {
    tls: { certificate: 'self-signed' },
    afterTls: { replies: { DATA: { then: 'reset' }, MAIL: { then: 'close' } } },
  },
};

const POLICY_HOSTS: Readonly<Record<string, PolicyHostPlan>> = {
  [HONEST_POLICY_HOST]: { pages: { [POLICY_PATH]: { body: POLICY } } },
  'slow.victim.test': { pages: { [POLICY_PATH]: { body: POLICY, transfer: 'slow' } } },
  'truncated.victim.test': { pages: { [POLICY_PATH]: { body: POLICY, transfer: 'truncated' } } },
  'none.victim.test': { pages: { [POLICY_PATH]: { body: POLICY, transfer: 'none' } } },
  'garbage.victim.test': { tls: { handshake: 'garbage' }, pages: {} },
};

const HOSTS = [...Object.keys(MX_HOSTS), ...Object.keys(POLICY_HOSTS), REPORTS];

const PLAN: LabPlan = {
  dns: {
    records: [
      ...HOSTS.map((name) => ({ name, type: 'A', host: name }) as const),
      { name: 'victim.test', type: 'MX', preference: 10, exchange: HONEST_MX },
      { name: '_mta-sts.victim.test', type: 'TXT', text: 'v=STSv1; id=1;' },
      { name: 'long.victim.test', type: 'TXT', text: 'x'.repeat(3000) },
      { name: 'alias.victim.test', type: 'CNAME', target: 'victim.test' },
      { name: '_25._tcp.mx1.victim.test', type: 'TLSA', usage: 3, selector: 1, matching: 1, data: '00ff' },
    ],
    rules: [
      { name: 'drop.victim.test', type: '*', answer: 'drop' },
      { name: 'late.victim.test', type: 'TXT', delayMs: 3 },
      { name: 'truncate.victim.test', type: '*', answer: 'truncate' },
      { name: 'servfail.victim.test', type: '*', answer: 'servfail', ad: true },
    ],
  },
  policyHosts: POLICY_HOSTS,
  mxHosts: MX_HOSTS,
  reportHosts: { [REPORTS]: {} },
};

interface Target {
  readonly dns: Endpoint;
  readonly mx: readonly Endpoint[];
  readonly web: readonly Endpoint[];
}

const called = (name: string) => qualify(name, TOKEN);

async function aim(lab: Lab): Promise<Target> {
  const find = async (name: string, port: number) => lab.access.route((await resolverOf(lab).resolve4(called(name)))[0]!, port)!;
  return {
    dns: lab.access.dns,
    mx: await Promise.all(Object.keys(MX_HOSTS).map((name) => find(name, 25))),
    web: await Promise.all([...Object.keys(POLICY_HOSTS), REPORTS].map((name) => find(name, 443))),
  };
}

// ---- DNS ----

const NAMES = [
  'victim.test',
  '_mta-sts.victim.test',
  'long.victim.test',
  'alias.victim.test',
  '_25._tcp.mx1.victim.test',
  'drop.victim.test',
  'late.victim.test',
  'truncate.victim.test',
  'servfail.victim.test',
  'nobody.test',
  'example.com',
  ...HOSTS,
];

const ANSWERED_NAMES = NAMES.filter((name) => !name.startsWith('drop.'));

async function sendPackets({ dns }: Target, seed: number, howMany: number, problems: string[]): Promise<void> {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const open = new Set<Promise<void>>();
  for (let index = 0; index < howMany; ) {
    const chance = dice(seed, index);
    if (chance.chance(0.03)) {
      const several = Math.min(PACKETS_PER_TCP_CONNECTION, howMany - index);
      const from = index;
      const what = `DNS over TCP, packet ${from} of seed ${seed}`;
      const over = oneConnection(dns, chance, (peer) => packetsInTcp(peer, seed, from, several), what, problems);
      open.add(over);
      void over.then(() => open.delete(over));
      if (open.size >= CONNECTIONS_AT_ONCE) await Promise.race(open);
      index += several;
      continue;
    }
    socket.send(packet(chance, NAMES), dns.port, dns.address);
    index++;
    // An answer to an honest query shows that all before it were taken in: none is lost in a full buffer.
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

async function packetsInTcp(peer: net.Socket, seed: number, from: number, howMany: number): Promise<net.Socket> {
  for (let index = from; index < from + howMany; index++) {
    const chance = dice(seed, index);
    // What gets no answer, a dropped query or a response, keeps a half-closed connection for as long as dns2 has patience: ten seconds.
    const message = packet(chance, ANSWERED_NAMES);
    if (message.length > 2) message[2]! &= 0x7f;
    const length = Buffer.alloc(2);
    length.writeUInt16BE(chance.chance(0.2) ? chance.int(65_536) : message.length);
    peer.write(chance.chance(0.1) ? message : Buffer.concat([length, message]));
    if (chance.chance(0.3)) await new Promise(setImmediate);
  }
  return peer;
}

function packet(chance: Dice, names: readonly string[]): Buffer {
  if (chance.chance(0.1)) return chance.bytes(chance.int(600));
  const below = chance.chance(0.2) ? `${chance.bytes(chance.int(64)).toString('latin1')}.` : '';
  const type = chance.pick([...Object.values(Packet.TYPE), 52, 65_280]);
  const packet = Packet.parse(question(below + called(chance.pick(names)), type, chance.int(0xbeef)));
  if (chance.chance(0.3))
    packet.additionals.push((Packet.Resource as any).EDNS([], { udpPayloadSize: chance.int(65_536), doFlag: chance.chance(0.5) }));
  if (chance.chance(0.1)) packet.questions.push(packet.questions[0]!);
  if (chance.chance(0.1)) packet.answers.push(new Packet.Resource({ name: 'a.test', type: 16, class: 1, ttl: 1, data: 'x' } as never));
  const message = packet.toBuffer();
  // A name that points at itself (RFC 1035 §4.1.4).
  if (chance.chance(0.05)) return Buffer.concat([message.subarray(0, 12), Buffer.from([0xc0, 12, 0, 16, 0, 1])]);
  return chance.chance(0.4) ? message : mutate(message, chance);
}

function question(name: string, type: number, id: number): Buffer {
  const packet = new Packet();
  packet.header = new Packet.Header({ id, rd: 1 } as never);
  packet.questions.push(new Packet.Question(name, type as never, Packet.CLASS.IN));
  return packet.toBuffer();
}

// ---- connections ----

/** Resolves to what it wrote to: the connection, or TLS on it. */
type Attempt = (peer: net.Socket, chance: Dice) => Promise<net.Socket>;

async function sendConnections({ mx, web }: Target, seed: number, howMany: number, problems: string[]): Promise<void> {
  const hello = await clientHello();
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < howMany; index = next++) {
      const chance = dice(seed, index);
      const isMail = chance.chance(0.5);
      const attempt = chance.pick(isMail ? MAIL_ATTEMPTS : WEB_ATTEMPTS);
      const what = `${isMail ? 'SMTP' : 'HTTPS'} connection ${index} of seed ${seed}`;
      await oneConnection(chance.pick(isMail ? mx : web), chance, (peer) => attempt(hello)(peer, chance), what, problems);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS_AT_ONCE }, worker));
}

/** Connects, sends, ends in one way or another; a connection that is not over in time is a problem. */
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

const vanish: Attempt = async (peer) => peer;

const noise: Attempt = async (peer, chance) => {
  for (let times = chance.int(5); times >= 0; times--) peer.write(chance.bytes(chance.int(3000)));
  return peer;
};

const brokenHello =
  (hello: Buffer): Attempt =>
  async (peer, chance) => {
    peer.write(chance.chance(0.3) ? hello : mutate(hello, chance));
    if (chance.chance(0.5)) await heard(peer);
    if (chance.chance(0.3)) peer.write(mutate(Buffer.from([0x15, 0x03, 0x03, 0, 2, 2, chance.int(256)]), chance));
    if (chance.chance(0.3)) peer.write(chance.bytes(chance.int(200)));
    return peer;
  };

const inTls =
  (payload: (chance: Dice) => Buffer[]): Attempt =>
  async (peer, chance) => {
    const secured = tls.connect({
      socket: peer,
      rejectUnauthorized: false,
      servername: chance.pick(['', called(HONEST_MX), 'other.test']),
    });
    secured.on('error', () => {});
    const ready = new Promise<void>((resolve) => {
      secured.once('secureConnect', () => resolve());
      secured.once('close', () => resolve());
    });
    // A server that stalls the handshake is left to itself.
    await (chance.chance(0.9)
      ? Promise.race([ready, new Promise((resolve) => setTimeout(resolve, 200).unref())])
      : new Promise(setImmediate));
    return pieces(secured, payload(chance), chance);
  };

async function pieces(stream: net.Socket, parts: readonly Buffer[], chance: Dice): Promise<net.Socket> {
  stream.resume();
  for (const part of parts) {
    if (!stream.writable) break;
    stream.write(part);
    if (chance.chance(0.5)) await new Promise(setImmediate);
  }
  return stream;
}

function heard(peer: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    peer.once('data', () => resolve());
    peer.once('close', () => resolve());
    setTimeout(resolve, 200).unref();
  });
}

const DIALOGUE = [
  'EHLO fuzz.test',
  'HELO fuzz.test',
  'STARTTLS',
  'MAIL FROM:<a@fuzz.test> SIZE=1000',
  'RCPT TO:<b@victim.test>',
  'DATA',
  'Subject: fuzz\r\n\r\n..fuzz\r\n.',
  'RSET',
  'NOOP',
  'VRFY x',
  'AUTH PLAIN AGEAYg==',
  'BDAT 10 LAST',
  'QUIT',
  'XYZZY',
  '.',
  '',
].map((line) => Buffer.from(`${line}\r\n`));

function dialogue(chance: Dice): Buffer[] {
  const lines = chance.chance(0.5)
    ? DIALOGUE.slice(0, 1 + chance.int(DIALOGUE.length))
    : Array.from({ length: chance.int(30) }, () => chance.pick(DIALOGUE));
  return lines.map((line) => {
    if (chance.chance(0.02)) return Buffer.from(`${'x'.repeat(chance.int(60_000))}\r\n`);
    return chance.chance(0.3) ? mutate(line, chance) : line;
  });
}

const MAIL_ATTEMPTS: readonly ((hello: Buffer) => Attempt)[] = [
  () => vanish,
  () => noise,
  () => (peer, chance) => pieces(peer, dialogue(chance), chance),
  () => async (peer, chance) => {
    await heard(peer);
    return pieces(peer, dialogue(chance), chance);
  },
  (hello) => async (peer, chance) => {
    peer.write('EHLO fuzz.test\r\nSTARTTLS\r\n');
    await heard(peer);
    return brokenHello(hello)(peer, chance);
  },
  () => async (peer, chance) => {
    for (const line of ['', 'EHLO fuzz.test\r\n', 'STARTTLS\r\n']) {
      if (peer.writable) peer.write(line);
      await heard(peer);
    }
    return peer.writable ? inTls(dialogue)(peer, chance) : peer;
  },
];

const gzip = gzipSync('{"organization-name":"fuzz"}');
const REQUESTS = [
  `GET ${POLICY_PATH} HTTP/1.1\r\nHost: mta-sts.victim.test\r\n\r\n`,
  `GET ${POLICY_PATH} HTTP/1.0\r\n\r\n`,
  'HEAD / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n',
  'POST /tlsrpt HTTP/1.1\r\nHost: x\r\nContent-Type: application/tlsrpt+json\r\nContent-Length: 9\r\n\r\n{"a":[1]}',
  'POST /tlsrpt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n3\r\n[]}\r\n0\r\n\r\n',
  `POST /tlsrpt HTTP/1.1\r\nHost: x\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Length: ${gzip.length}\r\n\r\n${gzip.toString('latin1')}`,
  'POST /tlsrpt HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  'CONNECT x:25 HTTP/1.1\r\nHost: x\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n',
].map((text) => Buffer.from(text, 'latin1'));

function requests(chance: Dice): Buffer[] {
  return Array.from({ length: 1 + chance.int(3) }, () =>
    chance.chance(0.6) ? mutate(chance.pick(REQUESTS), chance) : chance.pick(REQUESTS),
  );
}

const WEB_ATTEMPTS: readonly ((hello: Buffer) => Attempt)[] = [
  () => vanish,
  () => noise,
  brokenHello,
  () => inTls(requests),
  () => inTls(requests),
];

/** The first flight of a TLS client. */
async function clientHello(): Promise<Buffer> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = tls.connect({ port: (server.address() as net.AddressInfo).port, host: '127.0.0.1', servername: called(HONEST_MX) });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

// ---- what must hold afterwards ----

/** Throws when an honest client is not served. */
async function askHonestly(lab: Lab, { dns, mx, web }: Target): Promise<void> {
  must((await resolverOf(lab).resolveTxt(called('_mta-sts.victim.test')))[0]?.[0], 'v=STSv1; id=1;');
  must((await resolverOf(lab).resolveTxt(called('long.victim.test')))[0]?.join(''), 'x'.repeat(3000));
  must(dns.address, '127.0.0.1');
  const { trust } = lab.access;
  const clear = await dial(mx[0]!);
  await clear.reply();
  await clear.say('EHLO honest.test');
  await clear.say('STARTTLS');
  const peer = await clear.secure({ ca: trust.mxHosts, servername: called(HONEST_MX) });
  for (const line of ['EHLO honest.test', 'MAIL FROM:<a@honest.test>', 'RCPT TO:<b@victim.test>', 'DATA']) await peer.say(line);
  must((await peer.say('Subject: honest\r\n\r\nhonest\r\n.')).slice(0, 3), '250');
  await peer.say('QUIT');
  peer.socket.destroy();
  must(await fetchFrom(web[0]!, HONEST_POLICY_HOST, trust.policyHosts, 'GET', POLICY_PATH), `200 ${called(POLICY)}`);
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
  const request = https.request({ host: address, port, servername: called(host), ca, method, path, agent: false });
  request.end(body);
  const [response] = await once(request, 'response');
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(response, 'end');
  return `${response.statusCode} ${Buffer.concat(chunks)}`;
}

function must(actual: string | undefined, expected: string): void {
  if (actual !== expected) throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
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
