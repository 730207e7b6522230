/**
 * The Docker engine, through testcontainers, which is loaded when it is needed: it takes longer to
 * load than the harness.
 *
 * Whatever is wrong with the engine is told in a sentence that says what to do.
 */

import { access, constants } from 'node:fs/promises';
import net from 'node:net';
import { hostname } from 'node:os';
import { SenderError } from '../model/sender.ts';
import { printable } from '../protocol/printable.ts';

type Testcontainers = typeof import('testcontainers');
type Client = Awaited<ReturnType<Testcontainers['getContainerRuntimeClient']>>;
/** The engine's API. */
export type Dockerode = Client['container']['dockerode'];

export interface Engine {
  readonly dockerode: Dockerode;
  readonly client: Client;
  readonly testcontainers: Testcontainers;
}

const INSTALL =
  'Install Docker (https://docs.docker.com/engine/install/) and start it, or point DOCKER_HOST at an engine. The senders reference, opportunistic and mx-connect need none.';

/**
 * The engine of this machine. Throws SenderError with what to do when there is none, or no right to
 * use it.
 */
export async function connectEngine(): Promise<Engine> {
  const testcontainers = await loadTestcontainers();
  const chosen = placeOf(process.env.DOCKER_HOST);
  try {
    if (chosen) await answersAt(chosen);
    const client = await testcontainers.getContainerRuntimeClient();
    const { dockerode } = client.container;
    // testcontainers passes an engine over that does not do, and takes another.
    const { socketPath, host } = dockerode.modem as { socketPath?: string; host?: string };
    if (chosen && (socketPath ?? host) !== (chosen.path ?? chosen.host))
      throw new Error('testcontainers cannot use it');
    await dockerode.ping();
    return { dockerode, client, testcontainers };
  } catch (error) {
    throw new SenderError(
      await whatIsWrong(error instanceof Error ? error.message : String(error)),
    );
  }
}

/** The user has said which engine it has to be. */
export const isEngineChosen = () => Boolean(process.env.DOCKER_HOST);

const ANSWER_MS = 10_000;

/** Of a socket or of a port; undefined: none is named. Throws SenderError when it cannot be read. */
function placeOf(
  dockerHost: string | undefined,
):
  | { path: string; host?: undefined }
  | { path?: undefined; host: string; port: number }
  | undefined {
  if (!dockerHost) return undefined;
  if (!URL.canParse(dockerHost))
    throw new SenderError(
      `DOCKER_HOST=${printable(dockerHost, 200)} is no URL, such as tcp://HOST:2375 or unix:///PATH`,
    );
  const { hostname, port, pathname } = new URL(dockerHost);
  return hostname === '' ? { path: pathname } : { host: hostname, port: Number(port) || 2375 };
}

/** Resolves when something at this place answers. */
function answersAt(place: NonNullable<ReturnType<typeof placeOf>>): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket =
      place.host === undefined
        ? net.connect({ path: place.path })
        : net.connect({ host: place.host.replace(/^\[|\]$/g, ''), port: place.port });
    const end = (problem?: string) => {
      socket.destroy();
      if (problem === undefined) resolve();
      else reject(new Error(problem));
    };
    socket.setTimeout(ANSWER_MS, () => end(`no answer within ${ANSWER_MS / 1000} s`));
    socket.once('error', ({ message }) => end(message));
    socket.once('close', () => end('the connection was closed'));
    socket.once('data', () => end());
    // What comes in TLS has to begin with the client.
    if (process.env.DOCKER_TLS_VERIFY) socket.once('connect', () => end());
    else socket.write('GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n');
  });
}

async function loadTestcontainers(): Promise<Testcontainers> {
  // Its own cleaner is a container that has to be pulled; what we start carries our labels and is
  // removed by us (sweep.ts).
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true';
  try {
    return await import('testcontainers');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new SenderError(
      'senders in Docker need the package testcontainers: npm install testcontainers@12.2.0',
    );
  }
}

const SOCKET = '/var/run/docker.sock';

async function whatIsWrong(said: string): Promise<string> {
  const elsewhere = process.env.DOCKER_HOST;
  if (elsewhere)
    return `no Docker engine answers at DOCKER_HOST=${printable(elsewhere, 200)} (${printable(said)}). Start it, or unset DOCKER_HOST.`;
  const at = (mode: number) =>
    access(SOCKET, mode).then(
      () => true,
      () => false,
    );
  if (!(await at(constants.F_OK)))
    return `there is no Docker engine on this machine (no ${SOCKET}). ${INSTALL}`;
  if (!(await at(constants.R_OK | constants.W_OK)))
    return `this user may not use Docker (${SOCKET}): sudo usermod -aG docker "$USER", then log in again; or use rootless Docker.`;
  return `Docker is installed and does not answer (${said}). Start it: sudo systemctl start docker, or open Docker Desktop.`;
}

/**
 * Everything of ours on the engine carries these, so that it can be found and removed whatever
 * became of us.
 */
export interface Labels {
  readonly 'holdfast.run': string;
  /** `HOST:PID` of the process that has to remove it. */
  readonly 'holdfast.owner': string;
}

export function labelsOf(run: string): Labels & Record<string, string> {
  return { 'holdfast.run': run, 'holdfast.owner': `${hostname()}:${process.pid}` };
}
