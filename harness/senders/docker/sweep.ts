/**
 * Sweeping: what earlier runs have left on the engine because they were killed.
 */

import { hostname } from 'node:os';
import type { Dockerode } from './engine.ts';

export interface Swept {
  readonly containers: readonly string[];
  readonly networks: readonly string[];
  readonly images: readonly string[];
  /** Runs that are not over, or whose process is on another machine; they were left alone. */
  readonly kept: readonly string[];
}

export interface SweepOptions {
  /** Also of runs that are not over, or whose process is not on this machine. */
  readonly all?: boolean;
  /** Also the images that were built. */
  readonly images?: boolean;
}

/** Removes containers and networks of runs that are over. */
export async function sweep(dockerode: Dockerode, { all = false, images = false }: SweepOptions = {}): Promise<Swept> {
  const filters = { label: ['holdfast.run'] };
  const containers = await dockerode.listContainers({ all: true, filters });
  const networks = await dockerode.listNetworks({ filters });
  const isOver = ({ Labels }: { Labels?: Record<string, string> }) => all || ownerHasGone(Labels?.['holdfast.owner'] ?? '');
  const left = { containers: containers.filter(isOver), networks: networks.filter(isOver) };

  for (const { Id } of left.containers) await removed(dockerode.getContainer(Id).remove({ force: true, v: true }));
  for (const { Id } of left.networks) await removed(dockerode.getNetwork(Id).remove());
  const built = images ? await dockerode.listImages({ filters: { label: ['holdfast.image'] } }) : [];
  for (const { Id } of built) await removed(dockerode.getImage(Id).remove({ force: true }));

  const runs = [...containers, ...networks].filter((one) => !isOver(one)).map(({ Labels }) => Labels?.['holdfast.run'] ?? '');
  return {
    containers: left.containers.map(({ Names }) => Names[0]?.replace(/^\//, '') ?? ''),
    networks: left.networks.map(({ Name }) => Name),
    images: built.map(({ RepoTags, Id }) => RepoTags?.[0] ?? Id),
    kept: [...new Set(runs)],
  };
}

/** Somebody else may have been quicker. */
export async function removed(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    const { statusCode } = error as { statusCode?: number };
    // 404: gone. 409: its removal has begun.
    if (statusCode !== 404 && statusCode !== 409) throw error;
  }
}

function ownerHasGone(owner: string): boolean {
  const [, host, pid] = /^(.*):(\d+)$/.exec(owner) ?? [];
  if (host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    // EPERM: it lives, and is not ours.
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
