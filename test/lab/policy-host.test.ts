import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, startLab } from '../../harness/lab/lab.ts';
import type { PagePlan, PolicyHostPlan, TlsPlan, TlsVersion } from '../../harness/model/plan.ts';
import { POLICY_PATH } from '../../harness/model/plan.ts';
import { clientHello, openWorld, type TestWorld, zone } from './world.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const HOST = 'mta-sts.victim.test';
const BODY = 'version: STSv1\r\nmode: enforce\r\nmx: mx1.victim.test\r\nmax_age: 604800\r\n';

const world = (host: Partial<PolicyHostPlan> = {}) =>
  openWorld(lab, {
    ...zone([{ name: HOST, type: 'A', host: HOST }]),
    policyHosts: { [HOST]: { pages: { [POLICY_PATH]: { body: BODY } }, ...host } },
  });
const serving = (page: Partial<PagePlan>) =>
  world({ pages: { [POLICY_PATH]: { body: BODY, ...page } } });
const shaking = (plan: TlsPlan) => world({ tls: plan });

describe('an honest policy host', () => {
  test('serves the policy to a client that checks everything, and the request is recorded', async () => {
    using seen = world();
    const got = await get(seen);
    expect(got).toMatchObject({
      status: 200,
      type: 'text/plain',
      body: seen.name(BODY),
      ended: 'whole',
    });
    expect(seen.seen('tls-handshake')).toMatchObject([
      {
        service: 'policy-host',
        host: seen.name(HOST),
        servername: seen.name(HOST),
        certificate: 'right',
        authenticated: true,
        result: 'completed',
        protocol: 'TLSv1.3',
      },
    ]);
    expect(seen.seen('policy-request')).toMatchObject([
      {
        host: seen.name(HOST),
        scheme: 'https',
        method: 'GET',
        path: POLICY_PATH,
        hostHeader: seen.name(HOST),
        conditional: false,
        status: 200,
        complete: true,
        authenticated: true,
        body: seen.name(BODY),
      },
    ]);
  });

  test.each([
    '/',
    '/.well-known/mta-sts.txt/',
    '/.well-known/MTA-STS.txt',
    '/.well-known/mta-sts.txt?x=1',
  ])('has nothing at %s', async (path) => {
    using seen = world();
    expect((await get(seen, { path })).status).toBe(404);
    expect(seen.seen('policy-request')).toMatchObject([{ path, status: 404, complete: true }]);
  });

  test.each(['if-none-match', 'if-modified-since'])('%s is recorded', async (header) => {
    using seen = world();
    await get(seen, { headers: { [header]: 'x' } });
    expect(seen.seen('policy-request')).toMatchObject([{ conditional: true }]);
  });

  test('a HEAD or a POST is recorded as such', async () => {
    using seen = world();
    for (const method of ['HEAD', 'POST']) await get(seen, { method });
    expect(seen.seen('policy-request').map((one) => one.method)).toEqual(['HEAD', 'POST']);
  });
});

