/** The control port: who is let in, what is answered, and what is left when one side goes. */

import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type ControlOptions, openControl } from '../../harness/lab/control.ts';
import { type Lab, startLab } from '../../harness/lab/lab.ts';
import { connectLab } from '../../harness/lab/remote.ts';
import type { Event } from '../../harness/model/observation.ts';
import type { LabPlan } from '../../harness/model/plan.ts';
import type { Endpoint, OutgoingMessage } from '../../harness/model/sender.ts';
import { oneMx, openWorld } from './world.ts';

const SECRET = 'nobody guesses this';
const NETWORK = '10.9.0.0/16';
const EVENT: Event = { kind: 'lab-fault', detail: 'told first' };
const EMPTY: LabPlan = {
  dns: { records: [], rules: [] },
  policyHosts: {},
  mxHosts: {},
  reportHosts: {},
};
const MESSAGE: OutgoingMessage = {
  token: 'hf0123456789ab',
  from: 'a@b.test',
  to: 'c@d.test',
  data: '',
};
const SERVER = { host: '10.9.0.9', port: 25, starttls: false };

const sockets: net.Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

describe('who is let in', () => {
  const dropped = (title: string, text: string) =>
    it(`${title} is not`, async () => {
      const { control } = await open();
      const peer = await knock(control);
      peer.write(text);
      await peer.closed;
      expect(peer.lines).toEqual([]);
      // The lab still waits for its user.
      expect(await ask(await enter(control), 'open', NETWORK)).toMatchObject({
        value: { trust: { mxHosts: 'PEM' } },
      });
    });
  dropped('a wrong secret', `${JSON.stringify({ secret: 'guessed' })}\n`);
  dropped(
    'a wrong secret of the right length',
    `${JSON.stringify({ secret: SECRET.replace('n', 'm') })}\n`,
  );
  dropped('a secret that is no text', `${JSON.stringify({ secret: [SECRET, 1] })}\n`);
  dropped(
    'a call without a secret',
    `${JSON.stringify({ id: 1, call: 'open', given: [NETWORK] })}\n`,
  );
  dropped('garbage', 'EHLO probe.test\r\n');
  dropped('JSON that is no object', 'null\n');
  dropped('a line without an end', 'x'.repeat(100_000));

  it('who keeps silent is not', async () => {
    const { control } = await open({ helloMs: 50 });
    const peer = await knock(control);
    await peer.closed;
  });

  it('a second user is not, whatever they know', async () => {
    const { control } = await open();
    const second = await knock(control);
    const first = await enter(control);
    await ask(first, 'open', NETWORK);
    second.write(`${JSON.stringify({ secret: SECRET })}\n`);
    await second.closed;
    await expect(knock(control)).rejects.toThrow('ECONNREFUSED');
    expect(await ask(first, 'slowness', 1)).toMatchObject({ value: { eventLoopDelayMs: 7 } });
  });
});

describe('calls', () => {
  const refused = (title: string, calls: readonly [string, ...unknown[]][], problem: string) =>
    it(`${title}: ${problem}`, async () => {
      const { control } = await open();
      const peer = await enter(control);
      const answers = [];
      for (const [call, ...given] of calls) answers.push(await ask(peer, call, ...given));
      expect(answers.at(-1)).toEqual({ id: expect.any(Number), problem });
    });
  refused('before the lab is open', [['createWorld', 'a']], 'the lab is not open');
  refused('open, twice', [['open', NETWORK], ['open', NETWORK]], 'the lab was opened before'); // biome-ignore format: a row
  refused('of no name', [['format', 'c:']], 'the lab has no format');
  refused('of a name that every object has', [['constructor']], 'the lab has no constructor');
  refused('in a world that is not there', [['open', NETWORK], ['arrange', 'a', EMPTY]], 'there is no world a'); // biome-ignore format: a row
  refused('that fail', [['submit', SERVER, MESSAGE]], '554 no');
  refused('that fail in the lab', [['open', 'nowhere']], 'no such network: nowhere');

  it('are answered after the events that came before', async () => {
    const { control } = await open();
    const peer = await enter(control);
    await ask(peer, 'open', NETWORK);
    await ask(peer, 'createWorld', 'a');
    await ask(peer, 'arrange', 'a', EMPTY);
    expect(peer.lines.slice(-2)).toEqual([
      { label: 'a', event: EVENT },
      { id: expect.any(Number) },
    ]);
  });

  it('may come in pieces, and many at once', async () => {
    const { control } = await open();
    const peer = await enter(control);
    const text = [1, 2, 3]
      .map((id) => `${JSON.stringify({ id, call: 'greets', given: [SERVER] })}\n`)
      .join('');
    for (const part of text.match(/.{1,7}/gs)!) {
      peer.write(part);
      await new Promise(setImmediate);
    }
    await peer.until(() => peer.lines.length === 3);
    expect(peer.lines).toEqual([1, 2, 3].map((id) => ({ id, value: true })));
  });
});

