/**
 * The engine for tests that need one. Without one they are skipped, and the engine's own sentence
 * says why.
 */

import { hostname } from 'node:os';
import { describe } from 'vitest';
import { type ContainerOptions, startContainer } from '../../harness/docker/container.ts';
import { connectEngine, type Engine } from '../../harness/docker/engine.ts';
import { SenderError } from '../../harness/model/sender.ts';

/** What the senders' images are made from. */
export const BASE_IMAGE = 'debian:trixie-slim';

const connected = await connectEngine().catch((error: unknown) => {
  if (error instanceof SenderError) return error;
  throw error;
});

/** Only for use within tests: where there is none, no test is run. */
export const engine = connected as Engine;

export function describeWithEngine(title: string, tests: () => void): void {
  if (connected instanceof SenderError)
    describe.skip(`${title}, skipped: ${connected.message}`, tests);
  else describe(title, tests);
}

/** The run that containers of tests belong to. */
export const TEST_RUN = 'test';

/**
 * A container of the base image, unless the options say otherwise: its lines so far, and a wait for
 * one of them.
 */
export async function startOne(options: Partial<ContainerOptions>) {
  const lines: string[] = [];
  const waiting: (() => void)[] = [];
  const container = await startContainer(engine, {
    title: 'a test',
    name: 'test',
    image: BASE_IMAGE,
    run: TEST_RUN,
    environment: {},
    files: {},
    ...options,
    onLine(line) {
      lines.push(line);
      for (const resolve of waiting.splice(0)) resolve();
    },
  });
  const heard = async (line: string, times = 1) => {
    while (lines.filter((one) => one === line).length < times)
      await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return { container, lines, heard };
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
  const images = await engine.dockerode.listImages({
    filters: { label: [`holdfast.image=${name}`] },
  });
  for (const { Id } of images) await engine.dockerode.getImage(Id).remove({ force: true });
}
