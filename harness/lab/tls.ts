/**
 * TLS as a plan wants it, for every server of the lab: any certificate, any version, or no
 * handshake at all. What the sender did is recorded as one `tls-handshake` (RFC 8446, RFC 6066 §3
 * for SNI).
 */

import type net from 'node:net';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import {
  type CertificateRequest,
  describeChain,
  type IssuedCertificate,
  identifies,
  type Pki,
} from '../../certs/index.ts';
import type { TlsEvent } from '../model/observation.ts';
import { ALERTS, type TlsPlan } from '../model/plan.ts';
import type { ShownCertificate } from '../protocol/dane.ts';
import { isRecord, isSsl2Hello, readClientHello, recordLength } from './client-hello.ts';
import { answerByHand } from './flight-by-hand.ts';
import { nextChunk } from './next-chunk.ts';
import { recordCutter } from './records.ts';

export interface TlsHost {
  readonly host: string;
  readonly service: TlsEvent['service'];
  readonly plan: TlsPlan;
  /** For the profiles that name someone else. */
  readonly others: CertificateRequest['others'];
  /** What is shown is recorded as DANE sees it. */
  readonly isUnderDane?: boolean;
}

export type Accepted =
  | { readonly kind: 'tls'; readonly socket: tls.TLSSocket; readonly authenticated: boolean }
  /** No TLS, and the client goes on in clear: these are its first bytes. */
  | { readonly kind: 'clear'; readonly bytes: Buffer }
  /** It is over: the socket is closed, or left stalled. */
  | { readonly kind: 'over' };

export interface TlsAcceptor {
  /** Makes the certificate now, so that no handshake has to wait for it. */
  prepare(host: TlsHost): void;
  /** Resolves when the handshake is over, one way or another; never rejects. */
  accept(
    socket: net.Socket,
    host: TlsHost,
    connection: string,
    record: (event: TlsEvent) => void,
    alpn?: string[],
  ): Promise<Accepted>;
}

/** RFC 8446 §6. */
const FATAL = 2;
const GARBAGE = Buffer.from('500 this is not a TLS record\r\n');

