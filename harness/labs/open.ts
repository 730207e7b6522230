/**
 * Labs: the one that a sender needs, opened where that sender can reach it.
 */

import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ImageSource } from '../docker/images.ts';
import type { Lab } from '../lab/lab.ts';
import type { LabKind } from '../model/sender.ts';
import { readPrefix, showPrefix, upperHalf } from '../protocol/ipv4.ts';
import { findPackage } from '../shipped.ts';

/**
 * Everything is loaded here, not above: it takes longer to load than most commands to run. A signal
 * ends the building of an image.
 */
export async function openLab(
  kind: LabKind,
  tell: (line: string) => void,
  signal?: AbortSignal,
): Promise<Lab> {
  if (kind === 'docker') return openDockerLab(tell, signal);
  if (kind !== 'loopback') return openAddressLab(kind);
  const { startLab } = await import('../lab/lab.ts');
  return startLab();
}

/**
 * The lab in this process, at addresses that are this machine's; their block takes all but the name
 * server.
 */
async function openAddressLab({ dns, addresses }: Exclude<LabKind, string>): Promise<Lab> {
  const { startLab } = await import('../lab/lab.ts');
  const { createAddressFabric } = await import('../lab/address-fabric.ts');
  const { createSubmitter } = await import('../senders/submission.ts');
  const block = readPrefix(addresses);
  if (block === undefined) throw new Error(`${addresses} is no IPv4 prefix`);
  const lab = await startLab({
    openFabric: () => createAddressFabric(block),
    dns: { address: dns, port: 53 },
  });
  const { submit, greets, [Symbol.dispose]: closeSubmitter } = createSubmitter();
  return {
    ...lab,
    access: { ...lab.access, network: { submit, greets, caughtUp: async () => {} } },
    async [Symbol.asyncDispose]() {
      closeSubmitter();
      await lab[Symbol.asyncDispose]();
    },
  };
}

/**
 * The lab in a container, in a network of its own; both go when it is disposed. Throws SenderError.
 */
async function openDockerLab(tell: (line: string) => void, signal?: AbortSignal): Promise<Lab> {
  const { connectEngine } = await import('../docker/engine.ts');
  const { startLabContainer } = await import('./lab-container.ts');
  const { connectLab } = await import('../lab/remote.ts');
  const container = await startLabContainer(await connectEngine(), labImage(), tell, signal);
  try {
    const { control, secret, subnet, network, run, image } = container;
    const addresses = showPrefix(upperHalf(readPrefix(subnet)!));
    const lab = await connectLab({
      control,
      secret,
      network: subnet,
      docker: { name: network, run, addresses, image },
    });
    return {
      ...lab,
      async [Symbol.asyncDispose]() {
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
