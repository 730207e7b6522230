/**
 * The honest exchanger behind every path, on smtp-server: the only thing that may say "arrived".
 *
 * It speaks clear text, to the path alone, which is in the same process: so it is handed streams, and
 * listens on no port. What the sender's own channel was, the path knows.
 */

import type net from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { SMTPServer } from 'smtp-server';
import { tokensIn } from '../model/message.ts';

/** `content`: of the message, as it came. The sender is answered once it is settled. */
export type OnMail = (mail: ArrivedMail, content: Buffer) => void | Promise<void>;

export interface ArrivedMail {
  readonly mailFrom: string;
  readonly rcptTo: readonly string[];
  readonly tokens: readonly string[];
  readonly subject: string;
  readonly dsnAction?: string;
  readonly dsnStatus?: string;
  readonly dsnFailed?: readonly string[];
}

export interface HonestMx extends Disposable {
  /** A connection to the exchanger, its greeting still to be read. Mail on it is told of. */
  dial(onMail: OnMail): Duplex;
}

interface Connection {
  readonly stream: Duplex;
  onMail?: OnMail;
}

/** smtp-server waits 100 ms before it greets; connections dialled ahead have that behind them. */
const SPARE_CONNECTIONS = 32;

const LARGEST_MESSAGE_BYTES = 10 * 1024 * 1024;

export function startHonestMx(): HonestMx {
  /** By the session's id. */
  const open = new Map<string, Connection>();
  const server = new SMTPServer({
    name: 'mx.test',
    banner: 'honest exchanger',
    // TLS ends at the path, which also announces it.
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    disableReverseLookup: true,
    size: LARGEST_MESSAGE_BYTES,
    logger: false,
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => {
        if (!stream.sizeExceeded) chunks.push(chunk);
      });
      stream.on('error', done);
      stream.on('end', () => {
        // RFC 1870 §6.2
        if (stream.sizeExceeded)
          return done(Object.assign(new Error('5.3.4 message too big'), { responseCode: 552 }));
        const content = Buffer.concat(chunks);
        const text = content.toString('latin1');
        const { mailFrom, rcptTo } = session.envelope;
        const mail: ArrivedMail = {
          mailFrom: mailFrom ? mailFrom.address : '',
          rcptTo: rcptTo.map((recipient) => recipient.address),
          tokens: tokensIn(text),
          subject: /^subject:[ \t]*([^\r\n]*)/im.exec(text)?.[1] ?? '',
          ...dsnOf(text),
        };
        const told = open.get(session.id)?.onMail?.(mail, content);
        if (told) told.then(() => done(), done);
        else done();
      });
    },
  });
  // A sender may hang up in any state; that is its business.
  server.on('error', () => {});
  let count = 0;
  const connect = () => {
    const id = `path${++count}`;
    const [stream, far] = duplexPair();
    const connection: Connection = { stream };
    open.set(id, connection);
    stream.once('close', () => {
      open.delete(id);
      far.destroy();
    });
    server.connect(asSocket(far), { id, remoteAddress: '127.0.0.1', localAddress: '127.0.0.1' });
    return connection;
  };
  const spares = Array.from({ length: SPARE_CONNECTIONS }, connect);
  return {
    dial(onMail) {
      spares.push(connect());
      const connection = spares.shift()!;
      connection.onMail = onMail;
      return connection.stream;
    },
    [Symbol.dispose]() {
      for (const { stream } of open.values()) stream.destroy();
    },
  };
}

/** What smtp-server asks of a socket beyond a stream. Idle is as long as the path lets it be. */
function asSocket(stream: Duplex): net.Socket {
  return Object.assign(stream, { readyState: 'open', setTimeout: () => stream }) as never;
}

/**
 * What a DSN says (RFC 3464 §2.3): the first action and status, in lower case, and for which of our
 * recipients it says `failed`, if it names any.
 */
function dsnOf(text: string): Pick<ArrivedMail, 'dsnAction' | 'dsnStatus' | 'dsnFailed'> {
  const report = /^content-type:[ \t]*message\/delivery-status\b.*/ims.exec(text)?.[0];
  if (report === undefined) return {};
  const field = (name: string, part: string) =>
    new RegExp(`^${name}:[ \\t]*(?:rfc822;[ \\t]*)?([^\\s;]+)`, 'im')
      .exec(part)?.[1]
      ?.toLowerCase();
  const groups = report
    .split(/\r?\n\r?\n/)
    .map((part) => ({
      action: field('action', part),
      tokens: tokensIn(`${field('final-recipient', part)} ${field('original-recipient', part)}`),
    }))
    .filter(({ tokens }) => tokens.length > 0);
  const dsnAction = field('action', report);
  const dsnStatus = field('status', report);
  const failed = groups.filter(({ action }) => action === 'failed');
  return {
    ...(dsnAction && { dsnAction }),
    ...(dsnStatus && { dsnStatus }),
    ...(groups.length > 0 && { dsnFailed: [...new Set(failed.flatMap(({ tokens }) => tokens))] }),
  };
}
