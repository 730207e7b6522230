/**
 * DNS packets that no server sends: what a man beside the path would, who does not see the query,
 * and what takes a parser apart (RFC 1035 §4.1, RFC 5452 §9).
 */

import { Packet } from 'dns2';
import type { DnsPacket } from '../model/plan.ts';

const HEADER_BYTES = 12;
/** More than any client has room for in a datagram. */
const HUGE_BYTES = 60_000;

/** The reply as bytes, made wrong. */
export function oddPacket(reply: Packet, how: DnsPacket): Buffer {
  return SPOILT[how](reply);
}

const SPOILT: Readonly<Record<DnsPacket, (reply: Packet) => Buffer>> = {
  'wrong-id': changed(0, (byte) => byte ^ 0xff),
  query: changed(2, (byte) => byte & 0x7f),
  'wrong-question'(reply) {
    const [question] = reply.questions;
    return Object.assign(new Packet(), reply, {
      questions: [{ ...question!, name: `x${question!.name}` }],
    }).toBuffer();
  },
  'cut-short': (reply) => reply.toBuffer().subarray(0, -5),
  huge: (reply) => Buffer.concat([reply.toBuffer()], HUGE_BYTES),
  garbage: (reply) => Buffer.concat([reply.toBuffer().subarray(0, 2), Buffer.alloc(100, 0xff)]),
  'compression-loop'(reply) {
    const bare = Object.assign(new Packet(), reply, {
      answers: [],
      authorities: [],
      additionals: [],
    }).toBuffer();
    bare.writeUInt16BE(1, HEADER_BYTES / 2);
    // A name that is a pointer to itself (RFC 1035 §4.1.4), and the rest of a record.
    const record = Buffer.alloc(16);
    record.writeUInt16BE(0xc000 | bare.length, 0);
    record.writeUInt16BE(reply.questions[0]!.type, 2);
    record.writeUInt16BE(Packet.CLASS.IN, 4);
    return Buffer.concat([bare, record]);
  },
};

function changed(at: number, change: (byte: number) => number): (reply: Packet) => Buffer {
  return (reply) => {
    const bytes = reply.toBuffer();
    bytes[at] = change(bytes[at]!);
    return bytes;
  };
}
