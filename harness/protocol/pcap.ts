/**
 * Captured packets: the stream that `tcpdump -w -` writes (pcap, draft-ietf-opsawg-pcap) is read,
 * and a file with the TLS secrets in it is written (pcapng, draft-ietf-opsawg-pcapng §4).
 */

export interface Packet {
  /** Since 1970, in the capture's unit of time. */
  readonly time: bigint;
  readonly data: Buffer;
  /** Bytes on the wire. */
  readonly length: number;
}

export interface Capture {
  /** As in the registry of link types. */
  readonly linkType: number;
  readonly snapLength: number;
  /** Units of time in a second: 10^6 or 10^9. */
  readonly unitsPerSecond: number;
}

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const LONGEST_PACKET = 256 * 1024;
const MAGIC = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;

/**
 * Takes a stream in pieces, as they come, and calls back for every whole packet. Throws Error when it
 * is no pcap.
 */
export function pcapReader(onPacket: (packet: Packet, capture: Capture) => void) {
  let rest = Buffer.alloc(0);
  let isLittle = true;
  let capture: Capture | undefined;
  const number = (at: number) => (isLittle ? rest.readUInt32LE(at) : rest.readUInt32BE(at));
  return (chunk: Buffer): void => {
    rest = Buffer.concat([rest, chunk]);
    if (!capture) {
      if (rest.length < FILE_HEADER) return;
      isLittle = [MAGIC, MAGIC_NANOSECONDS].includes(rest.readUInt32LE(0));
      capture = readHeader(number);
      rest = rest.subarray(FILE_HEADER);
    }
    while (rest.length >= RECORD_HEADER) {
      const held = number(8);
      if (held > LONGEST_PACKET) throw new Error('the capture is broken: a packet of no size');
      if (rest.length < RECORD_HEADER + held) return;
      const time = BigInt(number(0)) * BigInt(capture.unitsPerSecond) + BigInt(number(4));
      const data = Buffer.from(rest.subarray(RECORD_HEADER, RECORD_HEADER + held));
      const packet = { time, data, length: number(12) };
      rest = rest.subarray(RECORD_HEADER + held);
      onPacket(packet, capture);
    }
  };
}

function readHeader(number: (at: number) => number): Capture {
  const magic = number(0);
  if (magic !== MAGIC && magic !== MAGIC_NANOSECONDS) throw new Error('this is no capture');
  return {
    linkType: number(20) & 0xffff,
    snapLength: number(16),
    unitsPerSecond: magic === MAGIC ? 1_000_000 : 1_000_000_000,
  };
}

// ---- pcapng ----

/** §4.7: key log lines, as NSS writes them. */
const TLS_KEY_LOG = 0x544c534b;

/**
 * A whole file: the secrets stand before the packets, so that whoever reads it in order can decrypt.
 *
 * @param keyLog lines of a TLS key log
 */
export function writePcapng(
  { linkType, snapLength, unitsPerSecond }: Capture,
  packets: readonly Packet[],
  keyLog: readonly string[],
): Buffer {
  const secrets = Buffer.from(keyLog.map((line) => `${line.trim()}\n`).join(''));
  return Buffer.concat([
    // §4.1: byte order, version 1.0, a section of unknown length.
    block(0x0a0d0d0a, [uint32(0x1a2b3c4d), uint16(1), uint16(0), Buffer.alloc(8, 0xff)]),
    // §4.2: with if_tsresol (9), the exponent of the unit of time; then the end of options.
    block(1, [
      uint16(linkType),
      uint16(0),
      uint32(snapLength),
      uint16(9),
      uint16(1),
      Buffer.from([Math.round(Math.log10(unitsPerSecond)), 0, 0, 0]),
      uint32(0),
    ]),
    ...(secrets.length === 0
      ? []
      : [block(10, [uint32(TLS_KEY_LOG), uint32(secrets.length), padded(secrets)])]),
    ...packets.map(({ time, data, length }) =>
      // §4.3: of the first interface.
      block(6, [
        uint32(0),
        uint32(Number(time >> 32n)),
        uint32(Number(time & 0xffffffffn)),
        uint32(data.length),
        uint32(length),
        padded(data),
      ]),
    ),
  ]);
}

function block(type: number, parts: readonly Buffer[]): Buffer {
  const length = uint32(parts.reduce((sum, part) => sum + part.length, 12));
  return Buffer.concat([uint32(type), length, ...parts, length]);
}

const padded = (bytes: Buffer) =>
  Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

// ---- what is in a packet ----

export interface Addressed {
  /** IPv4, as numbers. */
  readonly source: number;
  readonly destination: number;
  readonly transport: 'tcp' | 'udp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Buffer;
}

/** Where IP begins, and where its EtherType stands, by link type. */
const LINKS: Readonly<Record<number, { readonly type: number; readonly ip: number }>> = {
  1: { type: 12, ip: 14 }, // Ethernet
  113: { type: 14, ip: 16 }, // Linux cooked
  276: { type: 0, ip: 20 }, // Linux cooked, version 2
};
const IPV4 = 0x0800;
const TRANSPORTS: Readonly<Record<number, Addressed['transport']>> = { 6: 'tcp', 17: 'udp' };

/** undefined: neither TCP nor UDP on IPv4, cut short, or no first fragment. */
export function readAddressed(data: Buffer, linkType: number): Addressed | undefined {
  const link = LINKS[linkType];
  if (!link || data.length < link.ip + 20 || data.readUInt16BE(link.type) !== IPV4)
    return undefined;
  const ip = data.subarray(link.ip);
  const headerLength = (ip[0]! & 0x0f) * 4;
  const transport = TRANSPORTS[ip[9]!];
  const isFirst = (ip.readUInt16BE(6) & 0x1fff) === 0;
  // What is behind the length that IP states is padding of the link.
  const body = ip.subarray(headerLength, ip.readUInt16BE(2));
  if (!transport || !isFirst || body.length < (transport === 'udp' ? 8 : 20)) return undefined;
  return {
    source: ip.readUInt32BE(12),
    destination: ip.readUInt32BE(16),
    transport,
    sourcePort: body.readUInt16BE(0),
    destinationPort: body.readUInt16BE(2),
    payload: body.subarray(transport === 'udp' ? 8 : (body[12]! >> 4) * 4),
  };
}
