/**
 * The packets of a lab, sorted as they come: those to and from an address of a world go to that
 * address, questions and answers of DNS to the label that their names carry.
 */

import type { Readable } from 'node:stream';
import { settledWithin } from '../concurrency/wait.ts';
import { MARK_PORT, markOf, type Trace } from '../lab/trace.ts';
import { contains, type Prefix, showAddress } from '../protocol/ipv4.ts';
import {
  type Addressed,
  type Capture,
  type Packet,
  pcapReader,
  readAddressed,
  writePcapng,
} from '../protocol/pcap.ts';

export interface Packets {
  /**
   * What was captured of these worlds, as pcapng with their TLS secrets. Once asked for it is
   * forgotten. undefined when nothing was captured at all.
   */
  packetsOf(traces: readonly Trace[]): Promise<Uint8Array | undefined>;
}

const DNS_PORT = 53;
/** How a name of a world ends on the wire (RFC 1035 §3.1), and the world's label in it. */
const LABELLED = /([a-z0-9]{2,63})\x04test/gi;
/** Whoever asks over TCP and never says a name of a world. */
const MOST_UNNAMED = 1_000;
const MOST_BYTES = 512 * 1024 * 1024;
/** For what was sent last to come out of the capture. */
const CATCH_UP_MS = 5_000;

/**
 * @param stream of pcap
 * @param block the addresses of worlds
 * @param tell for people: packets are missing
 */
export function sortPackets(
  stream: Readable,
  block: Prefix,
  tell: (line: string) => void,
): Packets {
  const kept = new Map<string, Packet[]>();
  const unnamed = new Map<string, Packet[]>();
  const marks = new Map<string, PromiseWithResolvers<void>>();
  let capture: Capture | undefined;
  let bytes = 0;
  let isFull = false;

  const keep = (key: string, packet: Packet) => {
    if (bytes > MOST_BYTES) {
      if (!isFull) tell('there are too many packets to hold: what comes now is left out');
      isFull = true;
      return;
    }
    bytes += packet.data.length;
    const others = kept.get(key);
    if (others) others.push(packet);
    else kept.set(key, [packet]);
  };
  const take = (key: string): Packet[] => {
    const packets = kept.get(key) ?? [];
    kept.delete(key);
    bytes -= packets.reduce((sum, { data }) => sum + data.length, 0);
    return packets;
  };
  const mark = (name: string) => {
    const waited = marks.get(name) ?? Promise.withResolvers<void>();
    marks.set(name, waited);
    return waited;
  };
  const sortDns = (packet: Packet, said: Addressed) => {
    const flow = flowOf(said);
    const labels = labelsIn(said.payload);
    if (labels.length === 0 && said.transport === 'tcp') {
      const others = unnamed.get(flow) ?? [];
      unnamed.set(flow, [...others, packet]);
      if (unnamed.size > MOST_UNNAMED) unnamed.delete(unnamed.keys().next().value!);
    }
    for (const label of labels) {
      for (const before of unnamed.get(flow) ?? []) keep(label, before);
      keep(label, packet);
    }
    if (labels.length > 0) unnamed.delete(flow);
  };
  const read = pcapReader((packet, of) => {
    capture = of;
    const said = readAddressed(packet.data, of.linkType);
    if (!said) return;
    if (said.destinationPort === MARK_PORT && said.transport === 'udp')
      return mark(said.payload.toString('latin1')).resolve();
    const end = [said.source, said.destination].find((address) => contains(block, address));
    if (end !== undefined) keep(showAddress(end), packet);
    else if (said.sourcePort === DNS_PORT || said.destinationPort === DNS_PORT)
      sortDns(packet, said);
  });
  stream.on('data', (chunk: Buffer) => {
    try {
      read(chunk);
    } catch (error) {
      tell(`packets are captured no more: ${(error as Error).message}`);
      stream.destroy();
    }
  });

  return {
    async packetsOf(traces) {
      const names = traces.map(({ label }) => markOf(label));
      let isThere = false;
      await settledWithin(
        Promise.all(names.map((name) => mark(name).promise)).then(() => {
          isThere = true;
        }),
        CATCH_UP_MS,
      );
      for (const name of names) marks.delete(name);
      if (!isThere) tell('the capture is behind: the last packets of a trial may be missing');
      const packets = traces.flatMap(({ label, addresses }) => [
        ...take(label.toLowerCase()),
        ...addresses.flatMap(({ address, since }) =>
          take(address).filter(({ time }) => time >= unitsOf(since, capture)),
        ),
      ]);
      if (!capture) return undefined;
      packets.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
      return writePcapng(
        capture,
        packets,
        traces.flatMap(({ keyLog }) => keyLog),
      );
    },
  };
}

/** Milliseconds since 1970, in units of the capture. */
const unitsOf = (ms: number, capture: Capture | undefined) =>
  BigInt(Math.floor(ms)) * BigInt((capture?.unitsPerSecond ?? 1_000_000) / 1_000);

/** The same in both directions. */
function flowOf({ source, sourcePort, destination, destinationPort }: Addressed): string {
  return [`${source}:${sourcePort}`, `${destination}:${destinationPort}`].sort().join(' ');
}

/** In lower case, each once. */
function labelsIn(payload: Buffer): string[] {
  const found = payload.toString('latin1').matchAll(LABELLED);
  return [...new Set([...found].map(([, label]) => label!.toLowerCase()))];
}
