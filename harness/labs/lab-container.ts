/**
 * The lab's container and its network. The network is internal, and its bridge has no address: from
 * within it there is no way to the Internet, and none to the host.
 * The lab stands in the default bridge as well, only so that its control port can be published on
 * 127.0.0.1.
 */

import { randomBytes } from 'node:crypto';
import net from 'node:net';
import { type RunningContainer, startContainer } from '../docker/container.ts';
import { type Engine, labelsOf } from '../docker/engine.ts';
import { ensureImage, type ImageSource } from '../docker/images.ts';
import { sweep, sweepRun } from '../docker/sweep.ts';
import { openTunnel, type Tunnel } from '../docker/tunnel.ts';
import { type Endpoint, SenderError } from '../model/sender.ts';
import { printable } from '../protocol/printable.ts';

export interface LabContainer extends AsyncDisposable {
  readonly id: string;
  readonly control: Endpoint;
  readonly secret: string;
  /** IPv4 prefix of the internal network. */
  readonly subnet: string;
  /** Its name. */
  readonly network: string;
  /** The labels' word for this run. */
  readonly run: string;
  readonly image: string;
}

const CONTROL_PORT = 8025;
/**
 * An internal network's bridge has an address all the same, the gateway's, and behind it are all
 * services of the host that listen everywhere. Engines since 20.10 can leave it out; since 28 they
 * call that the gateway mode `isolated`.
 */
const NO_ADDRESS = { 'com.docker.network.bridge.inhibit_ipv4': 'true' };

/**
 * A lab that waits for its user, in a network of its own. Throws SenderError; then nothing is left.
 */
export async function startLabContainer(
  engine: Engine,
  source: ImageSource,
  tell: (line: string) => void,
  signal?: AbortSignal,
): Promise<LabContainer> {
  const { dockerode } = engine;
  await sweep(dockerode);
  const image = await ensureImage(dockerode, source, tell, signal);
  const run = randomBytes(4).toString('hex');
  const secret = randomBytes(24).toString('hex');
  let tunnel: Tunnel | undefined;
  const dispose = async () => {
    tunnel?.[Symbol.dispose]();
    await sweepRun(dockerode, run);
  };
  try {
    const name = `holdfast-${run}`;
    const network = await dockerode
      .createNetwork({ Name: name, Internal: true, Options: NO_ADDRESS, Labels: labelsOf(run) })
      .catch((error: Error) => {
        throw new SenderError(
          `Docker gives the lab no network: ${printable(error.message.trim())}. Where there are too many (docker network ls), holdfast clean and docker network prune remove those that nobody uses.`,
        );
      });
    const listening = Promise.withResolvers<void>();
    const container = await startContainer(engine, {
      title: "the lab's container",
      name: 'lab',
      image,
      run,
      environment: { HOLDFAST_SECRET: secret },
      files: {},
      arguments: ['serve', '--port', String(CONTROL_PORT)],
      capabilities: ['NET_ADMIN'],
      // A slow lab makes false verdicts: the sender, however busy, comes second.
      cpuShares: 16_384,
      port: CONTROL_PORT,
      onLine: (line) => line.startsWith('listening on ') && listening.resolve(),
    });
    const error = await Promise.race([listening.promise.then(() => undefined), container.died]);
    if (error) throw error;
    await container.join(name);
    const { IPAM } = (await network.inspect()) as { IPAM: { Config: { Subnet: string }[] } };
    const subnet = IPAM.Config.find(({ Subnet }) => /^[\d.]+\/\d+$/.test(Subnet))?.Subnet;
    if (subnet === undefined)
      throw new SenderError(`Docker gave the network ${name} no IPv4 addresses`);
    const inBridge = async () => ({ address: await container.address(), port: CONTROL_PORT });
    tunnel = isElsewhere(engine)
      ? await openTunnel(dockerode, container.id, await inBridge())
      : undefined;
    const control = tunnel?.endpoint ?? (await reachable(container));
    const { id } = container;
    return {
      id,
      control,
      secret,
      subnet,
      network: name,
      run,
      image,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** DOCKER_HOST names an engine that need not be on this machine. */
const isElsewhere = ({ dockerode }: Engine) =>
  (dockerode.modem as { readonly socketPath?: string }).socketPath === undefined;

/**
 * What is published on the host's 127.0.0.1 is out of reach for a harness in a container, which finds
 * the lab in the default bridge.
 */
async function reachable(container: RunningContainer): Promise<Endpoint> {
  const published: Endpoint = { address: '127.0.0.1', port: await container.publishedPort() };
  return (await answers(published))
    ? published
    : { address: await container.address(), port: CONTROL_PORT };
}

function answers({ address, port }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: address, port });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
