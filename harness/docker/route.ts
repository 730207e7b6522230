/**
 * One way to all of the lab's addresses. Each of them would take a place in the kernel's table of
 * neighbours, which holds a thousand for all containers together; beyond that connections time out.
 */

import { randomBytes } from 'node:crypto';
import { type DockerNetwork, SenderError } from '../model/sender.ts';
import { printable } from '../protocol/printable.ts';
import { type Engine, labelsOf } from './engine.ts';
import { removeContainer } from './sweep.ts';

/**
 * Has a container send what is for the lab's addresses to the lab's own one. The container need not
 * have a right to do so, nor a tool: one that shares its network for a moment does. Throws
 * SenderError.
 */
export async function routeToLab(
  { dockerode }: Engine,
  id: string,
  network: DockerNetwork,
  gateway: string,
): Promise<void> {
  const { run, image, addresses } = network;
  const helper = await dockerode.createContainer({
    Image: image,
    name: `holdfast-${run}-route-${randomBytes(2).toString('hex')}`,
    Labels: labelsOf(run),
    Entrypoint: ['ip'],
    Cmd: ['route', 'replace', addresses, 'via', gateway],
    HostConfig: { NetworkMode: `container:${id}`, CapAdd: ['NET_ADMIN'] },
  });
  try {
    await helper.start();
    const { StatusCode } = (await helper.wait()) as { StatusCode: number };
    if (StatusCode !== 0)
      throw new SenderError(
        `the route to the lab cannot be set in the container: ip exited with code ${StatusCode}`,
      );
  } catch (error) {
    throw error instanceof SenderError
      ? error
      : new SenderError(
          `the route to the lab cannot be set: ${printable((error as Error).message)}`,
        );
  } finally {
    await removeContainer(dockerode, helper.id);
  }
}
