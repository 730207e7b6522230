/**
 * One HTTP/1.1 exchange on a connection that is already there. No agent, no redirects, no cache
 * (RFC 8461 §3.3 wants neither).
 */

import http from 'node:http';
import type net from 'node:net';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export interface HttpAnswer {
  readonly status: number;
  /** `1.1`, `1.0` */
  readonly version: string;
  /** Interim answers came before it (RFC 9110 §15.2). */
  readonly hasInterim: boolean;
  readonly headers: http.IncomingHttpHeaders;
  /** As much of the body as was read. */
  readonly body: Buffer;
  /** The body is all there: it was not cut short, and no longer than the limit. */
  readonly whole: boolean;
}

/**
 * Sends the request and reads the answer, at most `limitBytes` of its body. Rejects when no answer
 * comes or the signal aborts.
 */
export async function exchange(
  socket: net.Socket,
  request: HttpRequest,
  limitBytes: number,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { method, url, headers, body: content } = request;
  let hasInterim = false;
  try {
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const sent = http.request({
        createConnection: () => socket,
        method,
        path: `${url.pathname}${url.search}`,
        headers: { host: url.host, connection: 'close', ...headers },
        signal,
      });
      sent.once('information', () => {
        hasInterim = true;
      });
      sent.once('response', resolve);
      sent.on('error', reject);
      sent.end(content);
    });
    const { body, whole } = await readBody(response, limitBytes);
    const { statusCode: status = 0, httpVersion: version } = response;
    return { status, version, hasInterim, headers: response.headers, body, whole };
  } finally {
    socket.destroy();
  }
}

async function readBody(
  response: http.IncomingMessage,
  limitBytes: number,
): Promise<{ body: Buffer; whole: boolean }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let whole = true;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > limitBytes) break;
    }
  } catch {
    whole = false;
  }
  return {
    body: Buffer.concat(chunks),
    whole: whole && response.complete && bytes <= limitBytes,
  };
}
