/**
 * A fetch that goes by no status, length or frame: whatever looks like a policy among all bytes that
 * come is taken. It exists to be that fault.
 */

import type net from 'node:net';
import type { HttpAnswer } from './http.ts';

export async function scrape(socket: net.Socket, url: URL): Promise<HttpAnswer> {
  socket.write(`GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\n\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('latin1');
  const [policy = ''] = /version: *STSv1(?:\r?\n[a-z_]+: *[^\r\n]+)+/.exec(text) ?? [];
  return {
    status: 200,
    version: '1.1',
    hasInterim: false,
    headers: { 'content-type': 'text/plain' },
    body: Buffer.from(policy),
    whole: true,
  };
}
