/**
 * What `npm run fuzz` sends: valid packets and dialogues that were spoilt, and noise. The dice say
 * all of it.
 */

import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { gzipSync } from 'node:zlib';
import { Packet } from 'dns2';
import { POLICY_PATH } from '../../harness/model/plan.ts';
import { called, HONEST_MX } from './fuzz-world.ts';
import { type Dice, mutate } from './mutate.ts';

// ---- DNS ----

export function packet(chance: Dice, names: readonly string[]): Buffer {
  if (chance.chance(0.1)) return chance.bytes(chance.int(600));
  const below = chance.chance(0.2) ? `${chance.bytes(chance.int(64)).toString('latin1')}.` : '';
  const type = chance.pick([...Object.values(Packet.TYPE), 52, 65_280]);
  const packet = Packet.parse(
    question(below + called(chance.pick(names)), type, chance.int(0xbeef)),
  );
  if (chance.chance(0.3))
    packet.additionals.push(
      (Packet.Resource as any).EDNS([], {
        udpPayloadSize: chance.int(65_536),
        doFlag: chance.chance(0.5),
      }),
    );
  if (chance.chance(0.1)) packet.questions.push(packet.questions[0]!);
  if (chance.chance(0.1))
    packet.answers.push(
      new Packet.Resource({ name: 'a.test', type: 16, class: 1, ttl: 1, data: 'x' } as never),
    );
  const message = packet.toBuffer();
  // A name that points at itself (RFC 1035 §4.1.4).
  if (chance.chance(0.05))
    return Buffer.concat([message.subarray(0, 12), Buffer.from([0xc0, 12, 0, 16, 0, 1])]);
  return chance.chance(0.4) ? message : mutate(message, chance);
}

export function question(name: string, type: number, id: number): Buffer {
  const packet = new Packet();
  packet.header = new Packet.Header({ id, rd: 1 } as never);
  packet.questions.push(new Packet.Question(name, type as never, Packet.CLASS.IN));
  return packet.toBuffer();
}

// ---- connections ----

/** Resolves to what it wrote to: the connection, or TLS on it. */
export type Attempt = (peer: net.Socket, chance: Dice) => Promise<net.Socket>;

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
    if (chance.chance(0.3))
      peer.write(mutate(Buffer.from([0x15, 0x03, 0x03, 0, 2, 2, chance.int(256)]), chance));
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

async function pieces(
  stream: net.Socket,
  parts: readonly Buffer[],
  chance: Dice,
): Promise<net.Socket> {
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

export const MAIL_ATTEMPTS: readonly ((hello: Buffer) => Attempt)[] = [
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

export const WEB_ATTEMPTS: readonly ((hello: Buffer) => Attempt)[] = [
  () => vanish,
  () => noise,
  brokenHello,
  () => inTls(requests),
  () => inTls(requests),
];

/** The first flight of a TLS client. */
export async function clientHello(): Promise<Buffer> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = tls.connect({
    port: (server.address() as net.AddressInfo).port,
    host: '127.0.0.1',
    servername: called(HONEST_MX),
  });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}
