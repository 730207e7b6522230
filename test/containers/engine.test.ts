/** What the harness takes from testcontainers and the engine, some of it protected members: a new release may not keep to them. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SenderError } from '../../harness/model/sender.ts';
import { type ContainerOptions, type RunningContainer, startContainer } from '../../harness/senders/docker/container.ts';
import { ensurePulled } from '../../harness/senders/docker/images.ts';
import { BASE_IMAGE, describeWithEngine, engine, leftBy, NOTHING } from './engine.ts';

const RUN = 'engine-test';

describeWithEngine('a container', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-engine-'));
    await ensurePulled(engine.dockerode, BASE_IMAGE, () => {});
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
    expect(await leftBy(process.pid)).toEqual(NOTHING);
  });

  it('is heard from its first line on, be it over at once', async () => {
    for (let round = 0; round < 4; round++) {
      const names = Array.from({ length: 5 }, (_, i) => `line ${round}.${i}`);
      const heard = await Promise.all(
        names.map(async (name) => {
          const { container, lines } = await start({ command: ['echo', name] });
          await using _ = container;
          return { error: (await container.died).message, lines };
        }),
      );
      expect(heard).toEqual(names.map((name) => ({ error: `a test exited with code 0; its last words:\n  ${name}`, lines: [name] })));
    }
  });

  it('has the name server that it was given, whatever the engine thinks of it', async () => {
    const { container, lines } = await start({ dns: '192.0.2.53', command: ['cat', '/etc/resolv.conf'] });
    await using _ = container;
    await container.died;
    expect(lines).toEqual(['nameserver 192.0.2.53', 'options trust-ad']);
    expect((await inspect(container)).HostConfig).toMatchObject({ Dns: ['192.0.2.53'], DnsOptions: ['trust-ad'] });
  });

  it('has its port published on 127.0.0.1, and nowhere else', async () => {
    const { container } = await start({ port: 8025, command: ['sleep', '60'] });
    await using _ = container;
    const { Ports } = (await inspect(container)).NetworkSettings;
    expect(Ports).toEqual({ '8025/tcp': [{ HostIp: '127.0.0.1', HostPort: String(await container.publishedPort()) }] });
  });

  it('says whose it is, so that it can be swept', async () => {
    const { container } = await start({ command: ['sleep', '60'] });
    await using _ = container;
    expect((await inspect(container)).Config.Labels).toMatchObject({ 'holdfast.run': RUN });
    expect((await leftBy(process.pid)).containers).toEqual([container.id]);
  });

  it('has the files, the texts and the environment before it starts', async () => {
    const source = join(folder, 'source');
    await writeFile(source, 'a file\n');
    const { container, lines } = await start({
      hostname: 'mta.sender.test',
      environment: { WORD: 'a word' },
      files: { '/etc/one': source },
      texts: { '/etc/two/three': 'a text\n' },
      command: ['sh', '-c', 'cat /etc/one /etc/two/three; echo "$WORD"; hostname'],
    });
    await using _ = container;
    await container.died;
    expect(lines).toEqual(['a file', 'a text', 'a word', 'mta.sender.test']);
  });

  it('is heard through a log file too, which need not be there yet', async () => {
    const { container, heard } = await start({
      logFile: '/var/log/mail.log',
      command: ['sh', '-c', 'sleep 1; echo sent >/var/log/mail.log; sleep 60'],
    });
    await using _ = container;
    await heard('sent');
  });

  it('runs commands; one that fails is told with its output', async () => {
    const { container } = await start({ command: ['sleep', '60'] });
    await using _ = container;
    expect(await container.run('echo "$DOMAINS"', { DOMAINS: 'a.test b.test' })).toBe('a.test b.test\n');
    await expect(container.run('echo "no such queue" >&2; exit 3')).rejects.toThrow(
      new SenderError('in a test, echo "no such queue" >&2; exit 3 exited with code 3; its last words:\n  no such queue'),
    );
  });

  it('restarts: what it says then is heard once, and that it ended is no death', async () => {
    const { container, lines, heard } = await start({ command: ['sh', '-c', 'echo up; trap "exit 0" TERM; sleep 60 & wait'] });
    await using _ = container;
    let dead = false;
    void container.died.then(() => {
      dead = true;
    });
    await heard('up');
    await container.restart();
    await heard('up', 2);
    expect(await container.address()).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(dead).toBe(false);
    await engine.dockerode.getContainer(container.id).kill();
    expect((await container.died).message).toMatch(/^a test exited with code 137; its last words:/);
    expect(lines).toEqual(['up', 'up']);
  });

  it('that cannot be started leaves nothing', async () => {
    await expect(start({ network: 'holdfast-is-not-there', command: ['true'] })).rejects.toThrow(/^a test cannot be started: /);
    expect(await leftBy(process.pid)).toEqual(NOTHING);
  });
});

async function start(options: Partial<ContainerOptions>) {
  const lines: string[] = [];
  const waiting: (() => void)[] = [];
  const container = await startContainer(engine, {
    title: 'a test',
    name: 'test',
    image: BASE_IMAGE,
    run: RUN,
    environment: {},
    files: {},
    entrypoint: [],
    ...options,
    onLine(line) {
      lines.push(line);
      for (const resolve of waiting.splice(0)) resolve();
    },
  });
  const heard = async (line: string, times = 1) => {
    while (lines.filter((one) => one === line).length < times) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return { container, lines, heard };
}

function inspect({ id }: RunningContainer) {
  return engine.dockerode.getContainer(id).inspect();
}