/** `onSecret` is told each line of the key log of what is accepted. */
export function createTlsAcceptor(
  pki: Pki,
  onSecret: (line: string) => void = () => {},
): TlsAcceptor {
  const contexts = new Map<IssuedCertificate, Map<string, tls.SecureContext>>();
  const described = new Map<string, ShownCertificate[]>();
  const describe = (chainPem: string) => {
    const known = described.get(chainPem) ?? describeChain(chainPem, Date.now());
    described.set(chainPem, known);
    return known;
  };

  const contextOf = (issued: IssuedCertificate, plan: TlsPlan): tls.SecureContext => {
    const { minVersion, maxVersion, ciphers, groups } = plan;
    const old = [minVersion, maxVersion].some(
      (version) => version === 'TLSv1' || version === 'TLSv1.1',
    );
    const manner = JSON.stringify([minVersion, maxVersion, ciphers, groups, plan.sendsRoot]);
    const known = contexts.get(issued)?.get(manner);
    if (known) return known;
    const isWeak = old || ciphers !== undefined || issued.needsLowSecurityLevel;
    const ofTls13 = ciphers?.filter((name) => name.startsWith('TLS_')) ?? [];
    const hasTls12 = ciphers === undefined || ofTls13.length < ciphers.length;
    const hasTls13 = ciphers === undefined || ofTls13.length > 0;
    // OpenSSL serves old versions, short keys and SHA-1 only at security level 0.
    const list = [...(ciphers ?? []), ...(ciphers && hasTls12 ? [] : ['DEFAULT']), '@SECLEVEL=0'];
    const context = tls.createSecureContext({
      key: issued.keyPem,
      cert: chainOf(issued, plan),
      minVersion: minVersion ?? (old ? 'TLSv1' : hasTls12 ? 'TLSv1.2' : 'TLSv1.3'),
      maxVersion: maxVersion ?? (hasTls13 ? 'TLSv1.3' : 'TLSv1.2'),
      ...(isWeak ? { ciphers: list.join(':') } : {}),
      ...(groups ? { ecdhCurve: groups.join(':') } : {}),
      // Without one, OpenSSL resumes no session of a server that asks for client certificates.
      sessionIdContext: 'holdfast',
    });
    contexts.set(issued, (contexts.get(issued) ?? new Map()).set(manner, context));
    return context;
  };
  const issue = (host: TlsHost, profile = host.plan.certificate ?? usualProfile(host.plan)) =>
    pki.issue({
      profile,
      host: host.plan.certificateFor ?? host.host,
      service: host.service,
      others: host.others,
    });

  return {
    prepare: (host) => void contextOf(issue(host), host.plan),
    async accept(socket, host, connection, record, alpn) {
      const { plan, service } = host;
      const { bytes, hello } = await firstBytes(socket);
      const servername = hello.kind === 'whole' ? hello.servername : '';
      const profile = servername === '' ? plan.certificateWithoutSni : undefined;
      const shown = issue(host, profile);
      const authenticated = identifies(shown, host.host);
      const tell = (
        result: Pick<TlsEvent, 'result' | 'protocol' | 'cipher' | 'reason' | 'wentOn'>,
        isShown = true,
      ) =>
        record({
          kind: 'tls-handshake',
          connection,
          service,
          host: host.host,
          hello: hello.kind === 'whole',
          servername,
          ...(hello.kind === 'whole' && { offer: hello.offer }),
          certificate: shown.profile,
          authenticated: isShown && authenticated,
          ...(isShown && host.isUnderDane && { chain: describe(chainOf(shown, plan)) }),
          ...result,
        });
      const handshake = plan.handshake ?? 'complete';
      if (hello.kind === 'none') {
        tell({ result: 'failed', reason: 'the client sent no TLS' }, false);
        return { kind: 'clear', bytes };
      }
      if (hello.kind === 'partial') {
        tell({ result: 'failed', reason: 'closed before a ClientHello' }, false);
        return { kind: 'over' };
      }
      if (isSsl2Hello(bytes)) {
        tell({ result: 'failed', reason: 'the client sent a hello of SSL 2' });
        socket.destroy();
        return { kind: 'over' };
      }
      if (handshake !== 'complete') {
        tell({ result: 'failed', reason: `the lab answered with ${handshake}` }, false);
        return refuseHandshake(socket, handshake, plan.alert);
      }
      if (plan.flight) {
        const { clear, ...told } = await answerByHand(socket, hello, shown, plan);
        tell({ result: 'failed', ...told });
        if (clear) return { kind: 'clear', bytes: clear };
        if (told.wentOn === false) return tapOf(socket).goOn();
        return refuseHandshake(socket, plan.flight.then ?? 'alert', plan.alert);
      }
      // Who is shown something else may go on in clear after it: that has to be heard.
      const isHeard = service === 'mx' && Object.keys(plan).length > 0;
      const isTapped = isHeard || plan.recordBytes !== undefined;
      const tap = isTapped ? tapOf(socket, plan.recordBytes) : undefined;
      socket.unshift(bytes);
      const secured = new tls.TLSSocket(tap?.stream ?? socket, {
        isServer: true,
        secureContext: contextOf(shown, plan),
        ...((plan.alpn ?? alpn) ? { ALPNProtocols: [...(plan.alpn ?? alpn!)] } : {}),
        requestCert: plan.clientCertificate !== undefined,
        rejectUnauthorized: plan.clientCertificate === 'required',
      });
      secured.on('keylog', (line: Buffer) => onSecret(line.toString('latin1')));
      const failure = await handshakeOver(secured, socket);
      if (failure === undefined) {
        const cipher = secured.getCipher()?.name ?? '';
        const isProof = !NO_PROOF.test(cipher);
        tell({ result: 'completed', protocol: secured.getProtocol() ?? '', cipher }, isProof);
        return { kind: 'tls', socket: secured, authenticated: isProof && authenticated };
      }
      tell({ result: 'failed', reason: failure });
      secured.destroy();
      if (tap && isHeard) return tap.goOn();
      socket.destroy();
      return { kind: 'over' };
    },
  };
}

const chainOf = ({ chainPem, rootPem }: IssuedCertificate, { sendsRoot }: TlsPlan): string =>
  sendsRoot ? chainPem + rootPem : chainPem;

/** No certificate was shown, or whoever is on the path reads along and changes what he likes. */
const NO_PROOF = /^A(?:EC)?DH-|NULL/;

/** What takes part in a key exchange by RSA, or signs one by DHE, is a key of RSA. */
function usualProfile({ flight = {} }: TlsPlan): 'right' | 'right-rsa' {
  const { version = 'TLSv1.2', dhBits } = flight;
  return version !== 'TLSv1.2' || dhBits ? 'right-rsa' : 'right';
}