describe('the page', () => {
  test.each([204, 301, 404, 500, 599])('has status %i', async (status) => {
    using seen = serving({ status });
    expect((await get(seen)).status).toBe(status);
    expect(seen.seen('policy-request')).toMatchObject([{ status }]);
  });

  test('redirects', async () => {
    using seen = serving({ status: 302, headers: { location: 'https://mta-sts.attacker.test/' } });
    expect(await get(seen)).toMatchObject({
      status: 302,
      location: seen.name('https://mta-sts.attacker.test/'),
    });
  });

  test.each<[string, PagePlan['headers'], string | undefined]>([
    ['text/plain unless told', undefined, 'text/plain'],
    ['what is told', { 'content-type': 'text/html; charset=utf-8' }, 'text/html; charset=utf-8'],
    ['none for null', { 'content-type': null }, undefined],
  ])('content-type: %s', async (_what, headers, type) => {
    using seen = serving({ headers });
    expect((await get(seen)).type).toBe(type);
  });

  test.each<[NonNullable<PagePlan['transfer']>, Partial<Got>, boolean]>([
    ['whole', { length: String(BODY.length), ended: 'whole' }, true],
    ['chunked', { length: undefined, encoding: 'chunked', ended: 'whole' }, true],
    ['truncated', { ended: 'cut off' }, false],
  ])('goes out %s', async (transfer, expected, complete) => {
    using seen = serving({ transfer, body: BODY.replaceAll('.test', '.invalid') });
    const got = await get(seen);
    expect(got).toMatchObject({
      status: 200,
      ...(transfer === 'whole' ? {} : expected),
      ended: expected.ended,
    });
    expect(got.body).toBe(
      BODY.replaceAll('.test', '.invalid').slice(0, complete ? undefined : got.body.length),
    );
    expect(complete || (got.body.length > 0 && Number(got.length) > got.body.length)).toBe(true);
    expect(seen.seen('policy-request')).toMatchObject([{ status: 200, complete }]);
  });

  test('without end, in truth has one', async () => {
    using seen = serving({ transfer: 'endless' });
    const got = await get(seen, {}, 'count');
    expect(got.ended).toBe('cut off');
    expect(got.bytes).toBe(64 * 1024 * 1024);
    expect(seen.seen('policy-request')).toMatchObject([{ complete: false }]);
  });

  test('without end, waits for a client that does not read', async () => {
    using seen = serving({ transfer: 'endless' });
    const { response, request } = await open(seen);
    response.pause();
    request.destroy();
    await seen.idle();
    expect(seen.seen('policy-request')).toMatchObject([{ complete: false }]);
  });

  test('comes slowly, byte by byte, and stops when the client goes', async () => {
    using seen = serving({ transfer: 'slow' });
    const { response, request } = await open(seen);
    let body = '';
    response.on('data', (chunk) => {
      body += chunk;
    });
    while (body.length < 2) await once(response, 'data');
    expect(body).toMatch(/^ve/);
    request.destroy();
    await seen.idle();
    expect(seen.seen('policy-request')).toMatchObject([{ status: 200, complete: false }]);
  });

  test('never comes', async () => {
    using seen = serving({ transfer: 'none' });
    const request = https.request(await options(seen));
    request.on('error', () => {});
    request.end();
    expect(await seen.until('policy-request')).toMatchObject([{ status: 0, complete: false }]);
    request.destroy();
    await seen.idle();
  });

  test('that HTTP does not allow is the lab’s fault, and the lab goes on', async () => {
    using seen = serving({ headers: { 'content-type': 'text/plain\r\nx: y' } });
    expect((await get(seen)).ended).toBe('ECONNRESET');
    expect(seen.seen('lab-fault')).toHaveLength(1);
    expect(seen.seen('policy-request')).toEqual([]);
    using next = world();
    expect((await get(next)).status).toBe(200);
  });
});

describe('an answer byte by byte', () => {
  const asked = async (seen: TestWorld, headers = '') => {
    const { port, address } = await seen.find(HOST, 443);
    const socket = tls.connect({
      port,
      host: address,
      servername: seen.name(HOST),
      ca: lab.access.trust.policyHosts,
    });
    socket.write(`GET ${POLICY_PATH} HTTP/1.1\r\nHost: ${seen.name(HOST)}\r\n${headers}\r\n`);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    return Buffer.concat(chunks);
  };

  test.each<[string, PagePlan['answer'], (body: string) => string]>([
    [
      'in HTTP/1.0',
      'HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n{body}',
      (body) => `HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n${body}`,
    ],
    [
      'with two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nContent-Length: 1\r\n\r\n{body}',
      (body) =>
        `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nContent-Length: 1\r\n\r\n${body}`,
    ],
    [
      'in segments, and in chunks',
      ['HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n', '{hex};x\r\n{body}\r\n0\r\n\r\n'],
      (body) =>
        `HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n${body.length.toString(16)};x\r\n${body}\r\n0\r\n\r\n`,
    ],
    ['that is none', ['\0\xff', { repeat: 'x', times: 3 }], () => '\0\xffxxx'],
  ])('%s', async (_what, answer, expected) => {
    using seen = serving({ answer });
    expect((await asked(seen)).toString('latin1')).toBe(expected(seen.name(BODY)));
    expect(await seen.until('policy-request')).toMatchObject([{ status: 200, complete: true }]);
  });

  test.each(['always', 'maybe', 'never'] as const)(
    'that a right client takes: %s',
    async (taken) => {
      using seen = serving({ answer: 'HTTP/1.1 200 OK\r\n\r\n{body}', taken });
      await asked(seen);
      const [request] = await seen.until('policy-request');
      expect([request!.complete, request!.inDoubt]).toEqual([
        taken !== 'never',
        taken === 'maybe' ? true : undefined,
      ]);
    },
  );

  test('after interim answers', async () => {
    using seen = serving({ informational: [100, 103] });
    const text = String(await asked(seen));
    expect(text.match(/^HTTP\/1\.1 \d+/gm)).toEqual([
      'HTTP/1.1 100',
      'HTTP/1.1 103',
      'HTTP/1.1 200',
    ]);
    expect(text.endsWith(seen.name(BODY))).toBe(true);
  });

  test.each([
    ['gzip', zlib.gunzipSync],
    ['deflate', zlib.inflateSync],
    ['br', zlib.brotliDecompressSync],
  ] as const)('in %s, and whether it was asked for is told', async (coding, decode) => {
    using seen = serving({ coding });
    const bytes = await asked(seen);
    const head = bytes.indexOf('\r\n\r\n') + 4;
    expect(String(bytes.subarray(0, head))).toContain(`content-encoding: ${coding}\r\n`);
    expect(String(decode(bytes.subarray(head)))).toBe(seen.name(BODY));
    await asked(seen, `Accept-Encoding: ${coding}\r\n`);
    const requests = await seen.until('policy-request', 2);
    expect(requests.map((one) => one.inDoubt)).toEqual([true, undefined]);
    expect(requests[0]!.body).toBe(seen.name(BODY));
  });

  test('is another for some requests, counted anew in each step', async () => {
    const plan = {
      ...zone([{ name: HOST, type: 'A', host: HOST }]),
      policyHosts: {
        [HOST]: {
          pages: {
            [POLICY_PATH]: {
              body: BODY,
              requests: [{ nth: [1, 3], change: { status: 503, body: 'later\n' } }],
            },
          },
        },
      },
    } satisfies Parameters<typeof openWorld>[1];
    using seen = openWorld(lab, plan);
    for (const step of [1, 2]) {
      if (step > 1) await seen.arrange(plan);
      const statuses = [];
      for (let i = 0; i < 4; i++) statuses.push((await get(seen)).status);
      expect(statuses).toEqual([503, 200, 503, 200]);
    }
  });
});

