/**
 * Submission (RFC 6409): how a mail server under test is given its mail, by nodemailer over kept
 * connections.
 */

import nodemailer, { type Transporter } from 'nodemailer';
import type { LabNetwork, SubmissionServer } from '../model/sender.ts';

export interface Submitter extends Disposable, Pick<LabNetwork, 'submit' | 'greets'> {}

const CONNECTIONS = 8;
const GREETING_MS = 10_000;

/** Submits to any number of servers. */
export function createSubmitter(): Submitter {
  const transports = new Map<string, Transporter>();
  const transportTo = ({ host, port, starttls, user, password }: SubmissionServer): Transporter => {
    const key = JSON.stringify([host, port, starttls, user, password]);
    const known = transports.get(key);
    if (known) return known;
    const transport = nodemailer.createTransport({
      pool: true,
      maxConnections: CONNECTIONS,
      // Servers bound what they take in one session.
      maxMessages: 50,
      host,
      port,
      requireTLS: starttls,
      ignoreTLS: !starttls,
      // Who submits to the server under test has nothing to fear from it.
      tls: { rejectUnauthorized: false },
      name: 'lab.sender.test',
      ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
    });
    transports.set(key, transport);
    return transport;
  };
  return {
    async submit(server, { from, to, data }) {
      await transportTo(server).sendMail({ envelope: { from, to }, raw: data });
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
