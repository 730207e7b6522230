import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '../../harness/lab/lab.ts';
import type { ReportHostPlan } from '../../harness/model/plan.ts';
import { openWorld, type TestWorld, zone } from './world.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const HOST = 'tlsrpt.victim.test';
const REPORT = { 'organization-name': 'Probe', 'report-id': '1', policies: [] };
const JSON_TYPE = 'application/tlsrpt+json';
const GZIP_TYPE = 'application/tlsrpt+gzip';

const world = (plan: ReportHostPlan = {}) =>
  openWorld(lab, {
    ...zone([{ name: HOST, type: 'A', host: HOST }]),
    reportHosts: { [HOST]: plan },
  });

test.each<[string, string, Buffer | string]>([
  ['JSON', JSON_TYPE, JSON.stringify(REPORT)],
  [
    'JSON, whatever the type says of itself',
    'APPLICATION/TLSRPT+JSON; charset=utf-8',
    JSON.stringify(REPORT),
  ],
  ['JSON under another type', 'text/plain', JSON.stringify(REPORT)],
  ['gzip', GZIP_TYPE, gzipSync(JSON.stringify(REPORT))],
  ['gzip under another type', JSON_TYPE, gzipSync(JSON.stringify(REPORT))],
  ['gzip with parameters', `${GZIP_TYPE.toUpperCase()} ; a=b`, gzipSync(JSON.stringify(REPORT))],
])('a report in %s', async (_what, type, body) => {
  using seen = world();
  expect(await post(seen, type, body)).toBe(200);
  expect(seen.seen('report-received')).toMatchObject([
    { host: seen.name(HOST), path: '/tlsrpt', status: 200, contentType: type, report: REPORT },
  ]);
  expect(seen.seen('tls-handshake')).toMatchObject([
    { service: 'report-host', result: 'completed', authenticated: true },
  ]);
});

test('behind a byte order mark', async () => {
  using seen = world();
  for (const [type, body] of [
    [JSON_TYPE, `\ufeff${JSON.stringify(REPORT)}`],
    [GZIP_TYPE, gzipSync(`\ufeff${JSON.stringify(REPORT)}`)],
  ] as const)
    await post(seen, type, body);
  expect(seen.seen('report-received')).toMatchObject([
    { marked: true, report: REPORT },
    { marked: true, report: REPORT },
  ]);
});

test.each<[string, string, Buffer | string, RegExp]>([
  ['nothing', JSON_TYPE, '', /JSON/],
  ['no JSON', JSON_TYPE, '{"a":', /JSON/],
  ['noise', JSON_TYPE, Buffer.from([0xff, 0, 0x80]), /utf-8/],
  ['a member twice', JSON_TYPE, '{"a":1,"a":2}', /a stands there twice/],
  ['JSON under the name of gzip', GZIP_TYPE, '{}', /is not/],
  [
    'gzip that is cut off',
    GZIP_TYPE,
    gzipSync(JSON.stringify(REPORT)).subarray(0, -9),
    /end of file/,
  ],
  ['a gzip bomb', GZIP_TYPE, gzipSync(Buffer.alloc(50e6, '1')), /larger than|too large/i],
  ['more than a report can be', JSON_TYPE, `"${'x'.repeat(2e6)}"`, /2000002 bytes/],
  ['a report and more than can be', JSON_TYPE, `1${' '.repeat(2e6)}`, /2000001 bytes/],
  [
    'JSON nested so deep that nobody could write it down',
    JSON_TYPE,
    '['.repeat(4e5) + ']'.repeat(4e5),
    /./,
  ],
])('no report: %s', async (_what, type, body, problem) => {
  using seen = world();
  expect(await post(seen, type, body)).toBe(200);
  const [received] = seen.seen('report-received');
  expect(received).toMatchObject({ problem: expect.stringMatching(problem) });
  expect(received).not.toHaveProperty('report');
});

test('in clear nobody is at home, unless the plan says so', async () => {
  using closed = world();
  await closed.find(HOST, 443);
  await expect(postInClear(closed)).rejects.toThrow('ECONNREFUSED');
  using open = world({ plainHttp: true });
  expect(await postInClear(open)).toBe(200);
  expect(open.seen('report-received')).toMatchObject([{ report: REPORT }]);
  expect(open.seen('web-connection')).toMatchObject([{ scheme: 'http' }]);
});

test.each(['GET', 'PUT'])('by %s', async (method) => {
  using seen = world();
  await post(seen, JSON_TYPE, JSON.stringify(REPORT), method);
  expect(seen.seen('report-received')).toMatchObject([{ method, report: REPORT }]);
});

