/**
 * A server's first flight that OpenSSL would never send, and what the client says to it: whether it
 * goes on with the handshake, or breaks it off.
 */

import type net from 'node:net';
import type { IssuedCertificate } from '../../certs/index.ts';
import type { TlsEvent } from '../model/observation.ts';
import { ALERTS, type TlsPlan } from '../model/plan.ts';
import { type Hello, isRecord, recordLength } from './client-hello.ts';
import { nextChunk } from './next-chunk.ts';
import { cutRecords } from './records.ts';
import { helloRetry, serverFlight } from './server-flight.ts';

interface Answer extends Pick<TlsEvent, 'reason' | 'wentOn'> {
  /** The client goes on in clear: its first bytes. */
  readonly clear?: Buffer;
}

const CHANGE_CIPHER_SPEC = 20;
const ALERT = 21;
const LARGEST_RECORD_BYTES = 16_384;
/** Whoever goes on, or breaks off, does it at once. */
const ANSWER_MS = 10_000;

/** What the client says last stays to be read, unless it is in clear. */
export async function answerByHand(
  socket: net.Socket,
  hello: Extract<Hello, { kind: 'whole' }>,
  shown: IssuedCertificate,
  { flight = {}, recordBytes = LARGEST_RECORD_BYTES }: TlsPlan,
): Promise<Answer> {
  const { helloRetries = 0, upTo = 'done' } = flight;
  const retry = helloRetry(hello);
  if (helloRetries > 0 && retry === undefined)
    return { reason: 'nothing in the ClientHello can be asked for in a HelloRetryRequest' };
  const flights = retry && helloRetries > 0 ? Array<Buffer>(helloRetries).fill(retry) : [];
  let last: { answer: Answer; bytes: Buffer } | undefined;
  for (const bytes of flights.length > 0 ? flights : [serverFlight(flight, hello, shown)]) {
    socket.write(cutRecords(bytes, recordBytes));
    if (upTo !== 'done') return { reason: `the lab sent its flight up to ${upTo}` };
    last = await nextAnswer(socket);
    if (!last.answer.wentOn) break;
  }
  if (last && !last.answer.clear && !socket.destroyed) socket.unshift(last.bytes);
  return last?.answer ?? {};
}

async function nextAnswer(socket: net.Socket): Promise<{ answer: Answer; bytes: Buffer }> {
  let isSilent = false;
  const timer = setTimeout(() => {
    isSilent = true;
    socket.destroy();
  }, ANSWER_MS);
  try {
    for (let bytes: Buffer = Buffer.alloc(0); ; ) {
      const chunk = await nextChunk(socket);
      if (isSilent) return { answer: { reason: 'the client said nothing' }, bytes };
      if (chunk === undefined) return { answer: { wentOn: false, reason: 'closed' }, bytes };
      bytes = Buffer.concat([bytes, chunk]);
      if (!isRecord(bytes))
        return { answer: { wentOn: false, reason: 'clear text', clear: bytes }, bytes };
      const record = firstRecord(bytes);
      if (record) return { answer: answerIn(record), bytes };
    }
  } finally {
    clearTimeout(timer);
  }
}

function answerIn(record: Buffer): Answer {
  if (record[0] === ALERT) return { wentOn: false, reason: nameOfAlert(record.at(-1)!) };
  return { wentOn: true, reason: 'the client went on' };
}

/** RFC 8446 appendix D.4: a change_cipher_spec says nothing. */
function firstRecord(bytes: Buffer): Buffer | undefined {
  const length = recordLength(bytes);
  if (length === undefined || bytes.length < length) return undefined;
  return bytes[0] === CHANGE_CIPHER_SPEC
    ? firstRecord(bytes.subarray(length))
    : bytes.subarray(0, length);
}

function nameOfAlert(code: number): string {
  const name = Object.entries(ALERTS).find(([, one]) => one === code)?.[0];
  return `alert:${name ?? code}`;
}
