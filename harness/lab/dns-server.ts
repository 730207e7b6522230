/**
 * The name server: authoritative for everything under the lab's names, on one UDP and TCP port, and
 * as untruthful as the plan wants. To the sender it stands where its resolver would (RFC 1035 §4;
 * RA is set, CNAMEs are chased), so that AD and SERVFAIL mean what they mean there.
 */

import net from 'node:net';
import dns2, { Packet } from 'dns2';
import { labelOf } from '../model/names.ts';
import type { DnsAnswer, DnsPlan, DnsRecord, DnsRule } from '../model/plan.ts';
import type { Endpoint } from '../model/sender.ts';
import { exists, lookUp, ruleFor } from '../model/zone.ts';

/** The zone data a query name belongs to. */
export interface Zone {
  plan(): DnsPlan;
  /** Which of the step's queries for this name and type this one is, from 1. */
  count(name: string, type: string): number;
  /** The address of a host of the plan, ready to be dialled; undefined when there is none. */
  addressOf(host: string): Promise<string | undefined>;
  /** The plan asks for an answer that cannot be given. */
  failed(detail: string): void;
  record(query: { name: string; type: string; transport: 'udp' | 'tcp'; answer: string }): void;
  answered(ms: number): void;
}

export interface NameServer extends AsyncDisposable {
  readonly endpoint: Endpoint;
}

const TLSA = 52;
const QUERY = 0;
/** RFC 1035 §4.2.1, §4.2.2. */
const LONGEST_UDP_BYTES = 512;
const LONGEST_MESSAGE_BYTES = 65_535;
const { TYPE, CLASS, RCODE } = Packet;

/** Listens at this address; port 0: one that is free. Throws when it cannot. */
export async function startNameServer(
  at: Endpoint,
  zoneOf: (label: string) => Zone | undefined,
): Promise<NameServer> {
  const sockets = new Set<net.Socket>();
  const handle = async (request: Packet, send: (answer: Packet) => unknown, client: unknown) => {
    const reply = await answer(request, client instanceof net.Socket ? 'tcp' : 'udp', zoneOf);
    try {
      if (reply) await send(reply);
    } catch {
      // The client has gone, or the lab is closing.
    }
  };
  const { udp, tcp, port } = await bindBoth(at, handle);
  tcp.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  return {
    endpoint: { address: at.address, port },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ]);
    },
  };
}

type Handle = (request: Packet, send: (answer: Packet) => unknown, client: unknown) => void;

/** UDP and TCP have to share a number; where the system chooses UDP's, TCP may find it taken. */
async function bindBoth(at: Endpoint, handle: Handle, tries = 20) {
  for (;;) {
    const udp = dns2.createUDPServer(handle as never);
    const tcp = dns2.createTCPServer(handle as never) as unknown as net.Server;
    for (const server of [udp, tcp]) server.on('requestError', () => {});
    await new Promise<void>((resolve, reject) => {
      udp.once('error', reject);
      udp.bind(at.port, at.address, () => resolve());
    });
    const { port } = udp.address();
    const bound = await new Promise<boolean>((resolve) => {
      tcp.once('error', () => resolve(false));
      tcp.listen({ host: at.address, port }, () => resolve(true));
    });
    for (const server of [udp, tcp]) server.on('error', () => {});
    if (bound) return { udp, tcp, port };
    await new Promise<void>((resolve) => udp.close(() => resolve()));
    if (at.port !== 0) throw new Error(`port ${port} of ${at.address} is taken for TCP`);
    if (--tries === 0) throw new Error(`no port of ${at.address} is free for both UDP and TCP`);
  }
}

async function answer(
  request: Packet,
  transport: 'udp' | 'tcp',
  zoneOf: (label: string) => Zone | undefined,
): Promise<Packet | undefined> {
  const asked = performance.now();
  // A response gets no response, or two servers could keep each other busy for ever.
  if (request.header.qr) return undefined;
  if (request.header.opcode !== QUERY)
    return Packet.createErrorResponseFromRequest(request, RCODE.NOTIMP);
  const [question, another] = request.questions;
  // RFC 9619 §4: a query has one question.
  if (!question || another || request.errors.length > 0)
    return Packet.createErrorResponseFromRequest(request, RCODE.FORMERR);
  const type = question.type === TLSA ? 'TLSA' : Packet.typeName(question.type);
  const zone = zoneOf(labelOf(question.name) ?? '');
  // Of a name that is not the lab's, nothing is looked up anywhere. To the sender this is its
  // resolver, and some append their own domain.
  if (!zone) return Packet.createErrorResponseFromRequest(request, RCODE.NXDOMAIN);

  const nth = zone.count(question.name, type);
  const rule = ruleFor(zone.plan(), question.name, type, nth);
  const reply = await replyTo(request, question.name, type, zone, rule, transport).catch(
    (error: unknown) => {
      zone.failed(
        `the answer to ${question.name} ${type}: ${error instanceof Error ? error.message : String(error)}`,
      );
      return finish(
        Packet.createErrorResponseFromRequest(request, RCODE.SERVFAIL),
        request,
        transport,
      );
    },
  );
  const said = reply === undefined ? 'dropped' : describe(reply);
  // Nobody waits for a late answer once the lab is closed.
  if (rule?.delayMs) await new Promise((resolve) => setTimeout(resolve, rule.delayMs).unref());
  zone.record({ name: question.name, type, transport, answer: said });
  zone.answered(performance.now() - asked - (rule?.delayMs ?? 0));
  return reply;
}