describe('TLS', () => {
  test('without SNI another certificate can be shown, and authenticated tells which it was', async () => {
    using seen = shaking({ certificateWithoutSni: 'self-signed' });
    expect((await get(seen)).status).toBe(200);
    expect((await get(seen, { servername: '', rejectUnauthorized: false })).status).toBe(200);
    expect(seen.seen('tls-handshake')).toMatchObject([
      { servername: seen.name(HOST), certificate: 'right', authenticated: true },
      { servername: '', certificate: 'self-signed', authenticated: false },
    ]);
    expect(seen.seen('policy-request').map((one) => one.authenticated)).toEqual([true, false]);
  });

  test.each<[TlsPlan, string]>([
    [{ certificate: 'expired' }, 'CERT_HAS_EXPIRED'],
    [{ certificate: 'self-signed' }, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    [{ certificate: 'unknown-ca' }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    [{ certificate: 'wrong-name' }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    [{ certificateFor: 'mta-sts.attacker.test' }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('a client turns down %j', async (plan, code) => {
    using seen = shaking(plan);
    expect((await get(seen)).ended).toBe(code);
    await seen.idle();
    expect(seen.seen('tls-handshake')).toMatchObject([{ authenticated: false }]);
    expect(seen.seen('policy-request')).toEqual([]);
  });

  test.each(['right-rsa', 'right-intermediate', 'wildcard', 'empty-subject'] as const)(
    'a client takes %s',
    async (certificate) => {
      using seen = shaking({ certificate });
      expect((await get(seen)).status).toBe(200);
      expect(seen.seen('policy-request')).toMatchObject([{ authenticated: true }]);
    },
  );

  // A client is told which versions it may use by its own range.
  test.each<[TlsPlan, TlsVersion, TlsVersion, string]>([
    [{}, 'TLSv1.2', 'TLSv1.3', 'TLSv1.3'],
    [{}, 'TLSv1.2', 'TLSv1.2', 'TLSv1.2'],
    [{}, 'TLSv1', 'TLSv1.1', 'failed'],
    [{ maxVersion: 'TLSv1.2' }, 'TLSv1.2', 'TLSv1.3', 'TLSv1.2'],
    [{ minVersion: 'TLSv1.3' }, 'TLSv1.2', 'TLSv1.2', 'failed'],
    [{ minVersion: 'TLSv1.3' }, 'TLSv1.2', 'TLSv1.3', 'TLSv1.3'],
    [{ maxVersion: 'TLSv1.1' }, 'TLSv1.2', 'TLSv1.3', 'failed'],
    [{ maxVersion: 'TLSv1.1' }, 'TLSv1', 'TLSv1.3', 'TLSv1.1'],
    [{ maxVersion: 'TLSv1' }, 'TLSv1', 'TLSv1.3', 'TLSv1'],
    [{ minVersion: 'TLSv1' }, 'TLSv1', 'TLSv1.1', 'TLSv1.1'],
    [{ minVersion: 'TLSv1' }, 'TLSv1.2', 'TLSv1.3', 'TLSv1.3'],
  ])('%j meets a client of %s to %s: %s', async (plan, minVersion, maxVersion, expected) => {
    using seen = shaking(plan);
    const got = await get(seen, { minVersion, maxVersion, ciphers: 'DEFAULT:@SECLEVEL=0' });
    expect(got.ended === 'whole' ? got.protocol : 'failed').toBe(expected);
    await seen.idle();
    expect(seen.seen('tls-handshake')).toMatchObject([
      expected === 'failed' ? { result: 'failed' } : { result: 'completed', protocol: expected },
    ]);
  });

  test('a client that is too old is told so by an alert', async () => {
    using seen = shaking({ minVersion: 'TLSv1.3' });
    expect((await get(seen, { maxVersion: 'TLSv1.2' })).ended).toContain('alert protocol version');
  });

  test.each<[NonNullable<TlsPlan['handshake']>, string]>([
    ['alert', 'alert handshake failure'],
    ['reset', 'ECONNRESET'],
    ['close', 'ECONNRESET'],
    ['garbage', 'wrong version number'],
  ])('the handshake is answered with %s', async (handshake, problem) => {
    using seen = shaking({ handshake });
    expect((await get(seen)).ended).toContain(problem);
    await seen.idle();
    expect(seen.seen('tls-handshake')).toMatchObject([
      { result: 'failed', authenticated: false, reason: `the lab answered with ${handshake}` },
    ]);
    expect(seen.seen('policy-request')).toEqual([]);
  });

  test('the handshake is answered with reset, which is a RST; with close, a FIN', async () => {
    for (const [handshake, end] of [
      ['reset', 'reset'],
      ['close', 'end'],
    ] as const) {
      using seen = shaking({ handshake });
      const socket = await connect(seen, 443);
      socket.write(await clientHello('mta-sts.victim.test'));
      expect(await endOf(socket)).toBe(end);
    }
  });

  test('the handshake stalls until the client goes', async () => {
    using seen = shaking({ handshake: 'stall' });
    const socket = await connect(seen, 443);
    socket.write('anything');
    await seen.until('tls-handshake');
    expect(socket.bytesRead).toBe(0);
    socket.end();
    await seen.idle();
  });

  test.each(['reset', 'end', 'noise'] as const)(
    'a client that leaves the handshake by %s is recorded',
    async (how) => {
      using seen = world();
      const socket = await connect(seen, 443);
      socket.on('error', () => {});
      if (how === 'noise') socket.write('GET / HTTP/1.1\r\n\r\n');
      if (how === 'end') socket.end();
      if (how === 'reset') socket.resetAndDestroy();
      const [handshake] = await seen.until('tls-handshake');
      expect(handshake).toMatchObject({ result: 'failed' });
      expect(handshake!.reason).toBe(
        how === 'noise' ? 'the client sent no TLS' : 'closed before a ClientHello',
      );
      socket.destroy();
      await seen.idle();
    },
  );

  test('a client that has no HTTP/1.1 is turned down', async () => {
    using seen = world();
    const { port, address } = await seen.find(HOST, 443);
    const socket = tls.connect({
      port,
      host: address,
      servername: seen.name(HOST),
      ca: lab.access.trust.policyHosts,
      ALPNProtocols: ['h2'],
    });
    const [error] = await once(socket, 'error');
    expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
  });
});

describe('reach', () => {
  test('refused: nothing listens; and open again in the next step', async () => {
    using seen = world({ reach: 'refused' });
    expect((await get(seen)).ended).toBe('ECONNREFUSED');
    expect(seen.seen('tls-handshake')).toEqual([]);
    const pages = { [POLICY_PATH]: { body: BODY } };
    await seen.arrange({
      ...zone([{ name: HOST, type: 'A', host: HOST }]),
      policyHosts: { [HOST]: { pages } },
    });
    expect((await get(seen)).status).toBe(200);
  });

  test('reset: opened, then gone', async () => {
    using seen = world({ reach: 'reset' });
    expect(await endOf(await dialled(seen, 443))).toBe('reset');
  });

  test('silent: opened, and nobody speaks', async () => {
    using seen = world({ reach: 'silent' });
    const socket = await connect(seen, 443);
    socket.write('hello?');
    socket.end();
    await seen.idle();
    expect(socket.bytesRead).toBe(0);
    expect(seen.observations.map((one) => one.kind)).toEqual([
      'dns-query',
      'web-connection',
      'web-closed',
    ]);
  });
});

describe('plain HTTP', () => {
  test('is refused unless planned', async () => {
    using seen = world();
    await expect(connect(seen, 80)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('as planned serves the same pages, and is never authenticated', async () => {
    using seen = world({ plainHttp: true });
    const { port, address } = await seen.find(HOST, 80);
    const got = await read(
      http.request({
        port,
        host: address,
        path: POLICY_PATH,
        headers: { host: seen.name(HOST) },
        agent: false,
      }),
    );
    expect(got).toMatchObject({ status: 200, body: seen.name(BODY) });
    expect(seen.seen('policy-request')).toMatchObject([
      { scheme: 'http', authenticated: false, complete: true, hostHeader: seen.name(HOST) },
    ]);
  });

  test('goes the way of the host', async () => {
    using seen = world({ plainHttp: true, reach: 'reset' });
    expect(await endOf(await dialled(seen, 80))).toBe('reset');
  });
});

test('a slow answer counts from the question to its last byte, and the world is idle when all have gone', async () => {
  using seen = world();
  await Promise.all(Array.from({ length: 20 }, () => get(seen)));
  await seen.idle();
  expect(seen.seen('policy-request')).toHaveLength(20);
});

test('a world that is over ends its connections and records no more', async () => {
  const seen = serving({ transfer: 'slow' });
  const { response } = await open(seen);
  response.on('error', () => {});
  const before = seen.observations.length;
  const { port, address } = await seen.find(HOST, 443);
  seen[Symbol.dispose]();
  await new Promise((resolve) => response.on('close', resolve));
  await expect(opened(net.connect(port, address))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(seen.observations.length).toBe(before + 1);
});

// ---- clients ----

interface Got {
  readonly status?: number;
  readonly type?: string;
  readonly length?: string;
  readonly encoding?: string;
  readonly location?: string;
  readonly protocol?: string | null;
  readonly body: string;
  readonly bytes: number;
  /**
   * `whole`, `cut off`, or the error there was instead of a response: its code, for TLS its words.
   */
  readonly ended: string;
}

async function get(
  seen: TestWorld,
  more: https.RequestOptions = {},
  keep: 'body' | 'count' = 'body',
): Promise<Got> {
  return read(https.request({ ...(await options(seen)), ...more }), keep);
}

async function open(
  seen: TestWorld,
): Promise<{ request: http.ClientRequest; response: http.IncomingMessage }> {
  const request = https.request(await options(seen)).end();
  const [response] = await once(request, 'response');
  request.on('error', () => {});
  return { request, response };
}

async function options(seen: TestWorld): Promise<https.RequestOptions> {
  const { address, port } = await seen.find(HOST, 443);
  const host = seen.name(HOST);
  return {
    host: address,
    port,
    servername: host,
    headers: { host },
    path: POLICY_PATH,
    ca: lab.access.trust.policyHosts,
    agent: false,
  };
}

function read(request: http.ClientRequest, keep: 'body' | 'count' = 'body'): Promise<Got> {
  return new Promise((resolve) => {
    request.on('error', (error: NodeJS.ErrnoException) =>
      resolve({
        body: '',
        bytes: 0,
        ended: error.code === 'EPROTO' ? error.message : String(error.code),
      }),
    );
    request.on('response', (response) => {
      const { headers, statusCode: status } = response;
      const protocol =
        response.socket instanceof tls.TLSSocket ? response.socket.getProtocol() : undefined;
      let body = '';
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (keep === 'body') body += chunk.toString('latin1');
      });
      response.on('error', () => {});
      response.on('close', () =>
        resolve({
          status,
          type: headers['content-type'],
          length: headers['content-length'],
          encoding: headers['transfer-encoding'],
          location: headers.location,
          protocol,
          body,
          bytes,
          ended: response.complete ? 'whole' : 'cut off',
        }),
      );
    });
    request.end();
  });
}

/** The connection may be over before it is seen to be open. */
async function dialled(seen: TestWorld, port: number): Promise<net.Socket> {
  const endpoint = await seen.find(HOST, port);
  return net.connect({ port: endpoint.port, host: endpoint.address });
}

const connect = async (seen: TestWorld, port: number) => opened(await dialled(seen, port));

async function opened(socket: net.Socket): Promise<net.Socket> {
  await once(socket, 'connect');
  return socket;
}

function endOf(socket: net.Socket): Promise<'end' | 'reset'> {
  return new Promise((resolve) => {
    socket.on('error', () => resolve('reset'));
    socket.on('end', () => resolve('end'));
    socket.resume();
  });
}