const LONGEST_HELLO_BYTES = 64 * 1024;
/** Whoever goes on in clear after a failed handshake does it at once. */
const GO_ON_MS = 3_000;

/** Read until it is a ClientHello, or none, or nothing more comes; the socket is paused then. */
async function firstBytes(
  socket: net.Socket,
): Promise<{ bytes: Buffer; hello: ReturnType<typeof readClientHello> }> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const chunk = await nextChunk(socket);
    if (chunk === undefined) return { bytes, hello: readClientHello(bytes) };
    bytes = Buffer.concat([bytes, chunk]);
    const hello = readClientHello(bytes);
    if (hello.kind !== 'partial' || bytes.length > LONGEST_HELLO_BYTES) return { bytes, hello };
  }
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
    // Where a client only hangs up, its end is all there is.
    socket.once('end', () => setImmediate(() => resolve('closed')));
  });
}

type Refusal = Exclude<TlsPlan['handshake'], 'complete' | undefined>;

async function refuseHandshake(
  socket: net.Socket,
  how: Refusal,
  alert: keyof typeof ALERTS = 'handshake_failure',
): Promise<Accepted> {
  if (how === 'close') socket.end();
  if (how === 'reset') reset(socket);
  if (how === 'stall') socket.resume();
  if (how !== 'alert' && how !== 'garbage') return { kind: 'over' };
  const tap = tapOf(socket);
  const record = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, FATAL, ALERTS[alert]]);
  socket.write(how === 'alert' ? record : GARBAGE);
  return tap.goOn();
}

/** What of a connection is TLS goes to the stream; from the first byte on that is none, nothing. */
interface Tap {
  readonly stream: Duplex;
  /** Resolves when the client says something in clear, or has gone. */
  goOn(): Promise<Accepted>;
}

function tapOf(socket: net.Socket, recordBytes?: number): Tap {
  const cut = recordBytes === undefined ? undefined : recordCutter(recordBytes);
  const over = Promise.withResolvers<Accepted>();
  let pending = Buffer.alloc(0);
  let isClear = false;
  const stream = new Duplex({
    read() {
      socket.resume();
    },
    write(chunk: Buffer, _encoding, done) {
      if (socket.writable) socket.write(cut ? cut(chunk) : chunk, () => done());
      else done();
    },
    final(done) {
      socket.end();
      done();
    },
    // The connection lives on when TLS has failed.
    destroy(_error, done) {
      done(null);
    },
  });
  const forward = () => {
    for (;;) {
      if (pending.length === 0) return;
      if (!isRecord(pending)) {
        isClear = true;
        socket.off('data', onData);
        socket.pause();
        return over.resolve({ kind: 'clear', bytes: pending });
      }
      const length = recordLength(pending);
      if (length === undefined || pending.length < length) return;
      if (!stream.destroyed) stream.push(pending.subarray(0, length));
      pending = pending.subarray(length);
    }
  };
  const onData = (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    forward();
  };
  const onGone = () => {
    if (!isClear && !stream.destroyed) stream.push(null);
    over.resolve({ kind: 'over' });
  };
  socket.on('data', onData).once('end', onGone).once('close', onGone);
  return {
    stream,
    goOn() {
      socket.resume();
      const timer = setTimeout(() => socket.destroySoon(), GO_ON_MS);
      void over.promise.then(() => clearTimeout(timer));
      return over.promise;
    },
  };
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
 * What OpenSSL calls an alert of the peer: it names the protocol that brought it up (from 3.2 on
 * `SSL/TLS` for those of SSL 3), and of those of RFC 6066 does not say that they are alerts.
 */
const ALERT_CODE =
  /^ERR_SSL_(?:SSLV3|SSL\/TLS|TLSV\d+)_(?:ALERT_(\w+)|(UNSUPPORTED_EXTENSION|CERTIFICATE_UNOBTAINABLE|UNRECOGNIZED_NAME|BAD_CERTIFICATE_STATUS_RESPONSE|BAD_CERTIFICATE_HASH_VALUE))$/;

/**
 * `alert:unknown_ca` when the peer sent an alert (RFC 8446 §6.2 names), `reset`, or OpenSSL's
 * reason.
 */
export function nameOfTlsError(error: Error & { code?: string }): string {
  const code = error.code ?? '';
  const [, word, extension] = ALERT_CODE.exec(code) ?? [];
  const alert = word ?? extension;
  if (alert) return `alert:${alert.toLowerCase()}`;
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'reset';
  return code.replace(/^ERR_SSL_/, '').toLowerCase() || error.message;
}
