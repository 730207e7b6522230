/**
 * The honest exchanger behind every path, on smtp-server: the only thing that may say "arrived".
 *
 * It speaks clear text on loopback, to the path alone; what the sender's own channel was is told by
 * the path (`sessionOf`).
 */

import net from 'node:net';
import { SMTPServer } from 'smtp-server';
import { tokensIn } from '../model/message.ts';
import { listening } from './fabric.ts';

/** What the path knows of the connection it dialled from this local port. */
export type SessionOf = (localPort: number) => OnMail | undefined;

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

export interface HonestMx extends AsyncDisposable {
  /** A connection to the exchanger, its greeting still to be read. */
  dial(): net.Socket;
}

/** smtp-server waits 100 ms before it greets; connections dialled ahead have that behind them. */
const SPARE_CONNECTIONS = 32;
const IDLE_MS = 10 * 60_000;

const LARGEST_MESSAGE_BYTES = 10 * 1024 * 1024;

export async function startHonestMx(sessionOf: SessionOf): Promise<HonestMx> {
  const server = new SMTPServer({
    name: 'mx.test',
    banner: 'honest exchanger',
    // TLS ends at the path, which also announces it.
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    disableReverseLookup: true,
    size: LARGEST_MESSAGE_BYTES,
    closeTimeout: 100,
    socketTimeout: IDLE_MS,
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
        const told = sessionOf(session.remotePort)?.(mail, content);
        if (told) told.then(() => done(), done);
        else done();
      });
    },
  });
  // A sender may hang up in any state; that is its business.
  server.on('error', () => {});
  await listening(server.server);
  const { port } = server.server.address() as net.AddressInfo;
  const connect = () => ({
    socket: net.connect({ port, host: '127.0.0.1', noDelay: true }).on('error', () => {}),
    since: performance.now(),
  });
  const spares = Array.from({ length: SPARE_CONNECTIONS }, connect);
  return {
    dial() {
      spares.push(connect());
      for (;;) {
        const { socket, since } = spares.shift() ?? connect();
        if (!socket.destroyed && performance.now() - since < IDLE_MS / 2) return socket;
        socket.destroy();
      }
    },
    async [Symbol.asyncDispose]() {
      for (const { socket } of spares) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/**
 * What a DSN says (RFC 3464 §2.3): the first action and status, in lower case, and for which of our
 * recipients it says `failed`, if it names any.
 */
function dsnOf(text: string): Pick<ArrivedMail, 'dsnAction' | 'dsnStatus' | 'dsnFailed'> {
  const report = /^content-type:[ \t]*message\/delivery-status\b.*/ims.exec(text)?.[0];
  if (report === undefined) return {};
  const field = (name: string, part: string) =>
    new RegExp(`^${name}:[ \\t]*(?:rfc822;)?[ \\t]*([^\\s;]+)`, 'im')
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
