/**
 * Faults that OpenSSL cannot commit: a ClientHello written by hand (RFC 5246 §7.4.1.2), for a
 * version that it no longer speaks, or to go on where it would not. No such handshake is ever
 * finished.
 */

import { randomBytes } from 'node:crypto';
import type net from 'node:net';
import type { Is } from './traits.ts';

const VERSIONS = { ssl3: [3, 0], tls11: [3, 2], tls13: [3, 3] } as const;
type Version = keyof typeof VERSIONS;

/** The version that is offered after a handshake that failed; undefined: none. */
export function secondHello(is: Is): Version | undefined {
  if (is('falls-back-to-ssl3')) return 'ssl3';
  if (is('falls-back-to-tls11')) return 'tls11';
  return is('goes-on-with-any-flight') ? 'tls13' : undefined;
}

/** Offers the version, and has the key exchange follow whatever flight comes; then hangs up. */
export async function sayHello(socket: net.Socket, version: Version): Promise<void> {
  socket.write(hello(version));
  const answer = await new Promise<Buffer>((resolve) => {
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (chunk.includes(RETRY_RANDOM)) socket.write(hello(version));
      if (bytes.subarray(-4).equals(HELLO_DONE)) resolve(bytes);
    });
    socket.once('error', () => resolve(bytes)).once('close', () => resolve(bytes));
    socket.once('end', () => resolve(bytes));
  });
  if (answer.subarray(-4).equals(HELLO_DONE)) socket.write(CLIENT_KEY_EXCHANGE);
  socket.end();
}

/** RFC 8446 §4.1.3: how the random of a HelloRetryRequest begins. */
const RETRY_RANDOM = Buffer.from('cf21ad74e59a6111', 'hex');
const HELLO_DONE = Buffer.from([14, 0, 0, 0]);
/** A point that is none. */
const CLIENT_KEY_EXCHANGE = Buffer.concat([
  Buffer.from([22, 3, 3, 0, 70, 16, 0, 0, 66, 65, 4]),
  Buffer.alloc(64),
]);

function hello(version: Version): Buffer {
  // supported_versions with TLS 1.3 and 1.2, supported_groups with P-256.
  const extensions =
    version === 'tls13' ? [0, 17, 0, 43, 0, 5, 4, 3, 4, 3, 3, 0, 10, 0, 4, 0, 2, 0, 0x17] : [];
  const body = Buffer.concat([
    Buffer.from(VERSIONS[version]),
    randomBytes(32),
    Buffer.from([0, 0, 6, 0xc0, 0x2b, 0xc0, 0x2f, 0x00, 0x2f, 1, 0, ...extensions]),
  ]);
  return Buffer.concat([Buffer.from([22, 3, 1, 0, body.length + 4, 1, 0, 0, body.length]), body]);
}
