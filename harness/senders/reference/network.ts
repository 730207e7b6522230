/**
 * Connections into the lab, TLS on them, and what a certificate proves (RFC 5280 §6, RFC 9525 §6).
 * Whether that is enough is the caller's business: RFC 8461 asks different things of policy hosts
 * and MX hosts.
 */

import { constants, type X509Certificate } from 'node:crypto';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { LabAccess } from '../../model/sender.ts';
import type { Is } from './traits.ts';

export interface Network {
  /** Dials a virtual address. Rejects when there is nothing, or when the signal aborts. */
  connect(address: string, port: number, signal: AbortSignal): Promise<net.Socket>;
  /** Destroys every open connection, and opens no more. */
  close(): void;
}

export function createNetwork(lab: Pick<LabAccess, 'route'>): Network {
  const open = new Set<net.Socket>();
  let closed = false;
  return {
    connect(address, port, signal) {
      const endpoint = closed ? undefined : lab.route(address, port);
      if (!endpoint) return Promise.reject(new Error('connection refused'));
      signal.throwIfAborted();
      const socket = net.connect({ host: endpoint.address, port: endpoint.port, noDelay: true });
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      return settled(socket, socket, 'connect', signal);
    },
    close() {
      closed = true;
      for (const socket of open) socket.destroy();
    },
  };
}

export interface HandshakeOptions {
  readonly trust: tls.SecureContext;
  /** SNI (RFC 6066 §3); undefined: none is sent. */
  readonly servername: string | undefined;
  /** A session to be resumed (RFC 8446 §2.2). */
  readonly session?: Buffer;
}

/** The TLS handshake. The certificate is not judged: see pathProblem and identifies. */
export function handshake(
  socket: Duplex,
  { trust, servername, session }: HandshakeOptions,
  signal: AbortSignal,
): Promise<tls.TLSSocket> {
  const secured = tls.connect({
    socket,
    secureContext: trust,
    ...(servername === undefined ? {} : { servername }),
    ...(session === undefined ? {} : { session }),
    rejectUnauthorized: false,
    // Node's own check falls back to the common name; ours is `identifies`.
    checkServerIdentity: () => undefined,
  });
  // What Node would hand to its check: the whole chain, read out into objects.
  secured.getPeerCertificate = () => ({}) as tls.DetailedPeerCertificate;
  return settled(secured, socket, 'secureConnect', signal);
}

/**
 * Why the peer's certification path is not valid (RFC 5280 §6): OpenSSL's code, such as
 * CERT_HAS_EXPIRED.
 */
export function pathProblem(socket: tls.TLSSocket): string | undefined {
  // Node's types say Error; it is the code of one.
  return socket.authorizationError ? String(socket.authorizationError) : undefined;
}

export interface NameMatching {
  /** `always`: beside DNS-IDs too. */
  readonly commonName?: boolean | 'always';
  readonly partialWildcards?: boolean;
}

/**
 * Whether a peer's certificate names the host in a DNS-ID, "*" only as the whole leftmost label
 * (RFC 8461 §3.3, §4.2; RFC 9525 §6.3).
 */
export function identifies(
  certificate: X509Certificate | undefined,
  host: string,
  { commonName = false, partialWildcards = false }: NameMatching = {},
): boolean {
  return (
    certificate?.checkHost(host, {
      subject: commonName === 'always' ? 'always' : commonName ? 'default' : 'never',
      partialWildcards,
    }) !== undefined
  );
}

/** The dNSNames of a certificate. */
export function dnsNamesOf(certificate: X509Certificate | undefined): readonly string[] {
  const names = certificate?.subjectAltName?.split(', ') ?? [];
  return names
    .filter((name) => name.startsWith('DNS:'))
    .map((name) => name.slice('DNS:'.length).replace(/^"(.*)"$/, '$1'));
}

/** For faults: a URI or a mail address in the certificate has the host in it. */
export function isNamedElsewhere(certificate: X509Certificate | undefined, host: string): boolean {
  const names = certificate?.subjectAltName?.split(', ') ?? [];
  return names.some((name) => !name.startsWith('DNS:') && /[^@/]*$/.exec(name)![0] === host);
}

export type Service = 'policy-host' | 'mx' | 'old-mx';

/** Secure contexts by their trust anchors (PEM) and service, each made once. */
export function createTrustStore(is: Is): (anchors: string, service: Service) => tls.SecureContext {
  const contexts = new Map<string, tls.SecureContext>();
  return (anchors, service) => {
    const key = `${service} ${anchors}`;
    const context =
      contexts.get(key) ?? tls.createSecureContext(contextOptions(anchors, service, is));
    contexts.set(key, context);
    return context;
  };
}

/** A fault: suites alone in which no certificate is shown. */
export const anonymousSuites = (): tls.SecureContext =>
  tls.createSecureContext({ ciphers: 'aNULL:@SECLEVEL=0', maxVersion: 'TLSv1.2' });

/** SSL_OP_NO_EXTENDED_MASTER_SECRET, which Node has no name for. */
const NO_EXTENDED_MASTER_SECRET = 1;

function contextOptions(ca: string, service: Service, is: Is): tls.SecureContextOptions {
  const isMx = service !== 'policy-host';
  // RFC 8461 §7.2: TLS 1.2 and 1.3. RFC 8996: nothing below.
  const isOld =
    service === 'old-mx' || is(isMx ? 'speaks-old-tls' : 'speaks-old-tls-to-policy-hosts');
  const isNew = isMx ? is('no-tls12') : is('no-tls12-to-policy-hosts');
  const isAged = isMx && is('no-tls12-nor-tls13');
  const isWeak = isMx ? is('accepts-weak-keys') : is('accepts-weak-policy-hosts');
  const isBare = isMx && is('takes-suites-without-encryption');
  // RFC 9325 §4.5: no SHA-1 and no RSA below 2048 bits, which is OpenSSL's level 2.
  const level = isOld || isAged || isWeak || isBare ? 0 : 2;
  // RFC 9325 §4.1: no suite without encryption, and none without forward secrecy.
  const suites = isBare ? 'ALL:eNULL:!aNULL' : 'DEFAULT';
  const without = isMx && is('takes-static-rsa') ? '' : ':!kRSA';
  // RFC 9325 §3.5.
  const options =
    (isMx && is('no-extended-master-secret') ? NO_EXTENDED_MASTER_SECRET : 0) |
    (isMx && is('trusts-old-renegotiation') ? constants.SSL_OP_LEGACY_SERVER_CONNECT : 0);
  return {
    ca,
    minVersion: isNew ? 'TLSv1.3' : isOld || isAged ? 'TLSv1' : 'TLSv1.2',
    maxVersion: isAged ? 'TLSv1.1' : isMx && is('no-tls13') ? 'TLSv1.2' : 'TLSv1.3',
    ciphers: `${suites}${without}@SECLEVEL=${level}`,
    secureOptions: options,
    ...(isMx && is('knows-x25519-alone') ? { ecdhCurve: 'X25519' } : {}),
  };
}

/**
 * The stream once it emits `event`. Errors later on show as the stream's end: nobody needs to
 * listen for them.
 */
function settled<S extends net.Socket>(
  stream: S,
  socket: Duplex,
  event: 'connect' | 'secureConnect',
  signal: AbortSignal,
): Promise<S> {
  return new Promise((resolve, reject) => {
    const abort = () => socket.destroy(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    const release = () => signal.removeEventListener('abort', abort);
    stream.on('error', reject);
    stream.once('close', () => {
      release();
      reject(new Error('connection closed'));
    });
    stream.once(event, () => {
      release();
      resolve(stream);
    });
  });
}
