import https from 'node:https';
import type net from 'node:net';
import { text } from 'node:stream/consumers';
import { createSecureContext } from 'node:tls';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPki, type Pki } from '../../certs/index.ts';
import type { Endpoint, MessageStatus, StartedSender } from '../../harness/model/sender.ts';
import { mxConnect } from '../../harness/senders/mx-connect/index.ts';
import { listen, type SmallLab, startSmallLab } from './small-lab.ts';

/**
 * victim.test enforces; testing.test is in testing; open.test has no policy; pair.test enforces
 * with two MX hosts.
 */
const ZONE = {
  ...domain('victim.test', '127.64.1.1'),
  ...domain('testing.test', '127.64.1.2'),
  ...domain('pair.test', '127.64.1.3'),
  'pair.test MX': [
    { exchange: 'mx.pair.test', priority: 10 },
    { exchange: 'mx2.pair.test', priority: 20 },
  ],
  'mx2.pair.test A': ['127.64.1.4'],
  'open.test MX': [{ exchange: 'mx.open.test', priority: 10 }],
  'mx.open.test A': ['127.64.1.5'],
  'nomail.test MX': [{ exchange: '', priority: 0 }],
};
const MX_ADDRESS = {
  'victim.test': '127.64.1.1',
  'testing.test': '127.64.1.2',
  'open.test': '127.64.1.5',
};

function domain(name: string, address: string) {
  return {
    [`${name} MX`]: [{ exchange: `mx.${name}`, priority: 10 }],
    [`mx.${name} A`]: [address],
    [`mta-sts.${name} A`]: ['127.64.1.100'],
    [`_mta-sts.${name} TXT`]: ['v=STSv1; id=1'],
  };
}

interface Arrived {
  readonly to: string;
  readonly tls: string;
  readonly body: string;
}

