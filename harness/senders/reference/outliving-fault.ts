/**
 * A connection that outlives a failed handshake: Node closes what TLS fails over. RFC 3207 §4 has a
 * sender do so; this exists to be the fault.
 */

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** What TLS is spoken over instead of the socket; when it is destroyed, the socket is not. */
export function outlived(socket: Socket): Duplex {
  const take = (bytes: Buffer) => void lent.push(bytes);
  const lent = new Duplex({
    read() {},
    write: (bytes, _, done) => void socket.write(bytes, done),
    final: (done) => void socket.end(done),
    destroy(error, done) {
      socket.off('data', take);
      done(error);
    },
  });
  socket.on('data', take).once('close', () => lent.destroy());
  return lent;
}
