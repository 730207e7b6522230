/** `lab --docker`: what it prints works from a container in its network. */

import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { afterAll, expect, it, vi } from 'vitest';
import { lab } from '../../harness/commands/lab.ts';
import { ensureImage } from '../../harness/docker/images.ts';
import { labImage } from '../../harness/labs/open.ts';
import { testTerminal } from '../commands/terminal.ts';
import { describeWithEngine, engine, leftBy, NOTHING, startOne, TEST_RUN } from './engine.ts';

describeWithEngine('lab --docker', () => {
  afterAll(async () => expect(await leftBy(process.pid)).toEqual(NOTHING));

  it('prints addresses that a container in its network reaches', async () => {
    const stop = new AbortController();
    const { terminal, out } = testTerminal({
      complain: () => {},
      lines: createInterface({ input: new PassThrough() }),
      signal: stop.signal,
    });
    const ended = lab({ docker: true }, terminal);
    try {
      const tells = (what: RegExp) => vi.waitUntil(() => what.exec(out()), { timeout: 200_000 });
      await tells(/^What is seen/m);
      const [, network] = (await tells(/^Network {6}(\S+): only a container in it /m))!;
      const [, dns] = (await tells(/^Name server {2}(\S+) port 53/m))!;
      const [, host, address] = (await tells(/^ {2}(mx1\.\S+) +([\d.]+) +port 25$/m))!;
      const asks = `const { Resolver } = require('node:dns').promises; const resolver = new Resolver(); resolver.setServers(['${dns}']); resolver.resolve4('${host}').then(([found]) => console.log('found', found));`;
      const { container, heard } = await startOne({
        title: 'a guest',
        image: await ensureImage(engine.dockerode, labImage(), () => {}),
        run: TEST_RUN,
        network,
        dns,
        command: ['node', '-e', asks],
      });
      await using _ = container;
      await heard(`found ${address}`);
    } finally {
      stop.abort();
      await ended;
    }
  });
});
