/**
 * The name server: authoritative for everything under the lab's names, on one UDP and TCP port, and
 * as untruthful as the plan wants. To the sender it stands where its resolver would (RFC 1035 §4;
 * RA is set, CNAMEs are chased), so that AD and SERVFAIL mean what they mean there.
 */

import net from 'node:net';
import dns2, { Packet } from 'dns2';
import type { DnsEvent } from '../model/observation.ts';
import type { DnsAnswer, DnsPlan, DnsRecord, DnsRule, TlsaRecord } from '../model/plan.ts';
import type { Endpoint } from '../model/sender.ts';
import { asTaken, lookUp, ruleFor, securityOf } from '../model/zone.ts';
import { formatTlsa } from '../protocol/dane.ts';
import { DnsWriter } from '../protocol/dns-writer.ts';
import { RR_TYPE } from '../protocol/dnssec.ts';
import { addDnssec, cutOf, isThere, negativeAuthority, zoneRecords } from './authority.ts';
import type { DnsKeys } from './dnssec.ts';
import type { Family } from './fabric.ts';
import { oddPacket } from './odd-packets.ts';

/** The zone data a query name belongs to. */
export interface Zone {
  plan(): DnsPlan;
  /** Which of the step's queries for this name and type this one is, from 1. */
  count(name: string, type: string): number;
  /** The address of a host of the plan, ready to be dialled; undefined when there is none. */
  addressOf(host: string, family: Family): Promise<string | undefined>;
  /** One of its hosts has this address. */
  isAt(address: string): boolean;
  /** What a TLSA record holds after its three numbers. Throws when it cannot be made. */
  associationData(record: TlsaRecord): Buffer;
  /** The plan asks for an answer that cannot be given. */
  failed(detail: string): void;
  record(query: Omit<DnsEvent, 'kind'>): void;
  answered(ms: number): void;
}

export interface NameServer extends AsyncDisposable {
  readonly endpoint: Endpoint;
}

const QUERY = 0;
/** RFC 1035 §4.2.1, §4.2.2. */
const LONGEST_UDP_BYTES = 512;
const LONGEST_MESSAGE_BYTES = 65_535;
const { TYPE, CLASS, RCODE } = Packet;
/** Those that dns2 has no name for. */
const TYPE_NAMES = new Map<number, string>(
  Object.entries(RR_TYPE).map(([name, number]) => [number, name]),
);

