/**
 * What the harness takes from testcontainers and the engine, some of it protected members: a new
 * release may not keep to them.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningContainer } from '../../harness/docker/container.ts';
import { ensureImage, ensurePulled } from '../../harness/docker/images.ts';
import {
  BASE_IMAGE,
  describeWithEngine,
  engine,
  leftBy,
  NOTHING,
  removeImages,
  startOne,
  TEST_RUN,
} from './engine.ts';

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
          const { container, lines } = await startOne({ command: ['echo', name] });
          await using _ = container;
          return { error: (await container.died).message, lines };
        }),
      );
      expect(heard).toEqual(
        names.map((name) => ({
          error: `a test exited with code 0 (its container ends with it: let the server stay in the foreground); its last words:\n  ${name}`,
          lines: [name],
        })),
      );
    }
  });

  it('has the name server that it was given, whatever the engine thinks of it', async () => {
    const { container, lines } = await startOne({
      dns: '192.0.2.53',
      command: ['cat', '/etc/resolv.conf'],
    });
    await using _ = container;
    await container.died;
    expect(lines).toEqual(['nameserver 192.0.2.53', 'options trust-ad']);
    expect((await inspect(container)).HostConfig).toMatchObject({
      Dns: ['192.0.2.53'],
      DnsOptions: ['trust-ad'],
    });
  });

  it('has it as well where its image has a user of its own, and after a restart', async () => {
    const name = 'the test of users';
    await writeFile(join(folder, 'Dockerfile'), `FROM ${BASE_IMAGE}\nUSER mail\n`);
    const source = { name, repository: 'holdfast-test', context: folder, args: {} };
    const image = await ensureImage(engine.dockerode, source, () => {});
    const command = ['sh', '-c', 'cat /etc/resolv.conf; id -un; trap exit TERM; sleep 60 & wait'];
    try {
      const { container, lines, heard } = await startOne({ image, dns: '192.0.2.53', command });
      await using _ = container;
      await heard('mail');
      await container.restart();
      await heard('mail', 2);
      const life = ['nameserver 192.0.2.53', 'options trust-ad', 'mail'];
      expect(lines).toEqual([...life, ...life]);
    } finally {
      await removeImages(name);
    }
  });

  it('has the kernel settings that it was given', async () => {
    const { container, lines } = await startOne({
      sysctls: { 'net.unix.max_dgram_qlen': '512' },
      command: ['cat', '/proc/sys/net/unix/max_dgram_qlen'],
    });
    await using _ = container;
    await container.died;
    expect(lines).toEqual(['512']);
  });

  it('has its port published on 127.0.0.1, and nowhere else', async () => {
    const { container } = await startOne({ port: 8025, command: ['sleep', '60'] });
    await using _ = container;
    const { Ports } = (await inspect(container)).NetworkSettings;
    expect(Ports).toEqual({
      '8025/tcp': [{ HostIp: '127.0.0.1', HostPort: String(await container.publishedPort()) }],
    });
  });

  it('says whose it is, so that it can be swept', async () => {
    const { container } = await startOne({ command: ['sleep', '60'] });
    await using _ = container;
    expect((await inspect(container)).Config.Labels).toMatchObject({ 'holdfast.run': TEST_RUN });
    expect((await leftBy(process.pid)).containers).toEqual([container.id]);
  });

  it('has the files, the texts and the environment before it starts', async () => {
    const source = join(folder, 'source');
    await writeFile(source, 'a file\n');
    const { container, lines } = await startOne({
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
    const { container, heard } = await startOne({
      logFile: '/var/log/mail.log',
      command: ['sh', '-c', 'sleep 1; echo sent >/var/log/mail.log; sleep 60'],
    });
    await using _ = container;
    await heard('sent');
  });

  it('restarts: what it says then is heard once, and that it ended is no death', async () => {
    const { container, lines, heard } = await startOne({
      command: ['sh', '-c', 'echo up; trap "exit 0" TERM; sleep 60 & wait'],
    });
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
    await expect(startOne({ network: 'holdfast-is-not-there', command: ['true'] })).rejects.toThrow(
      /^a test cannot be started: /,
    );
    expect(await leftBy(process.pid)).toEqual(NOTHING);
  });
});

function inspect({ id }: RunningContainer) {
  return engine.dockerode.getContainer(id).inspect();
}
