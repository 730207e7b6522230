/**
 * A way to a port in a container through the engine's own API. An engine on another machine
 * publishes ports there, and its containers have no addresses here.
 */

import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Endpoint } from '../model/sender.ts';
import type { Dockerode } from './engine.ts';

export interface Tunnel extends Disposable {
  /** On loopback, leading there. */
  readonly endpoint: Endpoint;
}

/** Passes on what comes by its standard input; Node is in the lab's image. */
const RELAY = `
const socket = require('node:net').connect(Number(process.argv[2]), process.argv[1]);
process.stdin.pipe(socket).pipe(process.stdout);
socket.on('error', () => process.exit(1));
`;

/**
 * @param id of a container that has Node
 * @param there an address and port as seen in the container
 */
export async function openTunnel(
  dockerode: Dockerode,
  id: string,
  there: Endpoint,
): Promise<Tunnel> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    relay(dockerode, id, there).then(
      (stream) => join(dockerode, socket, stream),
      () => socket.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { address, port } = server.address() as net.AddressInfo;
  return {
    endpoint: { address, port },
    [Symbol.dispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function relay(
  dockerode: Dockerode,
  id: string,
  { address, port }: Endpoint,
): Promise<Duplex> {
  const exec = await dockerode.getContainer(id).exec({
    Cmd: ['node', '-e', RELAY, address, String(port)],
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  });
  return exec.start({ hijack: true, stdin: true });
}

/** The engine frames what comes back; what the relay complains of is nobody's business. */
function join(dockerode: Dockerode, socket: net.Socket, stream: Duplex): void {
  const nowhere = { write: () => true } as unknown as NodeJS.WritableStream;
  dockerode.modem.demuxStream(stream, socket, nowhere);
  socket.pipe(stream);
  stream.on('error', () => socket.destroy()).on('end', () => socket.end());
  socket.on('close', () => stream.destroy());
}