test.each(['GET', 'HEAD', 'OPTIONS', 'PUT'])('%s with no content is no report', async (method) => {
  using seen = world({ status: 405 });
  expect(await post(seen, JSON_TYPE, '', method)).toBe(405);
  expect(seen.seen('report-received')).toEqual([]);
});

test('of a path, so much as is kept', async () => {
  using seen = world();
  await post(seen, JSON_TYPE, '{}', 'POST', false, `/${'x'.repeat(5000)}`);
  expect(seen.seen('report-received')).toMatchObject([{ path: `/${'x'.repeat(1999)}` }]);
});

test('a status as planned', async () => {
  using seen = world({ status: 503 });
  expect(await post(seen, JSON_TYPE, JSON.stringify(REPORT))).toBe(503);
  expect(seen.seen('report-received')).toMatchObject([{ status: 503, report: REPORT }]);
});

test('many reports, on connections of their own and on one', async () => {
  using seen = world();
  using agent = keptAlive();
  await Promise.all(Array.from({ length: 10 }, () => post(seen, JSON_TYPE, '{}')));
  for (let i = 0; i < 3; i++)
    await post(seen, JSON_TYPE, JSON.stringify({ i }), 'POST', agent.agent);
  expect(seen.seen('report-received').slice(10)).toMatchObject([
    { report: { i: 0 } },
    { report: { i: 1 } },
    { report: { i: 2 } },
  ]);
  expect(seen.seen('tls-handshake')).toHaveLength(11);
});

test('a report that is broken off is none', async () => {
  using seen = world();
  const request = https.request({
    ...(await target(seen)),
    method: 'POST',
    headers: { 'content-type': JSON_TYPE, 'content-length': 100 },
  });
  request.on('error', () => {});
  request.write('{"a":1}');
  await seen.until('tls-handshake');
  request.destroy();
  await seen.idle();
  expect(seen.seen('report-received')).toEqual([]);
});

test('a certificate as planned', async () => {
  using seen = world({ tls: { certificate: 'expired' } });
  await expect(post(seen, JSON_TYPE, '{}')).rejects.toMatchObject({ code: 'CERT_HAS_EXPIRED' });
  await seen.idle();
  expect(seen.seen('tls-handshake')).toMatchObject([
    { service: 'report-host', authenticated: false },
  ]);
});

test('a broken handshake as planned', async () => {
  using seen = world({ tls: { handshake: 'close' } });
  await expect(post(seen, JSON_TYPE, '{}')).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test.each(['refused', 'reset', 'silent'] as const)('reach: %s', async (reach) => {
  using seen = world({ reach });
  const { host, port } = await target(seen);
  const socket = net.connect({ host: host as string, port: port as number });
  const end = new Promise<string>((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code!));
    socket.on('connect', () => reach === 'silent' && socket.end('hello?'));
    socket.on('close', () => resolve('closed'));
  });
  expect(await end).toBe({ refused: 'ECONNREFUSED', reset: 'ECONNRESET', silent: 'closed' }[reach]);
  expect(socket.bytesRead).toBe(0);
});

test('plain HTTP at the port of HTTPS is a failed handshake', async () => {
  using seen = world();
  const { host, port } = await target(seen);
  const request = http.request({ host, port, method: 'POST' }).end('{}');
  await once(request, 'error');
  expect(await seen.until('tls-handshake')).toMatchObject([
    { result: 'failed', reason: 'the client sent no TLS' },
  ]);
});

// ---- a reporting client ----

async function target(seen: TestWorld): Promise<https.RequestOptions> {
  const { address, port } = await seen.find(HOST, 443);
  return {
    host: address,
    port,
    servername: seen.name(HOST),
    path: '/tlsrpt',
    ca: lab.access.trust.policyHosts,
    agent: false,
  };
}

/** Resolves to the status. */
async function postInClear(seen: TestWorld): Promise<number> {
  const { address, port } = await seen.find(HOST, 80);
  const request = http.request({ host: address, port, method: 'POST', path: '/tlsrpt' });
  request.end(JSON.stringify(REPORT));
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  response.resume();
  return response.statusCode!;
}

async function post(
  seen: TestWorld,
  type: string,
  body: Buffer | string,
  method = 'POST',
  agent: https.Agent | false = false,
  path = '/tlsrpt',
): Promise<number> {
  const request = https
    .request({
      ...(await target(seen)),
      path,
      method,
      agent,
      headers: { 'content-type': type, 'content-length': Buffer.byteLength(body) },
    })
    .end(body);
  const [response] = await once(request, 'response');
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

function keptAlive() {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  return { agent, [Symbol.dispose]: () => agent.destroy() };
}
