/**
 * The policy host (RFC 8461 §3.3): HTTPS at `mta-sts.<domain>`, with every TLS and HTTP
 * misbehaviour a plan can name.
 */

import { isUtf8 } from 'node:buffer';
import http from 'node:http';
import type net from 'node:net';
import zlib from 'node:zlib';
import type { Event } from '../model/observation.ts';
import type { PagePlan, PolicyHostPlan, RawBytes } from '../model/plan.ts';
import { pageOnRequest } from '../model/plan-changes.ts';
import { sendBytes } from './bytes.ts';
import type { TlsAcceptor, TlsHost } from './tls.ts';

export interface PolicyHostSetting {
  readonly host: string;
  readonly plan: PolicyHostPlan;
  readonly connection: string;
  readonly scheme: 'https' | 'http';
  readonly others: TlsHost['others'];
  readonly tls: TlsAcceptor;
  /** Which of the step's requests for the path this one is, from 1. */
  countRequest(path: string): number;
  record(event: Event): void;
  /** The policy was answered this many milliseconds after it was asked for. */
  answered(ms: number): void;
}

export interface PolicyServer {
  serve(socket: net.Socket, setting: PolicyHostSetting): Promise<void>;
}

/** `endless` ends here all the same: a bound on what one sender can be sent. */
const ENDLESS_BYTES = 64 * 1024 * 1024;
/** How long `slow` takes for the body, of which the last byte never comes. */
const DRIPPING_MS = 180_000;
const BODY_KEPT_CHARS = 64 * 1024;

interface Served {
  readonly setting: PolicyHostSetting;
  readonly authenticated: boolean;
}

/**
 * One HTTP parser for every policy host of the lab; a connection's setting goes with its socket.
 */
export function createPolicyServer(): PolicyServer {
  const served = new WeakMap<object, Served>();
  const server = http.createServer({ keepAlive: false }, (request, response) => {
    const { setting, authenticated } = served.get(request.socket)!;
    try {
      answerRequest(request, response, setting, authenticated);
    } catch (error) {
      // A status or header of the plan that HTTP does not allow.
      const detail = `${setting.host}: ${error instanceof Error ? error.message : String(error)}`;
      setting.record({ kind: 'lab-fault', detail });
      request.socket.destroy();
    }
  });
  server.on('clientError', (_error, socket) => socket.destroy());

  return {
    async serve(socket, setting) {
      socket.on('error', () => {});
      const { host, connection, scheme, plan } = setting;
      setting.record({ kind: 'web-connection', connection, service: 'policy-host', host, scheme });
      socket.once('close', () =>
        setting.record({ kind: 'web-closed', connection, host, sentBytes: socket.bytesWritten }),
      );
      if (plan.reach === 'reset') return void socket.resetAndDestroy();
      if (plan.reach === 'silent') return void socket.resume();
      if (scheme === 'http') {
        served.set(socket, { setting, authenticated: false });
        server.emit('connection', socket);
        return;
      }
      const tlsHost: TlsHost = {
        host,
        service: 'policy-host',
        plan: plan.tls ?? {},
        others: setting.others,
      };
      const accepted = await setting.tls.accept(socket, tlsHost, connection, setting.record, [
        'http/1.1',
      ]);
      if (accepted.kind === 'clear') return void socket.destroy();
      if (accepted.kind === 'over') return;
      accepted.socket.on('error', () => {});
      served.set(accepted.socket, { setting, authenticated: accepted.authenticated });
      server.emit('connection', accepted.socket);
    },
  };
}

