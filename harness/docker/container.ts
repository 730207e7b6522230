/**
 * A container, started by testcontainers: what it prints, line by line, what is run in it, and its
 * end.
 *
 * testcontainers has no word for name servers and addresses; they are set on its protected members
 * `hostConfig` and `createOpts`, and `containerCreated` is its protected hook; a test holds it to
 * them.
 */

import { randomBytes } from 'node:crypto';
import { type Duplex, PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { ContainerPlace } from '../model/contract.ts';
import { SenderError } from '../model/sender.ts';
import { keepLast, lastWords, onLines } from '../process/lines.ts';
import { END_SECONDS } from '../process/shell.ts';
import { printable } from '../protocol/printable.ts';
import { type Dockerode, type Engine, labelsOf } from './engine.ts';
import {
  type Entry,
  endOf,
  entryOf,
  type ImageWords,
  nameServerCommand,
  needsRoot,
  startProblem,
} from './entry.ts';
import { keepShells } from './shells.ts';
import { removeContainer } from './sweep.ts';

export interface ContainerOptions
  extends Pick<ContainerPlace, 'hostname' | 'environment' | 'files'>,
    Entry {
  /** Said in errors. */
  readonly title: string;
  /** A part of its name on the engine. */
  readonly name: string;
  readonly image: string;
  /** Of the run that it belongs to. */
  readonly run: string;
  /** Docker's name for the network; default: its default bridge. */
  readonly network?: string;
  readonly capabilities?: readonly string[];
  /** Kernel settings of its network. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Weight of its claim on a busy processor; others have 1024. */
  readonly cpuShares?: number;
  /** Published on a free port of 127.0.0.1. */
  readonly port?: number;
  /** Texts to put there, by path. */
  readonly texts?: Readonly<Record<string, string>>;
  onLine(line: string): void;
}

export interface RunningContainer extends AsyncDisposable {
  readonly id: string;
  /** In its network; another after a restart, maybe. */
  address(): Promise<string>;
  /** Of 127.0.0.1. */
  publishedPort(): Promise<number>;
  join(network: string): Promise<void>;
  /** What a shell prints. Throws SenderError when its exit code is not 0. */
  run(command: string, environment?: Readonly<Record<string, string>>): Promise<string>;
  restart(): Promise<void>;
  /** Resolves when it has ended and nobody wanted it to; its last words are in the error. */
  readonly died: Promise<SenderError>;
}

/** Throws SenderError; then nothing is left. */
export async function startContainer(
  engine: Engine,
  options: ContainerOptions,
): Promise<RunningContainer> {
  const { title, network, onLine } = options;
  const { dockerode, client } = engine;
  const kept: string[] = [];
  let heard: Promise<void> = Promise.resolve();
  const attached: Duplex[] = [];
  const hear = async (container: Container) => {
    const stream = (await container.attach(OUTPUT)) as Duplex;
    attached.push(stream);
    const output = new PassThrough();
    dockerode.modem.demuxStream(stream, output, output);
    for (const event of ['error', 'end', 'close']) stream.once(event, () => output.end());
    heard = onLines(output, (line) => {
      keepLast(kept, line);
      onLine(line);
    });
  };
  const died = Promise.withResolvers<SenderError>();
  let created: string | undefined;
  const { Config } = await dockerode.getImage(options.image).inspect();
  const definition = define(engine, options, Config, async (id) => {
    created = id;
    // Heard before it starts, so that nothing is missed.
    await hear(dockerode.getContainer(id));
  });
  const started = await definition.start().catch(async (error: unknown) => {
    if (created !== undefined) await removeContainer(dockerode, created);
    for (const stream of attached) stream.destroy();
    throw new SenderError(
      `${title} cannot be started: ${printable(startProblem(error instanceof Error ? error.message : String(error)))}`,
    );
  });
  const container = dockerode.getContainer(started.getId());
  const { dns } = options;
  const putNameServer = async () => {
    if (dns === undefined || !needsRoot(Config)) return;
    // Where that cannot be done the container ends, and says why.
    await runAsRoot(container, nameServerCommand(dns)).catch(() => {});
  };
  await putNameServer();
  let life = { endIsWanted: false };
  const watch = () => {
    const watched = life;
    void container.wait().then(
      async ({ StatusCode }: { StatusCode: number }) => {
        if (watched.endIsWanted) return;
        // What it printed last may still be on its way.
        await heard;
        died.resolve(new SenderError(`${title} ${endOf(StatusCode)}${lastWords(kept)}`));
      },
      (error: Error) => {
        if (!watched.endIsWanted)
          died.resolve(new SenderError(`${title} has gone: ${printable(error.message)}`));
      },
    );
  };
  watch();
  const shells = keepShells(dockerode, container.id, title);

  return {
    id: started.getId(),
    async address() {
      const { NetworkSettings } = await container.inspect();
      const { IPAddress } = NetworkSettings.Networks[network ?? 'bridge'] ?? {};
      if (!IPAddress)
        throw new SenderError(`${title} has no address in the network ${network ?? 'bridge'}`);
      return IPAddress;
    },
    async publishedPort() {
      const { NetworkSettings } = await container.inspect();
      const port = NetworkSettings.Ports[`${options.port}/tcp`]?.[0]?.HostPort;
      if (!port) throw new SenderError(`Docker did not publish port ${options.port} of ${title}`);
      return Number(port);
    },
    join: (name) => dockerode.getNetwork(name).connect({ Container: container.id }),
    run: (command, environment = {}) => shells.run(command, environment),
    async restart() {
      life.endIsWanted = true;
      shells.close();
      await client.container.stop(container, { timeout: END_SECONDS * 1000 });
      // Attached before it starts: nothing is heard twice, and nothing is missed.
      await hear(container);
      life = { endIsWanted: false };
      await container.start();
      watch();
      await putNameServer();
    },
    died: died.promise,
    async [Symbol.asyncDispose]() {
      life.endIsWanted = true;
      shells.close();
      await removeContainer(dockerode, container.id);
      // An engine may leave them open, though the container is gone.
      for (const stream of attached) stream.destroy();
    },
  };
}

type Container = ReturnType<Dockerode['getContainer']>;

export const OUTPUT = { stream: true, stdout: true, stderr: true };

/** Until the command has ended. */
async function runAsRoot(container: Container, command: string[]): Promise<void> {
  const exec = await container.exec({ Cmd: command, User: '0', AttachStdout: true });
  const output = await exec.start({});
  await finished(output.resume());
}

/** Not started; all that the options say is set on it. */
function define(
  { testcontainers }: Engine,
  options: ContainerOptions,
  image: ImageWords,
  onCreated: (id: string) => Promise<void>,
) {
  class Definition extends testcontainers.GenericContainer {
    constructor() {
      super(options.image);
      this.containerCreated = onCreated;
      if (options.dns !== undefined)
        Object.assign(this.hostConfig, { Dns: [options.dns], DnsOptions: ['trust-ad'] });
      if (options.sysctls !== undefined) this.hostConfig.Sysctls = { ...options.sysctls };
      if (options.cpuShares !== undefined) this.hostConfig.CpuShares = options.cpuShares;
      if (options.port !== undefined) {
        this.createOpts.ExposedPorts = { [`${options.port}/tcp`]: {} };
        this.hostConfig.PortBindings = {
          [`${options.port}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: '' }],
        };
      }
    }
  }
  const { entrypoint, command } = entryOf(image, options);
  const definition = new Definition()
    .withName(`holdfast-${options.run}-${options.name}-${randomBytes(2).toString('hex')}`)
    .withLabels(labelsOf(options.run))
    .withEnvironment({ ...options.environment })
    .withAddedCapabilities(...(options.capabilities ?? []))
    .withCopyContentToContainer(
      Object.entries(options.texts ?? {}).map(([target, content]) => ({ target, content })),
    )
    .withCopyFilesToContainer(
      Object.entries(options.files).map(([target, source]) => ({ target, source })),
    )
    // Whoever starts it knows better when it is ready.
    .withWaitStrategy(AT_ONCE)
    .withEntrypoint(entrypoint)
    .withCommand(command);
  if (options.network !== undefined) definition.withNetworkMode(options.network);
  if (options.hostname !== undefined) definition.withHostname(options.hostname);
  return definition;
}

const AT_ONCE: import('testcontainers').WaitStrategy = {
  waitUntilReady: async () => {},
  withStartupTimeout: () => AT_ONCE,
  isStartupTimeoutSet: () => true,
  getStartupTimeout: () => 0,
};
