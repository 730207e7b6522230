/** An engine that the user has chosen and that does not answer: no other takes its place. */

import net from 'node:net';
import { expect, it } from 'vitest';
import { start } from '../containers/process.ts';

/** Of a run on two senders of which one needs the engine. */
async function runWith(dockerHost: string) {
  const { ended } = start(
    ['run', 'tls/sni', '--sender', 'reference,postfix', '--reporter', 'text'],
    { DOCKER_HOST: dockerHost },
  );
  const { code, out } = await ended;
  return { code, out };
}

it.each([
  ['nobody', 'tcp://127.0.0.1:1', /ECONNREFUSED/],
  ['no socket', 'unix:///holdfast/is/not/there.sock', /ENOENT/],
])('%s: the sender has failed, and the others are run', async (_, host, reason) => {
  const { code, out } = await runWith(host);
  expect(out).toMatch(/^1 verdict .* 1 pass$/m);
  expect(out).toContain(`postfix: no Docker engine answers at DOCKER_HOST=${host}`);
  expect(out).toMatch(reason);
  expect(code).toBe(70);
});

it('one that is no URL is told with an example', async () => {
  const { code, out } = await runWith('over there');
  expect(out).toContain(
    'DOCKER_HOST=over there is no URL, such as tcp://HOST:2375 or unix:///PATH',
  );
  expect(code).toBe(70);
});

it('one that hangs up is none', async () => {
  const server = net.createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { code } = await runWith(`tcp://127.0.0.1:${(server.address() as net.AddressInfo).port}`);
  server.close();
  expect(code).toBe(70);
});
