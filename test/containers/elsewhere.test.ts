/**
 * An engine on another machine, of which only its API can be reached: here the one of this machine
 * behind a relay, so that it has an address in DOCKER_HOST and no socket file.
 */

import net from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithEngine } from './engine.ts';
import { holdfast } from './process.ts';

describeWithEngine('an engine elsewhere', () => {
  const relay = net.createServer({ allowHalfOpen: true }, (socket) => {
    const engine = net.connect({ path: '/var/run/docker.sock', allowHalfOpen: true });
    socket.on('error', () => engine.destroy()).pipe(engine);
    engine.on('error', () => socket.destroy()).pipe(socket);
  });
  const before = process.env.DOCKER_HOST;
  beforeAll(async () => {
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    const { port } = relay.address() as net.AddressInfo;
    process.env.DOCKER_HOST = `tcp://127.0.0.1:${port}`;
  });
  afterAll(() => {
    if (before === undefined) delete process.env.DOCKER_HOST;
    else process.env.DOCKER_HOST = before;
    relay.close();
  });

  it('runs a mail server', async () => {
    const run = ['run', 'tls/sni', 'starttls/stripped', '--sender', 'postfix'];
    const { code, out, err } = await holdfast(...run, '--reporter', 'json');
    expect(code, err).toBe(0);
    expect(JSON.parse(out).summary).toMatchObject({ pass: 4, inconclusive: 0 });
  });
});
