/**
 * Submission (RFC 6409): how a mail server under test is given its mail, by nodemailer over kept
 * connections.
 */

import nodemailer, { type Transporter } from 'nodemailer';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { recipientsOf } from '../model/message.ts';
import {
  type LabNetwork,
  type OutgoingMessage,
  type SubmissionServer,
  UncarriedError,
} from '../model/sender.ts';

export interface Submitter extends Disposable, Pick<LabNetwork, 'submit' | 'greets'> {}

const CONNECTIONS = 8;
const GREETING_MS = 10_000;

/** Submits to any number of servers. */
export function createSubmitter(): Submitter {
  const transports = new Map<string, Transporter>();
  /** Messages by recipient domain, counted from a number of the domain's own on. */
  const counts = new Map<string, number>();
  const offers = new Map<string, Promise<readonly string[]>>();
  /** Keywords in its last EHLO reply, that inside TLS where STARTTLS is asked for. */
  const offersOf = (server: SubmissionServer): Promise<readonly string[]> => {
    const key = JSON.stringify(server);
    const known = offers.get(key) ?? askForOffers(server);
    offers.set(key, known);
    // A server that was not there may be there for the next message.
    known.catch(() => offers.delete(key));
    return known;
  };
  /**
   * Messages for one domain go over the connections in turn. What a server keeps for a session, say the
   * aliases that it has found, would else be there for one message and not for the next, by chance.
   */
  const connectionFor = ({ to }: OutgoingMessage): number => {
    const domain = to.slice(to.lastIndexOf('@'));
    const count = counts.get(domain) ?? [...domain].reduce((sum, c) => sum + c.charCodeAt(0), 0);
    counts.set(domain, count + 1);
    return count % CONNECTIONS;
  };
  const transportTo = (server: SubmissionServer, connection: number): Transporter => {
    const { user, password } = server;
    const key = `${connection} ${JSON.stringify(server)}`;
    const known = transports.get(key);
    if (known) return known;
    const transport = nodemailer.createTransport({
      pool: true,
      maxConnections: 1,
      // Servers bound what they take in one session.
      maxMessages: 50,
      ...connectionTo(server),
      ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
    });
    transports.set(key, transport);
    return transport;
  };
  return {
    async submit(server, message) {
      const { from, data, body, requiretls } = message;
      const needed = neededBy(message);
      const offered = needed.length > 0 ? await offersOf(server) : [];
      const lacking = needed.filter((keyword) => !offered.includes(keyword));
      if (lacking.length > 0)
        throw new UncarriedError(`it does not offer ${lacking.join(', ')} at submission`);
      const envelope = {
        from,
        to: recipientsOf(message).map(({ to }) => to),
        ...(body && { use8BitMime: true }),
      };
      const { rejected = [] } = await transportTo(server, connectionFor(message)).sendMail({
        envelope,
        raw: data,
        ...(requiretls && { requireTLSExtensionEnabled: true }),
      });
      // Of several recipients some may be taken, and then nodemailer is content.
      if (rejected.length > 0) throw new Error(`it refused ${rejected.join(', ')}`);
    },
    async greets({ host, port }) {
      const probe = nodemailer.createTransport({
        host,
        port,
        ignoreTLS: true,
        connectionTimeout: GREETING_MS,
        greetingTimeout: GREETING_MS,
      });
      return probe.verify().catch(() => false);
    },
    [Symbol.dispose]() {
      for (const transport of transports.values()) transport.close();
    },
  };
}

function connectionTo({ host, port, starttls }: SubmissionServer) {
  return {
    host,
    port,
    requireTLS: starttls,
    ignoreTLS: !starttls,
    // Who submits to the server under test has nothing to fear from it.
    tls: { rejectUnauthorized: false },
    name: 'lab.sender.test',
  };
}

/** Extensions without which a server must not be given the message. */
function neededBy({ body, smtputf8, requiretls }: OutgoingMessage): string[] {
  return [body && '8BITMIME', smtputf8 && 'SMTPUTF8', requiretls && 'REQUIRETLS'].filter(
    (keyword) => typeof keyword === 'string',
  );
}

async function askForOffers(server: SubmissionServer): Promise<readonly string[]> {
  const connection = new SMTPConnection({
    ...connectionTo(server),
    connectionTimeout: GREETING_MS,
    greetingTimeout: GREETING_MS,
  });
  await new Promise<void>((resolve, reject) => {
    connection.on('error', reject);
    connection.connect((error) => (error ? reject(error) : resolve()));
  });
  const reply = String(connection.lastServerResponse);
  connection.quit();
  return reply.split('\n').flatMap((line) => /^250[ -](\S+)/.exec(line)?.[1]?.toUpperCase() ?? []);
}