describe('when one side goes', () => {
  it('the user: the lab ends, and then the control port is over', async () => {
    const { control, labs, over } = await open();
    const peer = await enter(control);
    await ask(peer, 'open', NETWORK);
    peer.end();
    await over;
    expect(labs).toMatchObject([{ ended: true }]);
  });

  it('the user, while the lab is being opened: it ends all the same', async () => {
    const opened = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const { control, labs, over } = await open({
      async before() {
        asked.resolve();
        await opened.promise;
      },
    });
    const peer = await enter(control);
    peer.write(`${JSON.stringify({ id: 1, call: 'open', given: [NETWORK] })}\n`);
    await asked.promise;
    peer.end();
    opened.resolve();
    await over;
    expect(labs).toMatchObject([{ ended: true }]);
  });

  it('the lab: every call that waits and every later one fails, but what is idle stays so', async () => {
    const asked = Promise.withResolvers<net.Socket>();
    await using server = await listen((socket) => {
      let calls = 0;
      socket.on('data', (data) => {
        for (const line of String(data).trim().split('\n')) {
          const { id, call } = JSON.parse(line);
          if (call === 'open')
            socket.write(
              `${JSON.stringify({ id, value: { dns: { address: '10.9.0.2', port: 53 }, trust: {} } })}\n`,
            );
          if (call === 'slowness' || call === 'greets') calls++;
          if (calls === 2) asked.resolve(socket);
        }
      });
    });
    await using lab = await connectLab({
      control: server.endpoint,
      secret: SECRET,
      network: NETWORK,
      docker: undefined,
    });
    const world = lab.createWorld('a', () => {});
    const waiting = [lab.slowness(1), lab.access.network!.greets(SERVER)];
    const failed = Promise.allSettled(waiting);
    (await asked.promise).destroy();
    const gone = /the lab has gone: its container has stopped/;
    for (const one of await failed)
      expect(String((one as PromiseRejectedResult).reason)).toMatch(gone);
    await expect(world.arrange(EMPTY)).rejects.toThrow(gone);
    await expect(lab.access.network!.submit(SERVER, MESSAGE)).rejects.toThrow(gone);
    await world.idle();
    world[Symbol.dispose]();
  });

  it('the lab, before it has opened: it cannot be had', async () => {
    await using server = await listen((socket) => socket.destroy());
    const connecting = connectLab({
      control: server.endpoint,
      secret: SECRET,
      network: NETWORK,
      docker: undefined,
    });
    await expect(connecting).rejects.toThrow('the lab has gone');
  });

  it('nobody was there: it cannot be had', async () => {
    const port = await freePort();
    const connecting = connectLab({
      control: { address: '127.0.0.1', port },
      secret: SECRET,
      network: NETWORK,
      docker: undefined,
    });
    await expect(connecting).rejects.toThrow(
      `the lab's control port 127.0.0.1:${port} cannot be reached`,
    );
  });
});

describe('a real lab behind it', () => {
  it('is as it is without: names are resolved, mail arrives, and all of it is recorded', async () => {
    await using inner = await startLab();
    // Its end is that of the control port.
    const { control } = await open({
      openLab: async () => ({ ...inner, [Symbol.asyncDispose]: async () => {} }),
    });
    await using remote = await connectLab({
      control,
      secret: SECRET,
      network: NETWORK,
      docker: undefined,
    });
    expect(remote.access).toMatchObject({ dns: inner.access.dns, trust: inner.access.trust });
    // Loopback's addresses are virtual; only the lab itself knows where they lead.
    const lab: Lab = { ...remote, access: { ...remote.access, route: inner.access.route } };

    using honest = openWorld(lab, oneMx());
    using stripped = openWorld(lab, oneMx({ beforeTls: { ehlo: { remove: ['STARTTLS'] } } }));
    const peers = { honest: await honest.dial(), stripped: await stripped.dial() };
    for (const peer of Object.values(peers)) expect(await peer.reply()).toMatch(/^220 /);
    expect(await peers.honest.say('EHLO probe.test')).toContain('STARTTLS');
    expect(await peers.stripped.say('EHLO probe.test')).not.toContain('STARTTLS');
    expect(await peers.stripped.say('MAIL FROM:<probe@sender.test>')).toMatch(/^250 /);
    expect(await peers.stripped.say('RCPT TO:<hf0123456789ab@victim.test>')).toMatch(/^250 /);
    expect(await peers.stripped.say('DATA')).toMatch(/^354 /);
    expect(await peers.stripped.say('Subject: holdfast hf0123456789ab\r\n\r\nhello\r\n.')).toMatch(
      /^250 /,
    );
    expect(await stripped.until('message-accepted')).toMatchObject([{ secure: false }]);
    expect(honest.seen('message-accepted')).toEqual([]);
    expect(honest.seen('dns-query').length).toBeGreaterThan(0);
    expect((await remote.slowness(1000)).slowestAnswerMs).toBeLessThan(1000);
    for (const peer of Object.values(peers)) peer.socket.destroy();
    await Promise.all([honest.idle(), stripped.idle()]);
  });
});

