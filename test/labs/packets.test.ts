import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MARK_PORT, markOf } from '../../harness/lab/trace.ts';
import { openLab } from '../../harness/labs/open.ts';
import { sortPackets } from '../../harness/labs/packets.ts';
import { baselinePlan, DEFAULT_DOMAIN, DEFAULT_POLICY } from '../../harness/model/baseline.ts';
import { trustFile } from '../../harness/process/environment.ts';
import { readAddress, readPrefix } from '../../harness/protocol/ipv4.ts';
import { openWorld } from '../lab/world.ts';

const BLOCK = readPrefix('10.9.128.0/17')!;
const SENDER = '10.9.0.3';
const NAME_SERVER = '10.9.0.2';

interface Spoken {
  readonly from: string;
  readonly to: string;
  readonly ports?: readonly [from: number, to: number];
  readonly said?: string;
  readonly ms?: number;
  readonly transport?: 'udp' | 'tcp';
}

/** A record of pcap: Ethernet, IPv4, and UDP or TCP. */
function record({ from, to, ports = [40_000, 25], said = '', ms = 1_000, transport }: Spoken) {
  const head = transport === 'udp' ? 8 : 20;
  const data = Buffer.alloc(14 + 20 + head + said.length);
  data.writeUInt16BE(0x0800, 12);
  data.writeUInt8(0x45, 14);
  data.writeUInt16BE(20 + head + said.length, 16);
  data.writeUInt8(transport === 'udp' ? 17 : 6, 23);
  data.writeUInt32BE(readAddress(from)!, 26);
  data.writeUInt32BE(readAddress(to)!, 30);
  data.writeUInt16BE(ports[0], 34);
  data.writeUInt16BE(ports[1], 36);
  if (transport !== 'udp') data.writeUInt8(0x50, 46);
  data.write(said, 34 + head, 'latin1');
  const header = Buffer.alloc(16);
  [Math.floor(ms / 1000), (ms % 1000) * 1000, data.length, data.length].forEach((value, index) => {
    header.writeUInt32LE(value, index * 4);
  });
  return Buffer.concat([header, data]);
}

const HEADER = Buffer.alloc(24);
[0xa1b2c3d4, 0x0004_0002, 0, 0, 65_535, 1].forEach((value, index) => {
  HEADER.writeUInt32LE(value, index * 4);
});
const question = (name: string) =>
  name
    .split('.')
    .map((label) => String.fromCharCode(label.length) + label)
    .join('');
const dns = (name: string, more: Partial<Spoken> = {}): Spoken => ({
  from: SENDER,
  to: NAME_SERVER,
  ports: [40_001, 53],
  transport: 'udp',
  said: question(name),
  ...more,
});
const mark = (label: string): Spoken => ({
  from: NAME_SERVER,
  to: NAME_SERVER,
  ports: [40_002, MARK_PORT],
  transport: 'udp',
  said: markOf(label),
});

/** What was said in the packets of a world, in order; and what people were told. */
async function sorted(
  spoken: readonly Spoken[],
  addresses: readonly { address: string; since: number }[],
) {
  const told: string[] = [];
  const stream = new PassThrough();
  const { packetsOf } = sortPackets(stream, BLOCK, (line) => told.push(line));
  stream.write(Buffer.concat([HEADER, ...[...spoken, mark('xabc')].map(record)]));
  const trace = { label: 'xabc', addresses, keyLog: ['CLIENT_RANDOM 0 1'] };
  const file = Buffer.from((await packetsOf([trace]))!).toString('latin1');
  return { file, told, has: (said: string) => file.includes(said) };
}

describe('the packets of a world', () => {
  it('are those of its addresses in its time, and the questions after its names', async () => {
    const { file, told, has } = await sorted(
      [
        { from: SENDER, to: '10.9.128.7', said: 'to it' },
        { from: '10.9.128.7', to: SENDER, said: 'from it' },
        { from: SENDER, to: '10.9.128.8', said: 'to another' },
        { from: SENDER, to: '10.9.128.7', said: 'before', ms: 400 },
        { from: NAME_SERVER, to: SENDER, said: 'submission' },
        dns('victim.XABC.test'),
        dns('other.xdef.test'),
      ],
      [{ address: '10.9.128.7', since: 500 }],
    );
    expect(told).toEqual([]);
    for (const said of ['to it', 'from it', question('victim.XABC.test'), 'CLIENT_RANDOM 0 1'])
      expect(file).toContain(said);
    for (const said of ['to another', 'before', 'submission', question('xdef'), 'caught up'])
      expect(has(said)).toBe(false);
  });

  it('of a question over TCP begin before the name is said', async () => {
    const tcp = { transport: 'tcp' as const, ports: [40_009, 53] as const };
    const { has } = await sorted(
      [
        dns('', { ...tcp, said: 'open' }),
        dns('', { ...tcp, ports: [40_010, 53], said: 'another' }),
        dns('victim.xabc.test', tcp),
      ],
      [],
    );
    expect(has('open')).toBe(true);
    expect(has('another')).toBe(false);
  });

  it('end with a capture that is none, and people are told', async () => {
    const told: string[] = [];
    const stream = new PassThrough();
    sortPackets(stream, BLOCK, (line) => told.push(line));
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.write(Buffer.alloc(24, 'x'));
    await closed;
    expect(told).toEqual(['packets are captured no more: this is no capture']);
  });
});

const why =
  platform() !== 'linux' || process.getuid?.() !== 0
    ? 'root on Linux is needed'
    : spawnSync('tcpdump', ['--version']).error
      ? 'tcpdump is not installed'
      : undefined;
const hasTshark = !spawnSync('tshark', ['--version']).error;

describe.skipIf(why !== undefined)(`a captured lab${why ? ` (${why})` : ''}`, () => {
  let folder: string;
  let lab: Awaited<ReturnType<typeof openLab>>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-pcap-'));
    const place = { dns: '127.94.0.1', addresses: '127.94.128.0/17' };
    lab = await openLab(place, (line) => expect.unreachable(line), { isCaptured: true });
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  it.each<tls.SecureVersion>(['TLSv1.2', 'TLSv1.3'])(
    'gives what is said inside %s',
    async (version) => {
      using world = openWorld(lab, baselinePlan(DEFAULT_DOMAIN, DEFAULT_POLICY));
      const clear = await world.dial();
      await clear.reply();
      await clear.say('EHLO mta.sender.test');
      await clear.say('STARTTLS');
      const peer = await clear.secure({
        servername: world.name('mx1.victim.test'),
        ca: trustFile(lab.access),
        minVersion: version,
        maxVersion: version,
      });
      await peer.say('EHLO mta.sender.test');
      await peer.say('MAIL FROM:<inside@sender.test>');
      const file = join(folder, `${version}.pcapng`);
      writeFileSync(file, (await lab.packetsOf!([await world.trace()]))!);
      peer.socket.destroy();
      if (!hasTshark) return;
      const inside = ['-r', file, '-Y', 'tls && smtp.req.command == "MAIL"', '-T', 'fields'];
      expect(
        execFileSync('tshark', [...inside, '-e', 'smtp.req.parameter'], {
          encoding: 'utf8',
          stdio: 'pipe',
        }),
      ).toContain('FROM:<inside@sender.test>');
    },
  );
});
