import type net from 'node:net';

/** What comes next from a peer, the socket paused behind it; undefined: the peer has ended. */
export function nextChunk(socket: net.Socket): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    if (socket.destroyed || socket.readableEnded) return resolve(undefined);
    const done = (chunk?: Buffer) => {
      socket.pause();
      socket.off('data', done).off('end', gone).off('close', gone);
      resolve(chunk);
    };
    const gone = () => done();
    socket.on('data', done).on('end', gone).on('close', gone);
    socket.resume();
  });
}
