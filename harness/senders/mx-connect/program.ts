/**
 * mx-connect with nodemailer's SMTP client, as its README shows them together, and a mail queue in
 * memory. Runs in a child process of node-sender.ts; both libraries are as published, and
 * everything about MTA-STS is decided by them.
 *
 * mx-connect resolves the policy and the MX hosts and opens a TCP connection; the SMTP dialogue is
 * the caller's. What the policy demands of it the caller reads from `connection.policyMatch`, as
 * ZoneMTA, of the same authors, does.
 */

import mxConnect, { type CachedPolicy, type MxConnection } from 'mx-connect';
import SMTPConnection from 'nodemailer/lib/smtp-connection';

import type { MessageStatus, OutgoingMessage } from '../../model/sender.ts';
import type { FromChild, ToChild } from '../node/protocol.ts';

const PATIENCE_MS = 5_000;

run();

function run(): void {
  const policies = new Map<string, CachedPolicy>();
  /** Deferred messages by token. */
  const queue = new Map<string, OutgoingMessage>();

  const attempt = async (message: OutgoingMessage) => {
    queue.delete(message.token);
    const status = await deliver(message, policies);
    if (status.status === 'deferred') queue.set(message.token, message);
    tell({ kind: 'status', ...status });
  };

  process.on('message', (request: ToChild) => {
    if (request.kind === 'lab' || request.kind === 'route') return;
    tell({ kind: 'done', id: request.id });
    if (request.kind === 'submit') void attempt(request.message);
    if (request.kind === 'advance') age(policies, request.domains, request.seconds);
    if (request.kind === 'flush') {
      for (const message of [...queue.values()]) {
        if (request.domains.includes(domainOf(message.to))) void attempt(message);
      }
    }
  });
  tell({ kind: 'ready' });
}

function tell(message: FromChild): void {
  process.send!(message);
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
}

/**
 * Time travel: the library goes by `expires`, so a policy that expires earlier is an older policy.
 */
function age(
  policies: Map<string, CachedPolicy>,
  domains: readonly string[],
  seconds: number,
): void {
  for (const [domain, policy] of policies) {
    if (!domains.includes(domain.toLowerCase()) || !policy.expires) continue;
    policies.set(domain, {
      ...policy,
      expires: new Date(Date.parse(policy.expires) - seconds * 1000).toISOString(),
    });
  }
}

async function deliver(
  message: OutgoingMessage,
  policies: Map<string, CachedPolicy>,
): Promise<MessageStatus> {
  const { token } = message;
  try {
    const smtp = await openSession(message, policies);
    const response = await sendOver(smtp, message).finally(() => smtp.quit());
    return { token, status: 'delivered', detail: response };
  } catch (error) {
    return {
      token,
      status: isPermanent(error as DeliveryError) ? 'bounced' : 'deferred',
      detail: (error as Error).message,
    };
  }
}

/**
 * An SMTP session with the first MX host with which one can be had; the library says which is next
 * and when there is none left.
 */
async function openSession(
  message: OutgoingMessage,
  policies: Map<string, CachedPolicy>,
): Promise<SMTPConnection> {
  const ignoreMXHosts: string[] = [];
  const withoutTls = new Set<string>();
  let mxLastError: Error | undefined;
  for (;;) {
    const connection = await mxConnect({
      target: message.to,
      maxConnectTime: PATIENCE_MS,
      localHostname: domainOf(message.from) || 'localhost',
      dnsOptions: { ignoreIPv6: true },
      mtaSts: {
        enabled: true,
        cache: {
          get: (domain) => policies.get(domain),
          set: (domain, policy) => void policies.set(domain, policy),
        },
        logger: (entry) => console.log(JSON.stringify(entry)),
      },
      ignoreMXHosts,
      mxLastError,
    });
    const mustAuthenticate =
      connection.requireTls === true || connection.policyMatch?.mode === 'enforce';
    const smtp = new SMTPConnection(
      sessionOptions(connection, mustAuthenticate, withoutTls.has(connection.host)),
    );
    try {
      await greet(smtp);
      return smtp;
    } catch (error) {
      // Opportunistic TLS that fails in the handshake is given up, and the same host tried in
      // clear.
      if (smtp.upgrading && !mustAuthenticate) {
        withoutTls.add(connection.host);
      } else {
        ignoreMXHosts.push(connection.host);
        mxLastError = error as Error;
      }
    }
  }
}

function sessionOptions(
  connection: MxConnection,
  mustAuthenticate: boolean,
  withoutTls: boolean,
): SMTPConnection['options'] {
  return {
    connection: connection.socket,
    host: connection.hostname,
    port: connection.port,
    name: connection.localHostname,
    // RFC 3207: STARTTLS where it is offered, in any case where it must be; with any certificate
    // unless it must be the host's.
    requireTLS: mustAuthenticate,
    opportunisticTLS: !mustAuthenticate,
    ignoreTLS: withoutTls && !mustAuthenticate,
    tls: { servername: connection.hostname, rejectUnauthorized: mustAuthenticate },
    connectionTimeout: PATIENCE_MS,
    greetingTimeout: PATIENCE_MS,
    socketTimeout: PATIENCE_MS,
  };
}

/** Up to the last EHLO. Throws nodemailer's error. */
function greet(smtp: SMTPConnection): Promise<void> {
  return new Promise((resolve, reject) => {
    // Stays: an error event with no listener would end the process.
    smtp.on('error', reject);
    smtp.connect((error) => (error ? reject(error) : resolve()));
  });
}

/** MAIL, RCPT, DATA. Resolves with the reply to the message; throws nodemailer's error. */
function sendOver(smtp: SMTPConnection, message: OutgoingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    smtp.send({ from: message.from, to: message.to }, message.data, (error, info) =>
      error ? reject(error) : resolve(info!.response),
    );
  });
}

interface DeliveryError extends Error {
  /** mx-connect's: `dns`, `network`, `policy`. */
  readonly category?: string;
  readonly temporary?: boolean;
  /** nodemailer's: which step failed, and whether the reply was 5yz. */
  readonly code?: string;
  readonly permanent?: boolean;
}

/**
 * mx-connect: DNS errors are permanent unless marked temporary (README "Null MX",
 * lib/resolve-mx.js); nothing else that it throws is called permanent. nodemailer: 5yz to the
 * envelope or the message; before that it concerns the host, not the mail.
 */
function isPermanent({ category, temporary, code, permanent }: DeliveryError): boolean {
  if (category) return temporary === false || (category === 'dns' && !temporary);
  return permanent === true && (code === 'EENVELOPE' || code === 'EMESSAGE');
}