// ---- a control port with a lab that does nothing ----

interface Opening extends Partial<Pick<ControlOptions, 'openLab' | 'helloMs'>> {
  /** Is waited for before the lab is open. */
  before?(): Promise<void>;
}

async function open({ before = async () => {}, openLab, helloMs }: Opening = {}) {
  const labs: { ended: boolean }[] = [];
  const control = { address: '127.0.0.1', port: await freePort() };
  const { over } = await openControl({
    ...control,
    secret: SECRET,
    helloMs,
    mail: {
      submit: () => Promise.reject(new Error('554 no')),
      greets: async () => true,
    },
    openLab:
      openLab ??
      (async (network) => {
        if (network === 'nowhere') throw new Error(`no such network: ${network}`);
        await before();
        const about = { ended: false };
        labs.push(about);
        return idleLab(about);
      }),
  });
  return { control, labs, over };
}

function idleLab(about: { ended: boolean }): Lab {
  return {
    access: {
      dns: { address: '10.9.0.2', port: 53 },
      trust: { policyHosts: 'PEM', mxHosts: 'PEM', dnssec: 'DNSKEY' },
      route: () => undefined,
      onRoute: () => () => {},
      publish: async () => {},
    },
    slowness: async () => ({ eventLoopDelayMs: 7, slowestAnswerMs: 7 }),
    createWorld: (_, record) => ({
      arrange: async () => record(EVENT),
      idle: async () => {},
      addressOf: async () => undefined,
      trace: async () => ({ label: 'a', addresses: [], keyLog: [] }),
      [Symbol.dispose]() {},
    }),
    async [Symbol.asyncDispose]() {
      about.ended = true;
    },
  };
}

interface Peer {
  readonly lines: unknown[];
  write(text: string): void;
  end(): void;
  until(held: () => boolean): Promise<void>;
  readonly closed: Promise<unknown>;
}

async function knock({ address, port }: Endpoint): Promise<Peer> {
  const socket = net.connect({ host: address, port });
  sockets.push(socket);
  const lines: unknown[] = [];
  let rest = '';
  socket.on('data', (data) => {
    const parts = (rest + data).split('\n');
    rest = parts.pop()!;
    lines.push(...parts.map((line) => JSON.parse(line)));
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  // What is written to one who has hung up.
  socket.on('error', () => {});
  return {
    lines,
    closed,
    write: (text) => void socket.write(text),
    end: () => void socket.end(),
    async until(held) {
      while (!held())
        await Promise.race([
          once(socket, 'data'),
          closed.then(() => Promise.reject(new Error('hung up'))),
        ]);
    },
  };
}

/** Knocks, and says the secret. */
async function enter(control: Endpoint): Promise<Peer> {
  const peer = await knock(control);
  peer.write(`${JSON.stringify({ secret: SECRET })}\n`);
  return peer;
}

async function ask(peer: Peer, call: string, ...given: readonly unknown[]): Promise<unknown> {
  const id = peer.lines.length + 1000;
  const answer = () => peer.lines.find((line) => (line as { id?: number }).id === id);
  peer.write(`${JSON.stringify({ id, call, given })}\n`);
  await peer.until(() => answer() !== undefined);
  return answer();
}

async function listen(
  onConnection: (socket: net.Socket) => void,
): Promise<AsyncDisposable & { endpoint: Endpoint }> {
  const open = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    open.add(socket);
    onConnection(socket.on('error', () => {}));
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  return {
    endpoint: { address: '127.0.0.1', port: (server.address() as AddressInfo).port },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
  };
}

async function freePort(): Promise<number> {
  await using server = await listen(() => {});
  return server.endpoint.port;
}
