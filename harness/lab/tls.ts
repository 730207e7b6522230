/**
 * TLS as a plan wants it, for every server of the lab: any certificate, any version, or no
 * handshake at all. What the sender did is recorded as one `tls-handshake` (RFC 8446, RFC 6066 §3
 * for SNI).
 */

import type net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import {
  type CertificateRequest,
  type IssuedCertificate,
  identifies,
  type Pki,
} from '../../certs/index.ts';
import type { TlsEvent } from '../model/observation.ts';
import type { TlsPlan } from '../model/plan.ts';

export interface TlsHost {
  readonly host: string;
  readonly service: TlsEvent['service'];
  readonly plan: TlsPlan;
  /** For the profiles that name someone else. */
  readonly others: CertificateRequest['others'];
}

export interface Accepted {
  readonly socket: tls.TLSSocket;
  readonly authenticated: boolean;
}

export interface TlsAcceptor {
  /** Makes the certificate now, so that no handshake has to wait for it. */
  prepare(host: TlsHost): void;
  /**
   * Resolves when the handshake is over: the TLS socket, or undefined when there will be none (then
   * `socket` is closed or left stalled).
   */
  accept(
    socket: net.Socket,
    host: TlsHost,
    connection: string,
    record: (event: TlsEvent) => void,
    alpn?: string[],
  ): Promise<Accepted | undefined>;
}

/** RFC 8446 §6: a fatal (2) handshake_failure (40). */
const FATAL_HANDSHAKE_FAILURE = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28]);
const GARBAGE = Buffer.from('500 this is not a TLS record\r\n');

export function createTlsAcceptor(pki: Pki): TlsAcceptor {
  const contexts = new Map<IssuedCertificate, Map<string, tls.SecureContext>>();

  const contextOf = (issued: IssuedCertificate, plan: TlsPlan): tls.SecureContext => {
    const old = [plan.minVersion, plan.maxVersion].some(
      (version) => version === 'TLSv1' || version === 'TLSv1.1',
    );
    const versions = `${plan.minVersion ?? ''}-${plan.maxVersion ?? ''}`;
    const known = contexts.get(issued)?.get(versions);
    if (known) return known;
    const context = tls.createSecureContext({
      key: issued.keyPem,
      cert: issued.chainPem,
      minVersion: plan.minVersion ?? (old ? 'TLSv1' : 'TLSv1.2'),
      maxVersion: plan.maxVersion ?? 'TLSv1.3',
      // OpenSSL serves old versions, short keys and SHA-1 only at security level 0.
      ...(old || issued.needsLowSecurityLevel ? { ciphers: 'DEFAULT:@SECLEVEL=0' } : {}),
    });
    contexts.set(issued, (contexts.get(issued) ?? new Map()).set(versions, context));
    return context;
  };
  const issue = (host: TlsHost, profile = host.plan.certificate ?? 'right') =>
    pki.issue({
      profile,
      host: host.plan.certificateFor ?? host.host,
      service: host.service,
      others: host.others,
    });

  return {
    prepare: (host) => void contextOf(issue(host), host.plan),
    async accept(socket, host, connection, record, alpn) {
      const told = {
        kind: 'tls-handshake',
        connection,
        service: host.service,
        host: host.host,
      } as const;
      const handshake = host.plan.handshake ?? 'complete';
      const withSni = issue(host);
      if (handshake !== 'complete') {
        record({
          ...told,
          servername: '',
          certificate: withSni.profile,
          authenticated: false,
          result: 'failed',
          reason: `the lab answered with ${handshake}`,
        });
        await refuseHandshake(socket, handshake);
        return undefined;
      }
      const withoutSni = host.plan.certificateWithoutSni
        ? issue(host, host.plan.certificateWithoutSni)
        : withSni;
      const contextWithSni = contextOf(withSni, host.plan);
      let servername = '';
      if (socket.destroyed) {
        record({
          ...told,
          servername,
          certificate: withoutSni.profile,
          authenticated: false,
          result: 'failed',
          reason: 'closed',
        });
        return undefined;
      }
      const secured = new tls.TLSSocket(socket, {
        isServer: true,
        secureContext: contextOf(withoutSni, host.plan),
        SNICallback(name, done) {
          servername = name;
          done(null, contextWithSni);
        },
        ...(alpn ? { ALPNProtocols: alpn } : {}),
      });
      const failure = await handshakeOver(secured, socket);
      const shown = servername === '' ? withoutSni : withSni;
      const authenticated = identifies(shown, host.host);
      record({
        ...told,
        servername,
        certificate: shown.profile,
        authenticated,
        ...(failure === undefined
          ? {
              result: 'completed',
              protocol: secured.getProtocol() ?? '',
              cipher: secured.getCipher()?.name ?? '',
            }
          : { result: 'failed', reason: failure }),
      });
      if (failure === undefined) return { socket: secured, authenticated };
      secured.destroy();
      socket.destroy();
      return undefined;
    },
  };
}

/** undefined once the handshake is done; else why it failed. */
function handshakeOver(secured: tls.TLSSocket, socket: net.Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    secured.once('secure', () => resolve(undefined));
    secured.once('_tlsError', (error: Error) => resolve(nameOfTlsError(error)));
    secured.on('error', (error) => resolve(nameOfTlsError(error)));
    secured.once('close', () => resolve('closed'));
    socket.on('error', (error) => resolve(nameOfTlsError(error)));
    socket.once('close', () => resolve('closed'));
  });
}

async function refuseHandshake(
  socket: net.Socket,
  how: Exclude<TlsPlan['handshake'], 'complete' | undefined>,
): Promise<void> {
  if (socket.destroyed) return;
  await new Promise<void>((resolve) => {
    socket.once('data', () => resolve());
    socket.once('close', () => resolve());
    socket.resume();
  });
  if (how === 'alert') socket.end(FATAL_HANDSHAKE_FAILURE);
  if (how === 'garbage') socket.end(GARBAGE);
  if (how === 'close') socket.end();
  if (how === 'reset') reset(socket);
}

/**
 * Ends a connection with RST, unless it is half closed already: Node loses a socket that is reset
 * while it shuts down.
 */
export function reset(socket: net.Socket, stream: Duplex = socket): void {
  if (stream.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/**
 * `alert:unknown_ca` when the peer sent an alert (RFC 8446 §6.2 names), `reset`, or OpenSSL's
 * reason.
 */
export function nameOfTlsError(error: Error & { code?: string }): string {
  const code = error.code ?? '';
  const alert = /^ERR_SSL_(?:TLSV\d+|TLSV13|SSLV3)_ALERT_(\w+)$/.exec(code)?.[1];
  if (alert) return `alert:${alert.toLowerCase()}`;
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'reset';
  return code.replace(/^ERR_SSL_/, '').toLowerCase() || error.message;
}
