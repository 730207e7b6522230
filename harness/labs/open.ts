/**
 * Labs: the one that a sender needs, opened where that sender can reach it.
 */

import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ImageSource } from '../docker/images.ts';
import type { Lab } from '../lab/lab.ts';
import type { LabKind } from '../model/sender.ts';
import { captureCommand, captureHere } from '../process/capture.ts';
import { readPrefix, showPrefix, upperHalf } from '../protocol/ipv4.ts';
import { findPackage } from '../shipped.ts';

export interface OpenOptions {
  /** Of an image's building. */
  readonly signal?: AbortSignal;
  /** The packets of its worlds are captured: not on loopback, where it shares its addresses. */
  readonly isCaptured?: boolean;
}

/**
 * Everything is loaded here, not above: it takes longer to load than most commands to run. A signal
 * ends the building of an image.
 */
export async function openLab(
  kind: LabKind,
  tell: (line: string) => void,
  options: OpenOptions = {},
): Promise<Lab> {
  if (kind === 'docker') return openDockerLab(tell, options);
  if (kind !== 'loopback') return openAddressLab(kind, tell, options);
  const { startLab } = await import('../lab/lab.ts');
  return startLab();
}

/**
 * The lab in this process, at addresses that are this machine's; their block takes all but the name
 * server.
 */
async function openAddressLab(
  { dns, addresses }: Exclude<LabKind, string>,
  tell: (line: string) => void,
  { isCaptured }: OpenOptions,
): Promise<Lab> {
  const { startLab } = await import('../lab/lab.ts');
  const { createAddressFabric } = await import('../lab/address-fabric.ts');
  const { createSubmitter } = await import('../senders/submission.ts');
  const block = readPrefix(addresses);
  if (block === undefined) throw new Error(`${addresses} is no IPv4 prefix`);
  const { sortPackets } = await import('./packets.ts');
  const capture = isCaptured
    ? await captureHere(`ip and (net ${addresses} or host ${dns})`, tell)
    : undefined;
  const lab = await startLab({
    openFabric: () => createAddressFabric(block),
    dns: { address: dns, port: 53 },
  }).catch(async (error) => {
    await capture?.[Symbol.asyncDispose]();
    throw error;
  });
  const { submit, greets, [Symbol.dispose]: closeSubmitter } = createSubmitter();
  return {
    ...lab,
    ...(capture && sortPackets(capture.output, block, tell)),
    access: { ...lab.access, network: { submit, greets, caughtUp: async () => {} } },
    async [Symbol.asyncDispose]() {
      closeSubmitter();
      await capture?.[Symbol.asyncDispose]();
      await lab[Symbol.asyncDispose]();
    },
  };
}

/**
 * The lab in a container, in a network of its own; both go when it is disposed. Throws SenderError.
 */
async function openDockerLab(
  tell: (line: string) => void,
  { signal, isCaptured }: OpenOptions,
): Promise<Lab> {
  const { connectEngine } = await import('../docker/engine.ts');
  const { startLabContainer } = await import('./lab-container.ts');
  const { connectLab } = await import('../lab/remote.ts');
  const { captureBeside } = await import('../docker/capture.ts');
  const { sortPackets } = await import('./packets.ts');
  const engine = await connectEngine();
  const container = await startLabContainer(engine, labImage(), tell, signal);
  try {
    const { control, secret, subnet, network, run, image } = container;
    const block = upperHalf(readPrefix(subnet)!);
    const addresses = showPrefix(block);
    const packets = isCaptured
      ? await captureBeside(engine, {
          container: container.id,
          run,
          source: captureImage(),
          command: captureCommand(`ip and net ${subnet}`),
          tell,
          signal,
        })
      : undefined;
    const lab = await connectLab({
      control,
      secret,
      network: subnet,
      docker: { name: network, run, addresses, image },
    });
    return {
      ...lab,
      ...(packets && sortPackets(packets.output, block, tell)),
      async [Symbol.asyncDispose]() {
        await packets?.[Symbol.asyncDispose]();
        await lab[Symbol.asyncDispose]();
        await container[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await container[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * The image holds this Holdfast: its source in a checkout, what was compiled from it in a package.
 */
export function labImage(): ImageSource {
  const isSource = extname(fileURLToPath(import.meta.url)) === '.ts';
  return {
    name: 'the lab',
    repository: 'holdfast-lab',
    context: findPackage().folder,
    paths: [
      'package.json',
      'docker/lab/Dockerfile',
      ...(isSource ? ['harness', 'certs'] : ['dist']),
    ],
    dockerfile: 'docker/lab/Dockerfile',
    args: { CLI: isSource ? 'harness/cli.ts' : 'dist/harness/cli.js' },
  };
}

/** tcpdump. */
const captureImage = (): ImageSource => ({
  name: 'the capture of packets',
  repository: 'holdfast-capture',
  context: join(findPackage().folder, 'docker', 'capture'),
  args: {},
});

/**
 * Makes sure that packets can be captured in labs of these kinds. Throws SenderError with what to
 * do where they can't.
 */
export async function prepareCapture(
  kinds: readonly LabKind[],
  tell: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  if (kinds.includes('docker')) {
    const { connectEngine } = await import('../docker/engine.ts');
    const { ensureImage } = await import('../docker/images.ts');
    const { dockerode } = await connectEngine();
    await ensureImage(dockerode, captureImage(), tell, signal);
  }
  if (kinds.some((kind) => typeof kind === 'object')) {
    await using _ = await captureHere('udp port 9', tell);
  }
}
