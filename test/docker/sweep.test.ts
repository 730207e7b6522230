/** What is swept of an engine that does not let all of it go: its API, as far as sweeping asks it. */

import http from 'node:http';
import { createRequire } from 'node:module';
import type net from 'node:net';
import { hostname } from 'node:os';
import { afterEach, expect, it, vi } from 'vitest';
import type { Dockerode } from '../../harness/docker/engine.ts';
import { sweep, sweepRun } from '../../harness/docker/sweep.ts';

/** The client that testcontainers brings. */
const Client: new (options: object) => Dockerode = createRequire(
  createRequire(import.meta.url).resolve('testcontainers'),
)('dockerode');

/** Of a process that has gone. */
const Labels = { 'holdfast.run': 'old', 'holdfast.owner': `${hostname()}:4194305` };

const servers: http.Server[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Three containers in a network; `refusal` answers for the removal of the second one. */
async function engineThat(refusal: { code: number; message: string }) {
  const left = new Set(['one', 'two', 'three', 'network']);
  const waits = Promise.withResolvers<void>();
  const server = http.createServer(({ method, url = '' }, response) => {
    const [, what, id = '', verb] = new URL(url, 'http://docker').pathname.split('/');
    const answer = (code: number, body: object) => {
      response.writeHead(code, { 'Content-Type': 'application/json' });
      response.end(code === 204 ? undefined : JSON.stringify(body));
    };
    if (id === 'json')
      answer(
        200,
        ['one', 'two', 'three'].map((name) => ({ Id: name, Names: [`/${name}`], Labels })),
      );
    else if (method === 'GET' && what === 'networks' && id === '')
      answer(200, [{ Id: 'network', Name: 'network', Labels }]);
    else if (method === 'GET') answer(200, { State: { Status: 'exited' } });
    // It is never over.
    else if (verb === 'wait') waits.resolve();
    else if (id === 'two') answer(refusal.code, { message: refusal.message });
    else {
      left.delete(id);
      answer(204, {});
    }
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const dockerode = new Client({ protocol: 'http', host: '127.0.0.1', port });
  return { dockerode, left, waits: waits.promise };
}

const BUSY = { code: 500, message: 'driver failed to remove root filesystem: device is busy' };

it('a container that cannot be removed is told, and all else is removed', async () => {
  const { dockerode, left } = await engineThat(BUSY);
  expect(await sweep(dockerode)).toEqual({
    containers: ['one', 'three'],
    networks: ['network'],
    images: [],
    kept: [],
    stuck: [{ kind: 'container', name: 'two', why: expect.stringContaining('device is busy') }],
  });
  expect([...left]).toEqual(['two']);
});

it('a removal that has begun and never ends is waited for, and not for ever', async () => {
  const { dockerode, left, waits } = await engineThat({
    code: 409,
    message: 'removal of container two is already in progress',
  });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const swept = sweep(dockerode);
  await waits;
  vi.advanceTimersByTime(60_000);
  expect((await swept).stuck).toEqual([
    {
      kind: 'container',
      name: 'two',
      why: 'Docker has begun to remove the container two and is not done with it in 60 s',
    },
  ]);
  expect([...left]).toEqual(['two']);
});

it('what a run cannot remove of its own keeps nothing else', async () => {
  const { dockerode, left } = await engineThat(BUSY);
  await sweepRun(dockerode, 'old');
  expect([...left]).toEqual(['two']);
});