function answerRequest(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  setting: PolicyHostSetting,
  authenticated: boolean,
): void {
  const asked = performance.now();
  const path = request.url ?? '';
  const page = pageOnRequest(
    setting.plan.pages[path] ?? { status: 404, body: 'not found\n' },
    setting.countRequest(path),
  );
  const { transfer = 'whole', coding } = page;
  const headers = {
    'content-type': 'text/plain',
    ...(coding && { 'content-encoding': coding }),
    ...page.headers,
  };
  const plain =
    page.bodyBase64 === undefined
      ? Buffer.from(page.body, 'utf8')
      : Buffer.from(page.bodyBase64, 'base64');
  const body = coding ? CODINGS[coding](plain) : plain;
  const text = plain.toString('utf8');
  const isAsked = !coding || (request.headers['accept-encoding'] ?? '').includes(coding);
  const taken = page.taken ?? (isAsked ? 'always' : 'maybe');
  const isWhole = (transfer === 'whole' || transfer === 'chunked') && taken !== 'never';
  const tell = once((complete: boolean) =>
    setting.record({
      kind: 'policy-request',
      host: setting.host,
      scheme: setting.scheme,
      method: request.method ?? '',
      path,
      hostHeader: request.headers.host ?? '',
      conditional: 'if-none-match' in request.headers || 'if-modified-since' in request.headers,
      status: transfer === 'none' ? 0 : (page.status ?? 200),
      complete,
      ...(taken === 'maybe' && { inDoubt: true as const }),
      authenticated,
      ...(headers['content-type'] === null ? {} : { contentType: headers['content-type'] }),
      ...(text.length <= BODY_KEPT_CHARS ? { body: text } : {}),
      ...(!isUtf8(plain) && { invalidUtf8: true as const }),
    }),
  );
  request.resume();
  // What will never be whole is told at once: who is waiting for it need not wait longer.
  if (!isWhole) tell(false);
  if (transfer === 'none') return;
  if (page.answer !== undefined) {
    const { socket } = request;
    socket.on('close', () => tell(false));
    void sendBytes(socket, filledIn(page.answer, body)).then(() => {
      setting.answered(performance.now() - asked);
      tell(true);
      socket.end();
    });
    return;
  }

  for (const status of page.informational ?? [])
    if (status === 100) response.writeContinue();
    else response.writeEarlyHints({ link: '</>; rel=preload' });
  for (const [name, value] of Object.entries(headers))
    if (value !== null) response.setHeader(name, value);
  response.shouldKeepAlive = false;
  if (transfer !== 'chunked' && transfer !== 'endless')
    response.setHeader('content-length', body.length);
  response.writeHead(page.status ?? 200);
  response.on('error', () => {});
  response.on('finish', () => setting.answered(performance.now() - asked));
  // Told once its bytes are out, and not before: a sender has no policy that it was not sent.
  response.on('finish', () => tell(true));
  response.on('close', () => tell(false));
  if (transfer === 'whole' || transfer === 'chunked') response.end(body);
  if (transfer === 'truncated')
    response.write(body.subarray(0, body.length / 2), () => request.socket.end());
  if (transfer === 'endless') pour(response, body);
  if (transfer === 'slow') drip(response, body);
}

const CODINGS = {
  gzip: zlib.gzipSync,
  deflate: zlib.deflateSync,
  br: zlib.brotliCompressSync,
} as const satisfies Record<NonNullable<PagePlan['coding']>, unknown>;

/** The answer with the body, and its length in decimal and in hex, where it has room for them. */
function filledIn(answer: RawBytes, body: Buffer): RawBytes {
  const words: Readonly<Record<string, string>> = {
    '{body}': body.toString('latin1'),
    '{length}': String(body.length),
    '{hex}': body.length.toString(16),
  };
  const fill = (text: string) => text.replace(/\{(?:body|length|hex)\}/g, (word) => words[word]!);
  if (typeof answer === 'string') return fill(answer);
  return answer.map((part) => (typeof part === 'string' ? fill(part) : part));
}

/** Only the first call counts. */
function once<T>(work: (value: T) => void): (value: T) => void {
  let done = false;
  return (value) => {
    if (!done) work(value);
    done = true;
  };
}

function pour(response: http.ServerResponse, body: Buffer): void {
  const block = Buffer.alloc(64 * 1024, body.length > 0 ? body : '\n');
  let sent = 0;
  const more = () => {
    while (!response.destroyed && sent < ENDLESS_BYTES) {
      sent += block.length;
      if (!response.write(block)) return void response.once('drain', more);
    }
    response.destroy();
  };
  more();
}

/** The last byte never comes. */
function drip(response: http.ServerResponse, body: Buffer): void {
  let sent = 0;
  const timer = setInterval(
    () => {
      if (sent < body.length - 1) response.write(body.subarray(sent, ++sent));
    },
    Math.ceil(DRIPPING_MS / Math.max(body.length, 1)),
  );
  response.on('close', () => clearInterval(timer));
}
