/**
 * Sweeping: what earlier runs have left on the engine because they were killed.
 */

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { SenderError } from '../model/sender.ts';
import type { Dockerode } from './engine.ts';

export interface Swept {
  readonly containers: readonly string[];
  readonly networks: readonly string[];
  readonly images: readonly string[];
  /** Runs that are not over, or whose process is on another machine; they were left alone. */
  readonly kept: readonly string[];
  /** What the engine did not let go. */
  readonly stuck: readonly Stuck[];
}

interface Stuck {
  readonly kind: 'container' | 'network';
  readonly name: string;
  /** In the engine's words. */
  readonly why: string;
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

  const stuck: Stuck[] = [];
  const removedOf = async (
    kind: Stuck['kind'],
    them: readonly { readonly id: string; readonly name: string }[],
  ) => {
    const removed: string[] = [];
    for (const { id, name } of them) {
      const why = await refusalOf(REMOVALS[kind](dockerode, id));
      if (why === undefined) removed.push(name);
      else stuck.push({ kind, name, why });
    }
    return removed;
  };
  const removedContainers = await removedOf(
    'container',
    left.containers.map(({ Id, Names }) => ({ id: Id, name: Names[0]?.replace(/^\//, '') ?? '' })),
  );
  const removedNetworks = await removedOf(
    'network',
    left.networks.map(({ Id, Name }) => ({ id: Id, name: Name })),
  );
  const built = images
    ? await dockerode.listImages({ filters: { label: ['holdfast.image'] } })
    : [];
  for (const { Id } of built) await removed(dockerode.getImage(Id).remove({ force: true }));

  const runs = [...containers, ...networks]
    .filter((one) => !isOver(one))
    .map(({ Labels }) => Labels?.['holdfast.run'] ?? '');
  return {
    containers: removedContainers,
    networks: removedNetworks,
    images: built.map(({ RepoTags, Id }) => RepoTags?.[0] ?? Id),
    kept: [...new Set(runs)],
    stuck,
  };
}

/** Removes what belongs to this run, whoever is still about to start or to stop it. */
export async function sweepRun(dockerode: Dockerode, run: string): Promise<void> {
  const filters = { label: [`holdfast.run=${run}`] };
  // What the engine does not let go stays for the next sweep.
  for (const { Id } of await dockerode.listContainers({ all: true, filters }))
    await refusalOf(removeContainer(dockerode, Id));
  for (const { Id } of await dockerode.listNetworks({ filters }))
    await refusalOf(removeNetwork(dockerode, Id));
}

/** Why the engine does not do it; undefined: it has done it. Throws when it does not answer. */
async function refusalOf(removal: Promise<void>): Promise<string | undefined> {
  try {
    await removal;
    return undefined;
  } catch (error) {
    const isRefusal = error instanceof SenderError || statusOf(error) !== undefined;
    if (!isRefusal) throw error;
    return (error as Error).message;
  }
}

const statusOf = (error: unknown) => (error as { statusCode?: number }).statusCode;

/** What is still `created` after so long was never started. */
const STARTING_MS = 2000;
const LOOK_MS = 100;
/** For a removal that has begun. */
const REMOVAL_SECONDS = 60;

/** Resolves when it is gone, whoever removed it. Throws SenderError when that takes too long. */
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
    if (statusOf(error) !== 409) throw error;
    await gone(container);
  }
}

async function gone(container: ReturnType<Dockerode['getContainer']>): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), REMOVAL_SECONDS * 1000);
  try {
    await removed(container.wait({ condition: 'removed', abortSignal: late.signal }));
  } catch (error) {
    if (!late.signal.aborted) throw error;
    throw new SenderError(
      `Docker has begun to remove the container ${container.id} and is not done with it in ${REMOVAL_SECONDS} s`,
    );
  } finally {
    clearTimeout(timer);
  }
}

/** Throws while a container that is none of ours does not let itself be thrown out of it. */
async function removeNetwork(dockerode: Dockerode, id: string): Promise<void> {
  const network = dockerode.getNetwork(id);
  try {
    await removed(network.remove());
  } catch (error) {
    if (statusOf(error) !== 403) throw error;
    const { Containers = {} } = (await network.inspect()) as {
      Containers?: Record<string, { Name: string }>;
    };
    for (const { Name } of Object.values(Containers))
      await network.disconnect({ Container: Name, Force: true }).catch(() => {});
    await removed(network.remove());
  }
}

const REMOVALS = { container: removeContainer, network: removeNetwork };

/** What is gone needs no removal. */
async function removed(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
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
