/**
 * A mail server in a container as a sender under test, by its contract.
 */

import { startContainer } from '../docker/container.ts';
import { connectEngine, type Engine, isEngineChosen } from '../docker/engine.ts';
import { ensureImage, ensurePulled } from '../docker/images.ts';
import { routeToLab } from '../docker/route.ts';
import type { ContainerPlace, SenderContract } from '../model/contract.ts';
import { type LabAccess, type MessageStatus, type Sender, SenderError } from '../model/sender.ts';
import { trustFiles } from '../process/environment.ts';
import { drive } from './contract/drive.ts';
import { described, versionIn } from './contract/version.ts';
import { createDkimKey, type DkimKey } from './dkim-key.ts';

/**
 * The sender that a contract describes. Its image is built, and its version known, once it is
 * prepared.
 */
export function containerSender(contract: SenderContract, place: ContainerPlace): Sender {
  const { name } = contract;
  let engine: Engine | undefined;
  let image: string | undefined;
  let dkimKey: Promise<DkimKey> | undefined;
  const sender: Sender = {
    ...described(contract),
    dkim: contract.dkim !== undefined,
    perInstance: contract.instances === 'exclusive' ? 'trial' : 'run',
    lab: 'docker',
    async unavailable() {
      try {
        engine = await connectEngine();
        return undefined;
      } catch (error) {
        // Where the user has said which engine it has to be, none will not do.
        if (error instanceof SenderError && !isEngineChosen()) return error.message;
        throw error;
      }
    },
    async prepare(tell, signal) {
      engine ??= await connectEngine();
      const { dockerode } = engine;
      if (typeof place.image === 'string') await ensurePulled(dockerode, place.image, tell, signal);
      image =
        typeof place.image === 'string'
          ? place.image
          : await ensureImage(
              dockerode,
              {
                name,
                repository: 'holdfast-sender',
                without: ['sender.yaml', 'known.yaml'],
                ...place.image,
              },
              tell,
              signal,
            );
      return { ...sender, version: await versionOf(engine, image, contract) };
    },
    async start(lab, onStatus, onLine) {
      if (!engine || image === undefined) throw new SenderError(`${name} was not prepared`);
      if (contract.dkim !== undefined) dkimKey ??= createDkimKey(name);
      const dkim = await dkimKey;
      return start({ engine, image, contract, place, dkim, lab, onStatus, onLine });
    },
  };
  return sender;
}

interface Start {
  readonly engine: Engine;
  readonly image: string;
  readonly contract: SenderContract;
  readonly place: ContainerPlace;
  readonly dkim?: DkimKey;
  readonly lab: LabAccess;
  readonly onStatus: (status: MessageStatus) => void;
  readonly onLine?: (line: string) => void;
}

const OBITUARY_MS = 2000;

async function start({ engine, image, contract, place, dkim, lab, onStatus, onLine }: Start) {
  const { network, dns } = lab;
  if (!network?.docker)
    throw new SenderError(`${contract.name} runs in a container, and this lab is not in Docker`);
  const { docker } = network;
  const { from } = contract.log;
  if (dkim) await lab.publish(dkim.record.name, dkim.record.text);
  return drive({
    contract,
    network,
    onStatus,
    onLine,
    async startServer(hear) {
      const container = await startContainer(engine, {
        title: contract.name,
        name: contract.name,
        image,
        run: docker.run,
        network: docker.name,
        dns: dns.address,
        hostname: place.hostname,
        environment: { ...place.environment, ...(dkim && { DKIM_SELECTOR: dkim.selector }) },
        sysctls: place.sysctls,
        files: place.files,
        command: place.command,
        texts: {
          ...trustFiles(contract, lab),
          ...(dkim && contract.dkim && { [contract.dkim]: dkim.privateKey }),
        },
        ...(typeof from === 'object' && 'file' in from ? { logFile: from.file } : {}),
        onLine: hear,
      });
      // Of servers for one scenario at a time none sees so many addresses, and their restarts would
      // wait for it.
      const route = async () => {
        if (contract.instances === 'shared')
          await routeToLab(engine, container.id, docker, dns.address);
      };
      try {
        await route();
      } catch (error) {
        // A container that ends at once has no network to set a route in; its own last words say
        // more.
        const obituary = await Promise.race([
          container.died,
          new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), OBITUARY_MS)),
        ]);
        await container[Symbol.asyncDispose]();
        throw obituary ?? error;
      }
      return {
        ...container,
        host: container.address,
        async restart() {
          await container.restart();
          await route();
        },
      };
    },
  });
}

/** Asked in a container that has no network, and lives no longer than a minute. */
async function versionOf(engine: Engine, image: string, contract: SenderContract): Promise<string> {
  return versionIn(contract, async (command) => {
    await using container = await startContainer(engine, {
      title: `${contract.name} (version.command)`,
      name: contract.name,
      image,
      run: 'version',
      network: 'none',
      environment: {},
      files: {},
      command: ['sleep', '60'],
      onLine: () => {},
    });
    // Awaited here: what is returned unawaited outlives the container.
    return await container.run(command);
  });
}