async function replyTo(
  request: Packet,
  name: string,
  type: string,
  zone: Zone,
  rule: DnsRule | undefined,
  transport: 'udp' | 'tcp',
): Promise<Packet | undefined> {
  const how: DnsAnswer = rule?.answer ?? 'honest';
  if (how === 'drop') return undefined;
  if (how === 'servfail' || how === 'refused')
    return finish(
      Packet.createErrorResponseFromRequest(
        request,
        how === 'servfail' ? RCODE.SERVFAIL : RCODE.REFUSED,
      ),
      request,
      transport,
      rule,
    );
  const reply = Packet.createResponseFromRequest(request);
  if (how === 'nxdomain') reply.header.rcode = RCODE.NXDOMAIN;
  if (how === 'truncate' && transport === 'udp') reply.header.tc = 1;
  else if (how === 'honest' || how === 'cname-only' || how === 'truncate') {
    const records = rule?.records ?? zone.plan().records;
    const { found, end } = lookUp(records, name, type, how === 'cname-only');
    for (const record of found) reply.answers.push(...(await encode(record, zone)));
    // RFC 6604 §3: the code is that of the last name of the chain.
    if (rule?.records === undefined && !exists(records, end)) reply.header.rcode = RCODE.NXDOMAIN;
  }
  return finish(reply, request, transport, rule);
}

/**
 * Header bits and OPT; what is too long for the transport goes out truncated. Throws for what no
 * message can hold.
 */
function finish(reply: Packet, request: Packet, transport: 'udp' | 'tcp', rule?: DnsRule): Packet {
  Object.assign(reply.header, { qr: 1, aa: 1, ra: 1, ad: rule?.ad ? 1 : 0 });
  // RFC 6891 §6.1.1: an OPT in the query wants one in the response.
  const edns = request.additionals.find((record) => record.type === TYPE.EDNS);
  if (edns && !reply.additionals.some((record) => record.type === TYPE.EDNS)) {
    reply.additionals.push((Packet.Resource as any).EDNS([], { udpPayloadSize: 1232 }));
  }
  const isEmpty = reply.header.rcode === RCODE.NOERROR && reply.answers.length === 0;
  if ((isEmpty && !reply.header.tc) || reply.header.rcode === RCODE.NXDOMAIN)
    reply.authorities.push(...negativeAuthority(request.questions[0]!.name));
  const { length } = reply.toBuffer();
  if (transport === 'tcp' && length > LONGEST_MESSAGE_BYTES)
    throw new RangeError(`${length} bytes are more than a DNS message can hold`);
  // RFC 6891 §6.2.3: less than 512 counts as 512.
  if (transport === 'udp' && length > Math.max(edns?.class ?? 0, LONGEST_UDP_BYTES)) {
    reply.header.tc = 1;
    reply.answers = [];
  }
  return reply;
}

/**
 * RFC 2308 §2, §3: that there is nothing is said with the SOA and the name server of the zone; here
 * so that no resolver keeps it. (c-ares goes by the SOA only for NXDOMAIN, and otherwise by the TTLs
 * of the records beside it.)
 */
function negativeAuthority(name: string): Packet['authorities'] {
  const zone = name.split('.').slice(-2).join('.');
  const server = `ns.${zone}`;
  const times = { serial: 1, refresh: 0, retry: 0, expiration: 0, minimum: 0 };
  const soa = { primary: server, admin: `admin.${zone}`, ...times };
  const base = { name: zone, ttl: 0, class: CLASS.IN };
  return [
    new Packet.Resource({ ...base, type: TYPE.SOA, ...soa } as any),
    new Packet.Resource({ ...base, type: TYPE.NS, ns: server } as any),
  ];
}

async function encode(record: DnsRecord, zone: Zone): Promise<Packet['answers']> {
  const base = { name: record.name.replace(/\.$/, ''), ttl: record.ttl ?? 0, class: CLASS.IN };
  const make = (type: number, rdata: object) => [
    new Packet.Resource({ ...base, type, ...rdata } as any),
  ];
  switch (record.type) {
    case 'A': {
      const address = net.isIPv4(record.host) ? record.host : await zone.addressOf(record.host);
      return address === undefined ? [] : make(TYPE.A, { address });
    }
    case 'MX':
      return make(TYPE.MX, {
        priority: record.preference,
        exchange: record.exchange.replace(/\.$/, ''),
      });
    case 'TXT':
      return make(TYPE.TXT, { data: [record.text].flat().flatMap(cut) });
    case 'CNAME':
      return make(TYPE.CNAME, { domain: record.target.replace(/\.$/, '') });
    case 'TLSA':
      return make(TLSA, {
        data: Buffer.concat([
          Buffer.from([record.usage, record.selector, record.matching]),
          Buffer.from(record.data, 'hex'),
        ]),
      });
  }
}

/** RFC 1035 §3.3: a character-string holds at most 255 octets. */
function cut(text: string): Buffer[] {
  const bytes = Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length || at === 0; at += 255)
    parts.push(bytes.subarray(at, at + 255));
  return parts;
}

function describe(reply: Packet): string {
  const names: Record<number, string> = {
    0: 'NOERROR',
    2: 'SERVFAIL',
    3: 'NXDOMAIN',
    5: 'REFUSED',
  };
  const code = names[reply.header.rcode] ?? `RCODE ${reply.header.rcode}`;
  if (reply.header.tc) return 'truncated';
  return reply.header.rcode === 0 ? `${code} ${reply.answers.length}` : code;
}
