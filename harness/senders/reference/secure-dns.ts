/**
 * Look-ups that tell whether the answer is secure (RFC 7672 §2.1): DNSSEC is asked for with DO, and
 * the AD bit of the resolver, which is trusted, is believed (RFC 4035 §3.2.3, §4.9.3).
 */

import { createSocket } from 'node:dgram';
import net from 'node:net';
import { Packet } from 'dns2';
import type { Endpoint } from '../../model/sender.ts';
import { DnsWriter } from '../../protocol/dns-writer.ts';
import type { Is } from './traits.ts';

export type SecureAnswer =
  | {
      readonly kind: 'records';
      readonly records: Packet['answers'];
      readonly secure: boolean;
      /** The end of the chain of aliases. */
      readonly target: string;
    }
  | { readonly kind: 'nodata' | 'nxdomain' }
  | { readonly kind: 'failure'; readonly why: string };

export interface SecureDns {
  ask(name: string, type: number): Promise<SecureAnswer>;
  /** Ends all look-ups under way; they fail. */
  cancel(): void;
}

export const TLSA = 52;

const TIMEOUT_MS = 1000;
const TRIES = 2;
const LONGEST_CNAME_CHAIN = 8;
const EDNS_BYTES = 1232;
const { TYPE, CLASS, RCODE } = Packet;

export function createSecureDns({ address, port }: Endpoint, is: Is): SecureDns {
  const cancelled = new AbortController();

  /** Its signal is given when the time is over, or all look-ups are cancelled. */
  async function answered(attempt: (signal: AbortSignal) => Promise<Buffer>): Promise<Buffer> {
    // Held by its timer: a signal of AbortSignal.any that nobody holds may be collected, and is
    // never given then.
    const over = new AbortController();
    const end = () => over.abort();
    const timer = setTimeout(end, TIMEOUT_MS);
    cancelled.signal.addEventListener('abort', end);
    try {
      cancelled.signal.throwIfAborted();
      return await attempt(over.signal);
    } finally {
      clearTimeout(timer);
      cancelled.signal.removeEventListener('abort', end);
    }
  }

  /** Rejects when there is no answer. */
  async function exchange(name: string, type: number): Promise<Packet> {
    const query = queryOf(name, type);
    // RFC 5452 §9.1: what does not repeat id and question is no answer, and is waited past.
    const isAnswer = (bytes: Buffer) =>
      is('believes-any-packet') ? bytes.length > 12 : isAnswerTo(bytes, query);
    for (let tries = TRIES; ; tries--) {
      try {
        const reply = parse(
          await answered((signal) => overUdp({ address, port }, query, isAnswer, signal)),
        );
        // RFC 2181 §9: what is truncated is no answer.
        const isCondoned =
          (type === TLSA && is('dane-takes-truncated-for-none')) ||
          (type === TYPE.MX && is('takes-truncated-mx-answers'));
        if (!reply.header.tc || isCondoned) return reply;
        return parse(await answered((signal) => overTcp({ address, port }, query, signal)));
      } catch (error) {
        if (tries === 1 || cancelled.signal.aborted) throw error;
      }
    }
  }

  async function askAtOnce(name: string, type: number): Promise<SecureAnswer> {
    let secure = true;
    let asked = name;
    for (let hops = 0; hops < LONGEST_CNAME_CHAIN; hops++) {
      const reply = await exchange(asked, type).catch((error: Error) => error);
      if (reply instanceof Error) return { kind: 'failure', why: reply.message };
      const { rcode } = reply.header;
      secure &&= (reply.header as { ad?: number }).ad === 1;
      if (rcode === RCODE.NXDOMAIN) return { kind: 'nxdomain' };
      if (rcode !== RCODE.NOERROR) return { kind: 'failure', why: `${asked}: RCODE ${rcode}` };
      const records = reply.answers.filter((record) => record.type === type);
      const alias = reply.answers.findLast((record) => record.type === TYPE.CNAME)?.domain;
      if (records.length > 0) return { kind: 'records', records, secure, target: alias ?? asked };
      // RFC 1034 §3.6.2: a server may give the CNAME alone; then the question is asked again.
      if (alias === undefined) return { kind: 'nodata' };
      asked = alias;
    }
    return { kind: 'failure', why: `${name}: the CNAME chain has no end` };
  }

  /** Aliases first, one at a time, and then what the last one leads to. */
  async function askAtEnd(name: string, type: number): Promise<SecureAnswer> {
    let secure = true;
    let end = name;
    for (let hops = 0; hops < LONGEST_CNAME_CHAIN; hops++) {
      const alias = await askAtOnce(end, TYPE.CNAME);
      if (alias.kind === 'failure') return alias;
      if (alias.kind !== 'records') break;
      secure &&= alias.secure;
      end = alias.records[0]!.domain!;
    }
    const answer = await askAtOnce(end, type);
    return answer.kind === 'records' ? { ...answer, secure: secure && answer.secure } : answer;
  }

  return {
    ask: (name, type) =>
      is('follows-aliases') && type !== TYPE.CNAME ? askAtEnd(name, type) : askAtOnce(name, type),
    cancel: () => cancelled.abort(new Error('cancelled')),
  };
}

function queryOf(name: string, type: number): Buffer {
  const query = new Packet();
  Object.assign(query.header, { id: Math.floor(Math.random() * 0x10000), rd: 1 });
  query.questions.push({ name, type, class: CLASS.IN } as never);
  query.additionals.push(
    (Packet.Resource as any).EDNS([], { udpPayloadSize: EDNS_BYTES, doFlag: true }),
  );
  return (query.toBuffer as (writer: DnsWriter) => Buffer).call(query, new DnsWriter());
}

/** Throws for what cannot be read whole. */
function parse(bytes: Buffer): Packet {
  const packet = Packet.parse(bytes);
  if (packet.errors.length > 0) throw packet.errors[0]!;
  return packet;
}

function isAnswerTo(bytes: Buffer, query: Buffer): boolean {
  const end = query.indexOf(0, 12) + 5;
  const question = (message: Buffer) => message.toString('latin1', 12, end).toLowerCase();
  return (
    bytes.length >= end &&
    bytes.readUInt16BE(0) === query.readUInt16BE(0) &&
    (bytes[2]! & 0x80) !== 0 &&
    question(bytes) === question(query)
  );
}

function overUdp(
  { address, port }: Endpoint,
  query: Buffer,
  isAnswer: (bytes: Buffer) => boolean,
  signal: AbortSignal,
): Promise<Buffer> {
  const socket = createSocket('udp4');
  return new Promise<Buffer>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('no answer')), { once: true });
    socket.once('error', reject);
    socket.on('message', (bytes) => {
      if (isAnswer(bytes)) resolve(bytes);
    });
    // Name server and sender are on one machine: this end need not be open to any other.
    socket.bind(0, address, () => socket.connect(port, address, () => socket.send(query)));
  }).finally(() => socket.close());
}

/** RFC 1035 §4.2.2: each message after its length. */
function overTcp({ address, port }: Endpoint, query: Buffer, signal: AbortSignal): Promise<Buffer> {
  const socket = net.connect({ host: address, port });
  return new Promise<Buffer>((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    signal.addEventListener('abort', () => reject(new Error('no answer')), { once: true });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('connection closed')));
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0))
        resolve(bytes.subarray(2, 2 + bytes.readUInt16BE(0)));
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.write(Buffer.concat([length, query]));
  }).finally(() => socket.destroy());
}
