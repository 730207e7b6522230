/**
 * Everything that the lab opens listens on loopback, and once it is closed nothing is left that
 * would keep a process alive.
 */

import { execFile } from 'node:child_process';
import dgram from 'node:dgram';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { startLab } from '../../harness/lab/lab.ts';
import type { Sender } from '../../harness/model/sender.ts';
import { loadScenarios } from '../../harness/scenario/load.ts';
import { referenceSender } from '../../harness/senders/reference/index.ts';
import { loadVocabulary } from '../../harness/vocabulary.ts';
import { resultsOf } from '../suite.ts';

const SCENARIOS = [
  'starttls/stripped.yaml',
  'policy-host/plain-http.yaml',
  'reporting/sessions-counted.yaml',
];

afterEach(() => {
  vi.restoreAllMocks();
});

describe('while scenarios run', () => {
  // The kernel's own list of what this process has open; other systems have none that can be read
  // so.
  test.runIf(process.platform === 'linux')(
    'every socket of the process is on loopback, at both ends (Linux)',
    async () => {
      const before = openSockets();
      const during: OpenSocket[] = [];
      await runScenarios(() => during.push(...openSockets()));
      const ofLab = during.filter((socket) => !before.some((one) => one.inode === socket.inode));
      const listeners = new Set(
        ofLab
          .filter((socket) => socket.listens)
          .map((socket) => `${socket.protocol} ${socket.local}`),
      );
      // DNS twice, the exchanger, and hosts of the worlds.
      expect(listeners.size).toBeGreaterThan(10);
      expect([...listeners].some((one) => one.startsWith('udp '))).toBe(true);
      expect(
        ofLab.filter(
          (socket) =>
            !socket.local.startsWith('127.') ||
            (!socket.listens && !socket.remote.startsWith('127.')),
        ),
      ).toEqual([]);
      expect(
        openSockets().filter((socket) => !before.some((one) => one.inode === socket.inode)),
      ).toEqual([]);
    },
  );

  test('every server says so itself (any system)', async () => {
    const servers: (net.Server | dgram.Socket)[] = [];
    const addresses: string[] = [];
    for (const [kind, verb] of [
      [net.Server.prototype, 'listen'],
      [dgram.Socket.prototype, 'bind'],
    ] as const) {
      const begin = (kind as any)[verb];
      vi.spyOn(kind as any, verb).mockImplementation(function (this: any, ...given: unknown[]) {
        servers.push(this);
        this.once('listening', () => addresses.push(this.address().address));
        return begin.apply(this, given);
      });
    }
    await runScenarios(() => {});
    expect(addresses.length).toBeGreaterThan(10);
    expect(new Set(addresses)).toEqual(new Set(['127.0.0.1']));
    expect(servers.filter((server) => server instanceof net.Server && server.listening)).toEqual(
      [],
    );
  });
});

test('a process that starts a lab and closes it ends by itself, whatever its worlds were at', async () => {
  const lab = new URL('../../harness/lab/lab.ts', import.meta.url).href;
  const program = `
    import net from 'node:net';
    import { Resolver } from 'node:dns/promises';
    import { startLab } from ${JSON.stringify(lab)};
    const lab = await startLab();
    const hosts = ['held.a.test', 'silent.a.test', 'stalled.a.test'];
    const hour = 3_600_000;
    const world = lab.createWorld('a', () => {});
    void world.arrange({
      dns: {
        records: hosts.map((name) => ({ name, type: 'A', host: name })),
        rules: [{ name: 'late.a.test', type: '*', delayMs: hour }],
      },
      policyHosts: {},
      mxHosts: { 'held.a.test': { greeting: { delayMs: hour } }, 'silent.a.test': { reach: 'silent' }, 'stalled.a.test': { greeting: { then: 'stall' } } },
      reportHosts: {},
    });
    const resolver = new Resolver({ timeout: 100, tries: 1 });
    resolver.setServers([lab.access.dns.address + ':' + lab.access.dns.port]);
    await resolver.resolve4('late.a.test').catch(() => {});
    const closed = [];
    for (const host of hosts) {
      const [address] = await resolver.resolve4(host);
      const { port } = lab.access.route(address, 25);
      const socket = net.connect(port, '127.0.0.1');
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.on('error', () => {});
      closed.push(new Promise((resolve) => socket.resume().once('close', resolve)));
    }
    const dns = net.connect(lab.access.dns.port, '127.0.0.1');
    await new Promise((resolve) => dns.once('connect', resolve));
    if (process.argv[1] === 'world first') world[Symbol.dispose]();
    await lab[Symbol.asyncDispose]();
    await Promise.all(closed);
    console.log('closed');
  `;
  for (const order of ['world first', 'lab alone']) {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', program, order],
      { timeout: 20_000 },
    );
    expect(stdout).toBe('closed\n');
  }
});

async function runScenarios(onStatus: () => void): Promise<void> {
  const folder = fileURLToPath(new URL('../../scenarios', import.meta.url));
  const vocabulary = await loadVocabulary();
  const files = SCENARIOS.map((file) => `${folder}/${file}`);
  const { scenarios } = await loadScenarios(files, folder, vocabulary);
  const reference = referenceSender();
  const watched: Sender = {
    ...reference,
    start: (access, tell) =>
      reference.start(access, (status) => {
        onStatus();
        tell(status);
      }),
  };
  await using lab = await startLab();
  const results = await resultsOf({ lab, vocabulary, senders: [watched], scenarios, jobs: 8 });
  expect(results.length).toBeGreaterThanOrEqual(SCENARIOS.length);
}

// ---- /proc/net (Linux) ----

interface OpenSocket {
  readonly protocol: string;
  readonly inode: string;
  readonly local: string;
  readonly remote: string;
  readonly listens: boolean;
}

/** The IP sockets that this process has open, as the kernel sees them. */
function openSockets(): OpenSocket[] {
  const inodes = new Set(
    readdirSync('/proc/self/fd').flatMap((fd) => /^socket:\[(\d+)\]$/.exec(linkOf(fd))?.[1] ?? []),
  );
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((protocol) => {
    const [, ...rows] = readFileSync(`/proc/self/net/${protocol}`, 'latin1').trim().split('\n');
    return rows.flatMap((row) => {
      const [, local, remote, state, , , , , , inode] = row.trim().split(/\s+/);
      if (!inodes.has(inode!)) return [];
      return [
        {
          protocol,
          inode: inode!,
          local: readAddress(local!),
          remote: readAddress(remote!),
          listens: state === '0A' || remote!.endsWith(':0000'),
        },
      ];
    });
  });
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // The descriptor of the directory that was just read.
    return '';
  }
}

/** `0100007F:1F90` → `127.0.0.1:8080`; an IPv6 address stays as it is. */
function readAddress(text: string): string {
  const [address, port] = text.split(':') as [string, string];
  const bytes = address.match(/../g)!.map((byte) => Number.parseInt(byte, 16));
  return `${bytes.length === 4 ? bytes.reverse().join('.') : address}:${Number.parseInt(port, 16)}`;
}
