/**
 * The lab's container: who can reach what. A lab that leaks would send real mail, and one that can
 * be reached would obey anybody.
 */

import { once } from 'node:events';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningContainer } from '../../harness/docker/container.ts';
import { ensureImage } from '../../harness/docker/images.ts';
import type { Lab } from '../../harness/lab/lab.ts';
import { connectLab } from '../../harness/lab/remote.ts';
import { type LabContainer, startLabContainer } from '../../harness/labs/lab-container.ts';
import { labImage } from '../../harness/labs/open.ts';
import { baselinePlan, DEFAULT_DOMAIN, DEFAULT_POLICY } from '../../harness/model/baseline.ts';
import { qualify, qualifyName } from '../../harness/model/names.ts';
import type { Event } from '../../harness/model/observation.ts';
import { readPrefix, showAddress } from '../../harness/protocol/ipv4.ts';
import { describeWithEngine, engine, leftBy, NOTHING, startOne } from './engine.ts';

const CONTROL_PORT = 8025;
const TOKEN = 'xlabtest';
const NO_WAY = /^(ENETUNREACH|EHOSTUNREACH|no answer)$/;

/** Of the lab's container. */
type Settings = Awaited<
  ReturnType<ReturnType<typeof engine.dockerode.getContainer>['inspect']>
>['NetworkSettings'];

describeWithEngine("the lab's container", () => {
  let container: LabContainer;
  let settings: Settings;
  let lab: Lab;
  let neighbour: RunningContainer;
  const events: Event[] = [];

  beforeAll(async () => {
    container = await startLabContainer(engine, labImage(), () => {});
    const { network, run } = container;
    const [id] = (await leftBy(process.pid)).containers;
    settings = (await engine.dockerode.getContainer(id!).inspect()).NetworkSettings;
    ({ container: neighbour } = await startOne({
      title: 'the neighbour',
      // Node is in it.
      image: await ensureImage(engine.dockerode, labImage(), () => {}),
      run,
      network,
      dns: settings.Networks[network]!.IPAddress,
      command: ['sleep', '600'],
    }));
  });
  afterAll(async () => {
    await neighbour?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
    await container?.[Symbol.asyncDispose]();
    expect(await leftBy(process.pid)).toEqual(NOTHING);
  });

  it('has its control port published on 127.0.0.1, and nowhere else', () => {
    expect(settings.Ports).toEqual({
      [`${CONTROL_PORT}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: String(container.control.port) }],
    });
  });

  it('hangs up on a wrong secret', async () => {
    const socket = net.connect({ host: container.control.address, port: container.control.port });
    socket.write(`${JSON.stringify({ secret: 'guessed' })}\n`);
    const said: Buffer[] = [];
    socket.on('data', (data) => said.push(data)).on('error', () => {});
    await once(socket, 'close');
    expect(said).toEqual([]);
  });

  it('is not to be reached from the network of the senders, open as the control port is now', async () => {
    const { [container.network]: senders, bridge } = settings.Networks;
    expect(await dial(senders!.IPAddress, CONTROL_PORT)).toBe('ECONNREFUSED');
    // Where it is published from; nor is any other container outside to be reached.
    expect(await dial(bridge!.IPAddress, CONTROL_PORT)).toMatch(NO_WAY);
  });

  it('is a lab to who knows the secret', async () => {
    const { control, secret, subnet, network, run, image } = container;
    lab = await connectLab({
      control,
      secret,
      network: subnet,
      docker: { name: network, run, addresses: subnet, image },
    });
    expect(lab.access.dns).toEqual({ address: settings.Networks[network]!.IPAddress, port: 53 });
    using world = lab.createWorld(TOKEN, (event) => events.push(event));
    await world.arrange(qualify(baselinePlan(DEFAULT_DOMAIN, DEFAULT_POLICY), TOKEN));
    const mx = qualifyName('mx1.victim.test', TOKEN);
    const address = await resolve(mx);
    expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(await dial(address, 25)).toBe('connected');
    // Names and ports that the plan does not have.
    expect(await resolve(`no-such-host.${mx}`)).toBe('ENOTFOUND');
    expect(await dial(address, 26)).toBe('ECONNREFUSED');
    // Events come before the reply.
    await lab.slowness(1000);
    expect(events.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['dns-query', 'smtp-connection']),
    );
  });

  it.each(['example.com', 'localhost.example', 'victim.test'])(
    'a name outside the lab does not exist: %s',
    async (name) => {
      expect(await resolve(name)).toBe('ENOTFOUND');
    },
  );

  // RFC 5737 §3: for documentation. To be refused would mean that somebody was reached.
  it.each(['192.0.2.1', '198.51.100.25'])(
    'from the network of the senders no way leads out: %s',
    async (address) => {
      expect(await dial(address, 25)).toMatch(NO_WAY);
    },
  );

  it('nor to the host, at the gateway or at any other address that it has', async () => {
    const { gateway, subnet } = await addressesOf(container.network);
    const host = net.createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => host.listen(0, '0.0.0.0', resolve));
    const { port } = host.address() as net.AddressInfo;
    const first = showAddress(readPrefix(subnet)!.first + 1);
    const own = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
      .map(({ address }) => address);
    // The lab itself may have the first.
    const lab = settings.Networks[container.network]!.IPAddress;
    const tried = new Set([gateway ?? first, first, ...own]);
    tried.delete(lab);
    for (const address of tried) expect(await dial(address, port), address).toMatch(NO_WAY);
    host.close();
  });

  /** As a program of the neighbour finds it. */
  const resolve = (name: string) =>
    inNeighbour(
      `new (require('node:dns').Resolver)({ tries: 2 }).resolve4('${name}', (error, found) => console.log(error?.code ?? found[0]))`,
    );
  const dial = (address: string, port: number) =>
    inNeighbour(`
      const socket = require('node:net').connect(${port}, '${address}');
      const say = (what) => { console.log(what); process.exit(); };
      socket.setTimeout(3000, () => say('no answer')).on('connect', () => say('connected')).on('error', (error) => say(error.code));`);
  const inNeighbour = async (program: string) =>
    (await neighbour.run('node -e "$PROGRAM"', { PROGRAM: program })).trim();
});

async function addressesOf(network: string): Promise<{ gateway?: string; subnet: string }> {
  const { IPAM } = await engine.dockerode.getNetwork(network).inspect();
  const { Gateway: gateway, Subnet: subnet } = IPAM!.Config![0]!;
  return { gateway, subnet: subnet! };
}