/** Listens at this address; port 0: one that is free. Throws when it cannot. */
export async function startNameServer(
  at: Endpoint,
  keys: DnsKeys,
  zoneOf: (name: string) => Zone | undefined,
): Promise<NameServer> {
  const sockets = new Set<net.Socket>();
  const handle: Handle = async (request, send, client) => {
    const overTcp = client instanceof net.Socket;
    const packets = await answer(request, overTcp ? 'tcp' : 'udp', keys, zoneOf);
    try {
      for (const packet of packets)
        if (overTcp) await send(packet);
        // As they are, however many: dns2 would cut them.
        else udp.send(packet, (client as Endpoint).port, (client as Endpoint).address);
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

type Handle = (request: Packet, send: (answer: Buffer) => unknown, client: unknown) => void;

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

/** A question, what is to be answered by, and how it came. */
interface Query {
  readonly request: Packet;
  readonly name: string;
  readonly type: string;
  readonly transport: 'udp' | 'tcp';
  readonly keys: DnsKeys;
  /** Undefined: the name is of no world. */
  readonly zone?: Zone;
  readonly plan: DnsPlan;
  readonly rule?: DnsRule;
  readonly edns?: Packet['additionals'][number];
}

const NOTHING: DnsPlan = { records: [], rules: [] };

/** The packets that go out, in this order. */
async function answer(
  request: Packet,
  transport: 'udp' | 'tcp',
  keys: DnsKeys,
  zoneOf: (name: string) => Zone | undefined,
): Promise<readonly Buffer[]> {
  const asked = performance.now();
  // A response gets no response, or two servers could keep each other busy for ever.
  if (request.header.qr) return [];
  if (request.header.opcode !== QUERY)
    return [bytesOf(Packet.createErrorResponseFromRequest(request, RCODE.NOTIMP))];
  const [question, another] = request.questions;
  // RFC 9619 §4: a query has one question.
  if (!question || another || request.errors.length > 0)
    return [bytesOf(Packet.createErrorResponseFromRequest(request, RCODE.FORMERR))];
  const { name } = question;
  const type = TYPE_NAMES.get(question.type) ?? Packet.typeName(question.type);
  const edns = request.additionals.find((record) => record.type === TYPE.EDNS);
  // Of a name that is not the lab's, nothing is looked up anywhere. To the sender this is its
  // resolver, and some append their own domain.
  const zone = zoneOf(name);
  const plan = zone?.plan() ?? NOTHING;
  const rule = zone && ruleFor(plan, name, type, zone.count(name, type));
  const query = { request, name, type, transport, keys, edns, zone, plan };
  const replyBy = (by: DnsRule | undefined) =>
    replyTo({ ...query, rule: by }).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      zone?.failed(`the answer to ${name} ${type}: ${why}`);
      return Packet.createErrorResponseFromRequest(request, RCODE.SERVFAIL);
    });
  const reply = await replyBy(asTaken(rule));
  // What comes before the answer is a stranger's, who can put nothing into a TCP connection.
  const isSpoilt = rule?.packet && !(rule.followed && transport === 'tcp');
  const spoilt = isSpoilt && (await replyBy(rule));
  const security = securityOf(plan, name, type, rule);
  const ad = wantsDnssec(query) ? security === 'secure' : undefined;
  if (reply && (rule?.dnssec === 'claimed' || (ad && isOfResolver(request))))
    Object.assign(reply.header, { ad: 1 });
  const said = [
    spoilt && rule.packet,
    reply && describe(reply) + (security === 'bogus' && isAnswer(reply) ? ', bogus' : ''),
  ];
  // Nobody waits for a late answer once the lab is closed.
  if (rule?.delayMs) await new Promise((resolve) => setTimeout(resolve, rule.delayMs).unref());
  zone?.record({
    name,
    type,
    transport,
    answer: said.filter(Boolean).join(', then ') || 'dropped',
    ...(reply && ad !== undefined && { ad }),
    ...(reply && chainOf(reply)),
  });
  zone?.answered(performance.now() - asked - (rule?.delayMs ?? 0));
  try {
    return [
      ...(spoilt ? [oddPacket(spoilt, rule.packet)] : []),
      ...(reply ? [bytesOf(reply)] : []),
    ];
  } catch (error) {
    zone?.failed(`the packet for ${name} ${type}: ${(error as Error).message}`);
    return [];
  }
}

function isAnswer({ header: { rcode } }: Packet): boolean {
  return rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN;
}

async function replyTo(query: Query): Promise<Packet | undefined> {
  const { request, name, type, transport, zone, plan, rule, keys } = query;
  const how: DnsAnswer = rule?.answer ?? 'honest';
  if (how === 'drop') return undefined;
  if (how === 'servfail') return replyWith(RCODE.SERVFAIL, query);
  if (how === 'refused') return replyWith(RCODE.REFUSED, query);
  if (isOfResolver(request) && securityOf(plan, name, type, rule) === 'bogus')
    return replyWith(RCODE.SERVFAIL, query);
  const reply = Packet.createResponseFromRequest(request);
  if (how === 'nxdomain') reply.header.rcode = RCODE.NXDOMAIN;
  if (how === 'truncate' && transport === 'udp') reply.header.tc = 1;
  else if (how === 'honest' || how === 'cname-only' || how === 'truncate') {
    const records = rule?.records ?? plan.records;
    const { found, end } = lookUp(records, name, type, how === 'cname-only');
    for (const record of found) reply.answers.push(...(await encode(record, zone!)));
    if (rule?.records === undefined) {
      reply.answers.push(...zoneRecords(plan, name, type, keys, rule?.dnssec));
      // RFC 6604 §3: the code is that of the last name of the chain.
      if (!isThere(plan, end, type)) reply.header.rcode = RCODE.NXDOMAIN;
    }
  }
  const finished = await finish(reply, query);
  // RFC 1034 §4.3.1: neither an answer nor the end of the search, but a name server, and no SOA.
  if (how === 'referral') {
    finished.header.aa = 0;
    finished.authorities = finished.authorities.filter((record) => record.type === TYPE.NS);
  }
  return finished;
}

/**
 * Who wants recursion takes this for a resolver, and a resolver that validates keeps bogus data to
 * itself, unless CD is set (RFC 4035 §3.2.2); a resolver itself asks without RD.
 */
function isOfResolver({ header }: Packet): boolean {
  return header.rd === 1 && (header as { cd?: number }).cd !== 1;
}

function replyWith(rcode: number, query: Query): Promise<Packet> {
  const reply = Packet.createResponseFromRequest(query.request);
  reply.header.rcode = rcode;
  return finish(reply, query);
}

/**
 * Header bits, OPT and what DNSSEC adds; what is too long for the transport goes out truncated.
 * Throws for what no message can hold.
 */
async function finish(reply: Packet, query: Query): Promise<Packet> {
  const { name, type, plan, zone, rule, edns, transport } = query;
  Object.assign(reply.header, { qr: 1, aa: 1, ra: 1, ad: 0 });
  // RFC 6891 §6.1.1: an OPT in the query wants one in the response, RFC 3225 §3: with its DO.
  if (edns && !reply.additionals.some((record) => record.type === TYPE.EDNS)) {
    const { EDNS } = Packet.Resource as any;
    const options = rule?.ede ? [EDNS.EDE(rule.ede.code, rule.ede.text)] : [];
    reply.additionals.push(EDNS(options, { udpPayloadSize: 1232, doFlag: edns.doFlag }));
  }
  const isEmpty = reply.header.rcode === RCODE.NOERROR && reply.answers.length === 0;
  if ((isEmpty && !reply.header.tc) || reply.header.rcode === RCODE.NXDOMAIN)
    reply.authorities.push(...negativeAuthority(cutOf(plan, name, type), name));
  const hasContent = reply.answers.length > 0 || reply.authorities.length > 0;
  const { extra = [], additional = [] } = rule ?? {};
  if (edns?.doFlag && hasContent) await addDnssec(reply, { ...query, fault: faultOf(rule) });
  if (isAnswer(reply)) {
    for (const record of extra) reply.answers.push(...(await encode(record, zone!)));
    for (const record of additional) reply.additionals.push(...(await encode(record, zone!)));
  }
  const { length } = bytesOf(reply);
  if (transport === 'tcp' && length > LONGEST_MESSAGE_BYTES)
    throw new RangeError(`${length} bytes are more than a DNS message can hold`);
  // RFC 6891 §6.2.3: less than 512 counts as 512.
  const room = Math.max(edns?.class ?? 0, LONGEST_UDP_BYTES);
  if (transport === 'udp' && length > room) {
    reply.header.tc = 1;
    reply.answers = [];
    reply.authorities = [];
    if (bytesOf(reply).length > room) reply.additionals = [];
  }
  return reply;
}

function bytesOf(reply: Packet): Buffer {
  return (reply.toBuffer as (writer: DnsWriter) => Buffer).call(reply, new DnsWriter());
}

/** What is forged has no signature, unless it is said to have one. */
function faultOf({ answer = 'honest', records, ad, dnssec }: DnsRule = {} as DnsRule) {
  if (dnssec === 'proven' || (dnssec === undefined && ad === true)) return undefined;
  if (dnssec !== undefined) return dnssec;
  const isForged = records !== undefined || answer === 'nxdomain' || answer === 'nodata';
  return isForged ? 'unsigned' : undefined;
}

async function encode(record: DnsRecord, zone: Zone): Promise<Packet['answers']> {
  const base = { name: record.name.replace(/\.$/, ''), ttl: record.ttl ?? 0, class: CLASS.IN };
  const make = (type: number, rdata: object) => [
    new Packet.Resource({ ...base, type, ...rdata } as any),
  ];
  switch (record.type) {
    case 'A': {
      const address = net.isIPv4(record.host) ? record.host : await zone.addressOf(record.host, 4);
      return address === undefined ? [] : make(TYPE.A, { address });
    }
    case 'AAAA': {
      const address = net.isIPv6(record.host) ? record.host : await zone.addressOf(record.host, 6);
      return address === undefined ? [] : make(TYPE.AAAA, { address });
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
      return make(RR_TYPE.TLSA, {
        data: Buffer.concat([
          Buffer.from([record.usage, record.selector, record.matching]),
          zone.associationData(record),
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

/** RFC 6840 §5.7: who wants to know of DNSSEC sets DO (RFC 4035 §3.1), or AD. */
function wantsDnssec({ request: { header }, edns }: Query): boolean {
  return (header as { ad?: number }).ad === 1 || edns?.doFlag === true;
}

/** What of an answer is not told by its code: where aliases lead to, and TLSA records. */
function chainOf({ answers }: Packet): Pick<DnsEvent, 'target' | 'tlsa'> {
  const target = answers.findLast(({ type }) => type === TYPE.CNAME)?.domain;
  const tlsa = answers.flatMap(({ type, data }) => {
    if (type !== RR_TYPE.TLSA || !Buffer.isBuffer(data)) return [];
    const [usage = 0, selector = 0, matching = 0] = data;
    return formatTlsa({ usage, selector, matching, data: data.toString('hex', 3) });
  });
  return { ...(target && { target }), ...(tlsa.length > 0 && { tlsa }) };
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
  const records = reply.answers.filter(({ type }) => type !== RR_TYPE.RRSIG);
  return reply.header.rcode === 0 ? `${code} ${records.length}` : code;
}
