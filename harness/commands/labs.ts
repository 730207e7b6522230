/**
 * Labs: the one that a sender needs, opened where that sender can reach it.
 */

import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lab } from '../lab/lab.ts';
import type { LabKind } from '../model/sender.ts';
import type { ImageSource } from '../senders/docker/images.ts';
import { findPackage } from '../shipped.ts';

/** Everything is loaded here, not above: it takes longer to load than most commands to run. */
export async function openLab(kind: LabKind, tell: (line: string) => void): Promise<Lab> {
  if (kind === 'docker') return openDockerLab(tell);
  if (kind !== 'loopback') throw new Error('not yet');
  const { startLab } = await import('../lab/lab.ts');
  return startLab();
}

/** The lab in a container, in a network of its own; both go when it is disposed. Throws SenderError. */
async function openDockerLab(tell: (line: string) => void): Promise<Lab> {
  const { connectEngine } = await import('../senders/docker/engine.ts');
  const { startLabContainer } = await import('../senders/docker/lab-container.ts');
  const { connectLab } = await import('../lab/remote.ts');
  const container = await startLabContainer(await connectEngine(), labImage(), tell);
  try {
    const { control, secret, subnet, network, run } = container;
    const lab = await connectLab({ control, secret, network: subnet, docker: { name: network, run } });
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

/** The image holds this Holdfast: its source in a checkout, what was compiled from it in a package. */
function labImage(): ImageSource {
  const isSource = extname(fileURLToPath(import.meta.url)) === '.ts';
  return {
    name: 'the lab',
    repository: 'holdfast-lab',
    context: findPackage().folder,
    paths: ['package.json', 'docker/lab/Dockerfile', ...(isSource ? ['harness', 'certs'] : ['dist'])],
    dockerfile: 'docker/lab/Dockerfile',
    args: { CLI: isSource ? 'harness/cli.ts' : 'dist/harness/cli.js' },
  };
}
