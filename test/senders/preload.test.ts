import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createPki } from '../../certs/index.ts';
import { listen, startSmallLab } from './small-lab.ts';

const PRELOAD = new URL('../../harness/senders/node/preload.ts', import.meta.url).href;
const ZONE = {
  'mx.lab.test A': ['127.64.0.2'],
  'web.lab.test A': ['127.64.0.1'],
  'web.lab.test TXT': ['hello'],
  'broken.lab.test A': 'SERVFAIL',
} as const;

interface Report {
  readonly value?: unknown;
  readonly error?: { readonly code?: string; readonly message: string };
}

describe('the preload, with a program that tries every way out', () => {
  const reports = new Map<string, Report>();
  let exit: unknown[];
  let strangers = 0;

  beforeAll(async () => {
    const pki = await createPki();
    await using lab = await startSmallLab(ZONE, pki);
    const { keyPem, chainPem } = pki.issue({
      profile: 'right',
      host: 'web.lab.test',
      service: 'policy-host',
    });
    const web = https.createServer({ key: keyPem, cert: chainPem }, (_request, response) =>
      response.end('page'),
    );
    const echo = net.createServer((socket) => socket.pipe(socket));
    const stranger = net.createServer((socket) => {
      strangers++;
      socket.end();
    });
    lab.publish('127.64.0.1', 443, await listen(web));
    lab.publish('127.64.0.2', 25, await listen(echo));
    const { port } = await listen(stranger);
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
    const trust = join(folder, 'ca.pem');
    await writeFile(trust, lab.access.trust.policyHosts);

    const child = fork(
      new URL('./fixtures/traveller.mjs', import.meta.url),
      [String(port), join(folder, 'socket')],
      {
        execArgv: ['--import', PRELOAD],
        env: { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: trust },
      },
    );

    child.on(
      'message',
      ({ name, ...report }: Report & { name?: string }) => name && reports.set(name, report),
    );
    lab.access.onRoute(
      (virtual, actual) => void child.send({ kind: 'route', id: 1, virtual, actual }),
    );
    child.send({ kind: 'lab', dns: lab.access.dns });
    exit = await once(child, 'exit');
    for (const server of [web, echo, stranger]) server.close();
    await rm(folder, { recursive: true });
  });

  const talked = { connecting: true, answer: 'hello', remote: '127.64.0.2:25' };
  const arrives: [probe: string, value: unknown][] = [
    ['net.connect by name', talked],
    ['net.connect by address', talked],
    ['net.connect, named import', talked],
    ['net.connect, required', talked],
    ['net.connect with two families raced', talked],
    ['net.connect with a lookup of its own', talked],
    ['net.connect from an address', talked],
    ['socket.connect with a listener', '127.64.0.2'],
    ['tls.connect', { authorized: true, remoteAddress: '127.64.0.1' }],
    ['https.get', 'page'],
    ['fetch', 'page'],
    ['dns.resolveTxt', [['hello']]],
    ['dns/promises.resolveTxt, named import', [['hello']]],
    ['new Resolver with servers of its own', ['127.64.0.2']],
    ['promised Resolver with servers of its own', ['127.64.0.2']],
    ['class extends Resolver', ['127.64.0.2']],
    ['dns.setServers', ['127.64.0.2']],
    ['dns.lookup', ['127.64.0.2', 4]],
    ['dns.lookup, promisified', { address: '127.64.0.2', family: 4 }],
    ['dns/promises.lookup, all', [{ address: '127.64.0.2', family: 4 }]],
    ['dns.lookup localhost', { address: '127.0.0.1', family: 4 }],
    ['dns.lookup of a literal', { address: '192.0.2.1', family: 4 }],
    ['Unix socket', 'from a path'],
  ];
  it.each(arrives)('%s gets to the lab', (probe, value) =>
    expect(reports.get(probe)).toEqual({ value }),
  );

  const fails: [probe: string, code: string, message: string][] = [
    ['dns.lookup of nothing there', 'ENOTFOUND', 'getaddrinfo ENOTFOUND nobody.lab.test'],
    ['dns.lookup, IPv6', 'ENOTFOUND', 'getaddrinfo ENOTFOUND mx.lab.test'],
    ['dns.lookup, server failure', 'EAI_AGAIN', 'getaddrinfo EAI_AGAIN broken.lab.test'],
    ['dns.lookupService', 'ENOTFOUND', 'getnameinfo ENOTFOUND 127.0.0.1'],
    ['net.connect to nothing there', 'ENOTFOUND', 'getaddrinfo ENOTFOUND nobody.lab.test'],
    [
      'net.connect to an address outside',
      'ENETUNREACH',
      'connect ENETUNREACH 192.0.2.1:25 - it is not in the lab',
    ],
    ['net.connect to loopback', 'ENETUNREACH', 'it is not in the lab'],
    ['net.connect to localhost by default', 'ENETUNREACH', 'it is not in the lab'],
    [
      'net.connect to another port',
      'ENETUNREACH',
      'connect ENETUNREACH 127.64.0.2:26 - it is not in the lab',
    ],
    ['net.connect over IPv6', 'ENETUNREACH', 'it is not in the lab'],
    [
      'tls.connect outside',
      'ENETUNREACH',
      'connect ENETUNREACH 192.0.2.1:443 - it is not in the lab',
    ],
    ['https.get outside', 'ENETUNREACH', 'it is not in the lab'],
    ['UDP send', 'ENETUNREACH', 'send ENETUNREACH 192.0.2.1:53 - it is not in the lab'],
    ['UDP send with nobody listening', 'ENETUNREACH', 'it is not in the lab'],
    ['UDP connect', 'ENETUNREACH', 'connect ENETUNREACH 192.0.2.1:53 - it is not in the lab'],
  ];
  it.each(fails)('%s fails', (probe, code, message) =>
    expect(reports.get(probe)).toEqual({
      error: { code, message: expect.stringContaining(message) },
    }),
  );

  it('every probe is judged above', () => {
    expect([...reports.keys()].sort()).toEqual(
      [...arrives, ...fails].map(([probe]) => probe).sort(),
    );
  });
  it('nobody got to a port of this machine that is not the lab’s', () => expect(strangers).toBe(0));
  it('a program that has no use for the channel ends by itself', () =>
    expect(exit).toEqual([0, null]));
});

it('a program does not outlive the harness', async () => {
  const child = fork(new URL('./fixtures/misbehaving.mjs', import.meta.url), {
    execArgv: ['--import', PRELOAD],
  });
  child.send({ kind: 'lab', dns: { address: '127.0.0.1', port: 9 } });
  expect(await once(child, 'message')).toMatchObject([{ kind: 'ready' }, undefined]);
  child.disconnect();
  expect(await once(child, 'exit')).toEqual([0, null]);
});

it('the preload refuses to run with no lab to talk to', async () => {
  const child = spawn(process.execPath, ['--import', PRELOAD, '-e', '0']);
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(1);
  expect(said).toContain('needs an IPC channel');
});
