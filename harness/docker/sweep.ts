/**
 * Sweeping: what earlier runs have left on the engine because they were killed.
 */

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Dockerode } from './engine.ts';

export interface Swept {
  readonly containers: readonly string[];
  readonly networks: readonly string[];
  readonly images: readonly string[];
  /** Runs that are not over, or whose process is on another machine; they were left alone. */
  readonly kept: readonly string[];
  /** Networks that the engine did not let go. */
  readonly stuck: readonly string[];
}

export interface SweepOptions {
  /** Also of runs that are not over, or whose process is not on this machine. */
  readonly all?: boolean;
  /** Also the images that were built. */
  readonly images?: boolean;
}

/** Removes containers and networks of runs that are over. */
export async function sweep(
  dockerode: Dockerode,
  { all = false, images = false }: SweepOptions = {},
): Promise<Swept> {
  const filters = { label: ['holdfast.run'] };
  const containers = await dockerode.listContainers({ all: true, filters });
  const networks = await dockerode.listNetworks({ filters });
  const isOver = ({ Labels }: { Labels?: Record<string, string> }) =>
    all || ownerHasGone(Labels?.['holdfast.owner'] ?? '');
  const left = { containers: containers.filter(isOver), networks: networks.filter(isOver) };

  for (const { Id } of left.containers) await removeContainer(dockerode, Id);
  const stuck: string[] = [];
  for (const { Id, Name } of left.networks)
    if (!(await networkRemoved(dockerode, Id))) stuck.push(Name);
  const built = images
    ? await dockerode.listImages({ filters: { label: ['holdfast.image'] } })
    : [];
  for (const { Id } of built) await removed(dockerode.getImage(Id).remove({ force: true }));

  const runs = [...containers, ...networks]
    .filter((one) => !isOver(one))
    .map(({ Labels }) => Labels?.['holdfast.run'] ?? '');
  return {
    containers: left.containers.map(({ Names }) => Names[0]?.replace(/^\//, '') ?? ''),
    networks: left.networks.map(({ Name }) => Name).filter((name) => !stuck.includes(name)),
    images: built.map(({ RepoTags, Id }) => RepoTags?.[0] ?? Id),
    kept: [...new Set(runs)],
    stuck,
  };
}

/** Removes what belongs to this run, whoever is still about to start or to stop it. */
export async function sweepRun(dockerode: Dockerode, run: string): Promise<void> {
  const filters = { label: [`holdfast.run=${run}`] };
  for (const { Id } of await dockerode.listContainers({ all: true, filters }))
    await removeContainer(dockerode, Id);
  // What somebody else has put into the network stays, and it with it, for the next sweep.
  for (const { Id } of await dockerode.listNetworks({ filters }))
    await networkRemoved(dockerode, Id);
}

/** What is still `created` after so long was never started. */
const STARTING_MS = 2000;
const LOOK_MS = 100;

/** Resolves when it is gone, whoever removed it. */
export async function removeContainer(dockerode: Dockerode, id: string): Promise<void> {
  const container = dockerode.getContainer(id);
  // One that is removed while it starts stays in its network for ever, as some releases of the
  // engine see it.
  const isStarting = async () =>
    (await container.inspect().catch(() => undefined))?.State.Status === 'created';
  for (let waited = 0; waited < STARTING_MS && (await isStarting()); waited += LOOK_MS)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  try {
    await removed(container.remove({ force: true, v: true }));
  } catch (error) {
    // 409: its removal has begun.
    if ((error as { statusCode?: number }).statusCode !== 409) throw error;
    await removed(container.wait({ condition: 'removed' }));
  }
}

/**
 * Whether the network is gone; it is not while a container that is none of ours does not let itself
 * be thrown out of it.
 */
async function networkRemoved(dockerode: Dockerode, id: string): Promise<boolean> {
  const network = dockerode.getNetwork(id);
  const tried = async () => {
    try {
      await removed(network.remove());
      return true;
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode !== 403) throw error;
      return false;
    }
  };
  if (await tried()) return true;
  const { Containers = {} } = (await network.inspect()) as {
    Containers?: Record<string, { Name: string }>;
  };
  for (const { Name } of Object.values(Containers))
    await network.disconnect({ Container: Name, Force: true }).catch(() => {});
  return tried();
}

/** What is gone needs no removal. */
async function removed(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== 404) throw error;
  }
}

function ownerHasGone(owner: string): boolean {
  const [, host, pid] = /^(.*):(\d+)$/.exec(owner) ?? [];
  if (host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return isZombie(pid!);
  } catch (error) {
    // EPERM: it lives, and is not ours.
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Linux: a process that has ended, and whose parent has not asked for it yet. */
function isZombie(pid: string): boolean {
  try {
    return /^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}
