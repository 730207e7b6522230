import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Capture,
  type Packet,
  pcapReader,
  readAddressed,
  writePcapng,
} from '../../harness/protocol/pcap.ts';

const ETHERNET = 1;

/** A capture as tcpdump writes it. */
function pcap(
  packets: readonly { seconds: number; fraction: number; data: Buffer }[],
  { magic = 0xa1b2c3d4, little = true } = {},
): Buffer {
  const numbers = (...values: number[]) => {
    const bytes = Buffer.alloc(values.length * 4);
    for (const [index, value] of values.entries())
      little ? bytes.writeUInt32LE(value, index * 4) : bytes.writeUInt32BE(value, index * 4);
    return bytes;
  };
  return Buffer.concat([
    numbers(magic, little ? 0x0004_0002 : 0x0002_0004, 0, 0, 65_535, ETHERNET),
    ...packets.flatMap(({ seconds, fraction, data }) => [
      numbers(seconds, fraction, data.length, data.length + 1),
      data,
    ]),
  ]);
}

function readAll(chunks: readonly Buffer[]): { packets: Packet[]; capture?: Capture } {
  const packets: Packet[] = [];
  let capture: Capture | undefined;
  const read = pcapReader((packet, of) => {
    packets.push(packet);
    capture = of;
  });
  for (const chunk of chunks) read(chunk);
  return { packets, capture };
}

const PACKETS = [
  { seconds: 1_700_000_000, fraction: 5, data: Buffer.from('first') },
  { seconds: 1_700_000_001, fraction: 999_999, data: Buffer.alloc(0) },
  { seconds: 1_700_000_002, fraction: 0, data: Buffer.from('third') },
];

describe('a capture', () => {
  it.each([
    ['little endian', { little: true }],
    ['big endian', { little: false }],
  ])('is read, %s, wherever the stream is cut', (_, order) => {
    const bytes = pcap(PACKETS, order);
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(bytes.length)), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        const { packets, capture } = readAll(chunks);
        expect(packets.map(({ data }) => data)).toEqual(PACKETS.map(({ data }) => data));
        expect(packets[0]).toMatchObject({ time: 1_700_000_000_000_005n, length: 6 });
        expect(capture).toEqual({
          linkType: ETHERNET,
          snapLength: 65_535,
          unitsPerSecond: 1_000_000,
        });
      }),
    );
  });

  it('may count in nanoseconds', () => {
    const { packets, capture } = readAll([pcap(PACKETS, { magic: 0xa1b23c4d })]);
    expect(packets[0]!.time).toBe(1_700_000_000_000_000_005n);
    expect(capture!.unitsPerSecond).toBe(1_000_000_000);
  });

  it('that is none is refused', () => {
    expect(() => readAll([Buffer.alloc(24, 'x')])).toThrow('no capture');
    const broken = pcap([]);
    expect(() => readAll([broken, Buffer.alloc(16, 0xff)])).toThrow('broken');
  });
});

describe('pcapng', () => {
  it('is whole blocks, the secrets before the packets', () => {
    const { packets, capture } = readAll([pcap(PACKETS)]);
    const file = writePcapng(capture!, packets, ['CLIENT_RANDOM 01 02\n', 'X 1 2']);
    const types: number[] = [];
    for (let at = 0; at < file.length; ) {
      const length = file.readUInt32LE(at + 4);
      expect(length % 4).toBe(0);
      expect(file.readUInt32LE(at + length - 4)).toBe(length);
      types.push(file.readUInt32LE(at));
      at += length;
    }
    expect(types).toEqual([0x0a0d0d0a, 1, 10, 6, 6, 6]);
    expect(file.toString('latin1')).toContain('CLIENT_RANDOM 01 02\nX 1 2\n');
    expect(writePcapng(capture!, [], []).length).toBe(28 + 32);
  });
});

describe('a packet', () => {
  /** Ethernet, IPv4 with its options, UDP. */
  const udp = (payload: string, change: (bytes: Buffer) => void = () => {}) => {
    const bytes = Buffer.concat([
      Buffer.from('0'.repeat(24), 'hex'),
      Buffer.from('0800', 'hex'),
      Buffer.from('460000000000000040110000ac1e0003ac1e8001', 'hex'),
      Buffer.from('01010101', 'hex'),
      Buffer.from('d43100350000dead', 'hex'),
      Buffer.from(payload),
    ]);
    bytes.writeUInt16BE(24 + 8 + payload.length, 16);
    change(bytes);
    return bytes;
  };

  it('says who speaks to whom, and what', () => {
    const said = readAddressed(Buffer.concat([udp('hello'), Buffer.alloc(6)]), ETHERNET);
    expect(said).toMatchObject({
      source: 0xac1e0003,
      destination: 0xac1e8001,
      transport: 'udp',
      sourcePort: 54_321,
      destinationPort: 53,
    });
    expect(said!.payload.toString()).toBe('hello');
  });

  it.each<[string, Buffer, number]>([
    ['of another link type', udp('x'), 147],
    ['of another protocol', udp('x', (bytes) => bytes.writeUInt8(1, 23)), ETHERNET],
    ['that is no first fragment', udp('x', (bytes) => bytes.writeUInt16BE(1, 20)), ETHERNET],
    ['that is cut short', udp('').subarray(0, 40), ETHERNET],
    ['of IPv6', udp('x', (bytes) => bytes.writeUInt16BE(0x86dd, 12)), ETHERNET],
  ])('%s says nothing', (_, bytes, link) => {
    expect(readAddressed(bytes, link)).toBeUndefined();
  });

  it('of any bytes breaks nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (noise) => {
        for (const link of [1, 113, 276]) {
          readAddressed(Buffer.from(noise), link);
          readAddressed(
            udp('x', (bytes) => bytes.set(noise.slice(0, 40), 12)),
            link,
          );
        }
      }),
    );
  });
});