describe('mx-connect', () => {
  let pki: Pki;
  let lab: SmallLab;
  let sender: StartedSender;
  const servers: Record<string, Endpoint> = {};
  const opened: { close(): unknown }[] = [];
  const arrived: Arrived[] = [];
  const statuses = new Map<string, PromiseWithResolvers<MessageStatus>>();
  let fetches = 0;
  let tokens = 0;

  beforeAll(async () => {
    pki = await createPki();
    lab = await startSmallLab(ZONE, pki);
    const web = https.createServer(
      { SNICallback: (host, done) => done(null, contextFor(host)) },
      (request, response) => {
        fetches++;
        const name = request.headers.host!.replace('mta-sts.', '');
        const mode = name === 'testing.test' ? 'testing' : 'enforce';
        response.end(`version: STSv1\r\nmode: ${mode}\r\nmx: *.${name}\r\nmax_age: 604800\r\n`);
      },
    );
    lab.publish('127.64.1.100', 443, await listen(web));
    opened.push(web);
    for (const name of ['victim.test', 'testing.test', 'open.test'])
      servers[name] = await startMx(`mx.${name}`);
    servers['without STARTTLS'] = await startMx('mx.test', {
      disabledCommands: ['STARTTLS', 'AUTH'],
    });
    servers['for another host'] = await startMx('somebody.test');
    servers['of old TLS'] = await startMx('mx.test', {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    honest();
    lab.publish('127.64.1.3', 25, servers['without STARTTLS']!);
    lab.publish('127.64.1.4', 25, await startMx('mx2.pair.test'));
    sender = await mxConnect.start(lab.access, (status) =>
      statuses.get(status.token)!.resolve(status),
    );
  });
  afterAll(async () => {
    await sender[Symbol.asyncDispose]();
    for (const server of opened) server.close();
    await lab[Symbol.asyncDispose]();
  });

  function contextFor(host: string) {
    const { keyPem, chainPem } = pki.issue({ profile: 'right', host, service: 'policy-host' });
    return createSecureContext({ key: keyPem, cert: chainPem });
  }

  async function startMx(
    host: string,
    options: SMTPServerOptions & Record<string, unknown> = {},
  ): Promise<Endpoint> {
    const { keyPem, chainPem } = pki.issue({ profile: 'right', host, service: 'mx' });
    const server = new SMTPServer({
      key: keyPem,
      cert: chainPem,
      disabledCommands: ['AUTH'],
      authOptional: true,
      disableReverseLookup: true,
      closeTimeout: 100,
      onRcptTo({ address }, _session, done) {
        const code = /^reply(\d{3})/.exec(address)?.[1];
        done(code ? Object.assign(new Error('as asked'), { responseCode: Number(code) }) : null);
      },
      async onData(stream, session, done) {
        arrived.push({
          to: session.envelope.rcptTo[0]!.address,
          tls: session.secure ? session.servername || host : 'clear',
          body: await text(stream),
        });
        done();
      },
      ...options,
    });
    server.on('error', () => {});
    opened.push(server);
    return listen(server.server as net.Server);
  }

  const put = (name: keyof typeof MX_ADDRESS, server: string) =>
    lab.publish(MX_ADDRESS[name], 25, servers[server]!);
  function honest() {
    for (const name of Object.keys(MX_ADDRESS)) put(name as keyof typeof MX_ADDRESS, name);
  }

  async function submit(to: string) {
    const token = `hf${String(++tokens).padStart(12, '0')}`;
    statuses.set(token, Promise.withResolvers());
    const data = `From: <a@sender.test>\r\nTo: <${to}>\r\nSubject: ${token}\r\n\r\n.${token}\r\n`;
    await sender.submit({ token, from: 'a@sender.test', to, data });
    return token;
  }
  const statusOf = (token: string) => statuses.get(token)!.promise;
  const send = async (to: string) => statusOf(await submit(to));
  const arrivals = ({ token }: MessageStatus) =>
    arrived.filter(({ body }) => body.includes(token)).map(({ tls }) => tls);

  it('delivers to an honest domain over authenticated TLS', async () => {
    const status = await send('b@victim.test');
    expect(status).toMatchObject({ status: 'delivered', detail: expect.stringMatching(/^250 /) });
    expect(arrivals(status)).toEqual(['mx.victim.test']);
    expect(arrived.at(-1)).toMatchObject({
      to: 'b@victim.test',
      body: expect.stringContaining(`\r\n\r\n.${status.token}\r\n`),
    });
    expect(fetches).toBe(1);
    expect(lab.queries).toContain('_mta-sts.victim.test TXT');
  });

  it.each(['without STARTTLS', 'for another host', 'of old TLS'])(
    'under enforce defers at a server %s, and delivers when it is healed',
    async (server) => {
      put('victim.test', server);
      const token = await submit('b@victim.test');
      const deferred = await statusOf(token);
      expect(deferred.status).toBe('deferred');
      expect(arrivals(deferred)).toEqual([]);

      honest();
      statuses.set(token, Promise.withResolvers());
      await sender.flush(['elsewhere.test', 'victim.test']);
      const delivered = await statusOf(token);
      expect(delivered.status).toBe('delivered');
      expect(arrivals(delivered)).toEqual(['mx.victim.test']);
    },
  );

  it.each([
    ['testing.test', 'without STARTTLS', 'clear'],
    ['testing.test', 'for another host', 'mx.testing.test'],
    ['open.test', 'without STARTTLS', 'clear'],
    ['open.test', 'for another host', 'mx.open.test'],
    ['open.test', 'of old TLS', 'clear'],
  ] as const)('delivers to %s at a server %s: %s', async (name, server, channel) => {
    put(name, server);
    const status = await send(`b@${name}`);
    expect(status.status).toBe('delivered');
    expect(arrivals(status)).toEqual([channel]);
    honest();
  });

  it('under enforce goes on to the next MX host', async () => {
    const status = await send('b@pair.test');
    expect(status.status).toBe('delivered');
    expect(arrivals(status)).toEqual(['mx2.pair.test']);
  });

  it.each([
    ['reply550@victim.test', 'bounced', /550 as asked/],
    ['reply451@victim.test', 'deferred', /451 as asked/],
    ['b@nomail.test', 'bounced', /null MX/],
    ['b@nowhere.test', 'bounced', /No MX server found/],
  ])('%s is %s', async (to, status, detail) => {
    expect(await send(to)).toMatchObject({ status, detail: expect.stringMatching(detail) });
  });

  it('advance makes a policy expire', async () => {
    // What tells: mailauth 5.0.1 renews a known policy without a fetch only once it has expired.
    await send('b@victim.test');
    const before = fetches;
    await send('b@victim.test');
    expect(fetches).toBe(before + 1);
    await sender.advance!(604_800, ['victim.test']);
    await send('b@victim.test');
    expect(fetches).toBe(before + 1);
  });

  it('delivers a hundred messages at once', async () => {
    const all = await Promise.all(Array.from({ length: 100 }, () => send('b@victim.test')));
    expect(all.filter(({ status }) => status !== 'delivered')).toEqual([]);
    expect(all.flatMap(arrivals)).toEqual(Array(100).fill('mx.victim.test'));
  });

  it('is what it says it is', async () => {
    expect(await mxConnect.unavailable()).toBeUndefined();
    expect(mxConnect.version).toBe('2.0.0');
  });
});
