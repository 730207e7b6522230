/** The engine for tests that need one. Without one they are skipped, and the engine's own sentence says why. */

import { hostname } from 'node:os';
import { describe } from 'vitest';
import { SenderError } from '../../harness/model/sender.ts';
import { connectEngine, type Engine } from '../../harness/senders/docker/engine.ts';

/** What the senders' images are made from. */
export const BASE_IMAGE = 'debian:trixie-slim';

const connected = await connectEngine().catch((error: unknown) => {
  if (error instanceof SenderError) return error;
  throw error;
});

/** Only for use within tests: where there is none, no test is run. */
export const engine = connected as Engine;

export function describeWithEngine(title: string, tests: () => void): void {
  if (connected instanceof SenderError) describe.skip(`${title}, skipped: ${connected.message}`, tests);
  else describe(title, tests);
}

export interface Left {
  readonly containers: readonly string[];
  readonly networks: readonly string[];
}

/** What is on the engine of this process's runs, by id. */
export async function leftBy(pid: number): Promise<Left> {
  const filters = { label: [`holdfast.owner=${hostname()}:${pid}`] };
  const [containers, networks] = await Promise.all([
    engine.dockerode.listContainers({ all: true, filters }),
    engine.dockerode.listNetworks({ filters }),
  ]);
  return { containers: containers.map(({ Id }) => Id), networks: networks.map(({ Id }) => Id) };
}

export const NOTHING: Left = { containers: [], networks: [] };

/** Images that tests have built, by what they were built for. */
export async function removeImages(name: string): Promise<void> {
  const images = await engine.dockerode.listImages({ filters: { label: [`holdfast.image=${name}`] } });
  for (const { Id } of images) await engine.dockerode.getImage(Id).remove({ force: true });
}
