/**
 * The lab: one process that serves every scenario at once, each with names and virtual addresses of
 * its own. Its servers obey the plan of the world they are asked in, and record; they never judge.
 */

import { createSocket } from 'node:dgram';
import { createPki } from '../../certs/index.ts';
import { labelOf } from '../model/names.ts';
import type { Event } from '../model/observation.ts';
import { type DnsRecord, SENDER_DOMAIN } from '../model/plan.ts';
import type { Endpoint, LabAccess } from '../model/sender.ts';
import { lookUp } from '../model/zone.ts';
import { startNameServer, type Zone } from './dns-server.ts';
import { createDnsKeys } from './dnssec.ts';
import { createLoopbackFabric, type Fabric } from './fabric.ts';
import { type Slowness, watchHealth } from './health.ts';
import { startHonestMx } from './honest-mx.ts';
import { createPolicyServer } from './policy-host.ts';
import { createReportInbox } from './report-inbox.ts';
import { MARK_PORT, markOf, type Trace } from './trace.ts';
import { createWorld, type Servers, type World } from './world.ts';

export interface Lab extends AsyncDisposable {
  readonly access: LabAccess;
  /** Its hosts can have IPv6 addresses. */
  readonly hasIpv6?: boolean;
  /** Of a lab elsewhere: resolves when it has gone, whoever ended it. */
  readonly lost?: Promise<Error>;
  /** How slow it was, at the worst, in the last `ms`. */
  slowness(ms: number): Promise<Slowness>;
  /**
   * The packets of these worlds, as pcapng with their TLS secrets, where the lab captures them;
   * undefined when none came.
   */
  packetsOf?(traces: readonly Trace[]): Promise<Uint8Array | undefined>;
  /** A world whose names carry `label`. */
  createWorld(label: string, record: (event: Event) => void): World;
}

/** Where a lab listens. */
export interface Site {
  openFabric(): Promise<Fabric>;
  /** Of the name server; port 0: any that is free. */
  readonly dns: Endpoint;
}

const LOOPBACK: Site = { openFabric: createLoopbackFabric, dns: { address: '127.0.0.1', port: 0 } };

/**
 * A lab at this site; default: on loopback, without privileges. Throws when it cannot listen; then
 * nothing is left open.
 */
export async function startLab(site: Site = LOOPBACK): Promise<Lab> {
  const parts: (Disposable | AsyncDisposable)[] = [];
  try {
    return await openLab(site, parts);
  } catch (error) {
    await closeAll(parts);
    throw error;
  }
}

/** In reverse order of opening. */
async function closeAll(parts: (Disposable | AsyncDisposable)[]): Promise<void> {
  for (const part of parts.reverse()) {
    if (Symbol.asyncDispose in part) await part[Symbol.asyncDispose]();
    else part[Symbol.dispose]();
  }
}

async function openLab(site: Site, parts: (Disposable | AsyncDisposable)[]): Promise<Lab> {
  const opened = <T extends Disposable | AsyncDisposable>(part: T): T => {
    parts.push(part);
    return part;
  };
  const pki = await createPki();
  const health = opened(watchHealth());
  const honest = opened(startHonestMx());
  // Closed before the honest exchanger: its going must not be seen by a sender.
  const fabric = opened(await site.openFabric());
  const zones = new Map<string, Zone>();
  const keys = await createDnsKeys(Date.now());
  const names = opened(await startNameServer(site.dns, keys, (name) => zoneFor(zones, name)));
  const servers: Servers = {
    pki,
    fabric,
    health,
    dial: honest.dial,
    policyServer: createPolicyServer(),
    reportInbox: createReportInbox(),
    lookUpTxt: (name) => textsOf(zoneFor(zones, name)?.plan().records ?? [], name),
  };
  const published = new Map<string, DnsRecord>();

  return {
    hasIpv6: fabric.hasIpv6,
    access: {
      dns: names.endpoint,
      trust: {
        policyHosts: pki.authorities.policyHosts.certificatePem,
        mxHosts: pki.authorities.mxHosts.certificatePem,
        dnssec: keys.anchor,
      },
      route: fabric.route,
      onRoute: fabric.onRoute,
      async publish(name, text) {
        published.set(name, { name, type: 'TXT', text });
        zones.set(labelOf(SENDER_DOMAIN)!, zoneOf([...published.values()]));
      },
    },
    slowness: async (ms) => health.since(performance.now() - ms),
    createWorld(label, record) {
      const { zone, ...world } = createWorld(servers, label, record);
      zones.set(label, zone);
      return {
        ...world,
        async trace() {
          const trace = await world.trace();
          await sendMark(names.endpoint, label);
          return trace;
        },
        [Symbol.dispose]() {
          zones.delete(label);
          world[Symbol.dispose]();
        },
      };
    },
    [Symbol.asyncDispose]: () => closeAll(parts),
  };
}

/** A zone that no attack changes, and whose queries are no evidence. */
function zoneOf(records: readonly DnsRecord[]): Zone {
  const plan = { records, rules: [] };
  return {
    plan: () => plan,
    count: () => 1,
    addressOf: async () => undefined,
    isAt: () => false,
    associationData: () => Buffer.alloc(0),
    failed: () => {},
    record: () => {},
    answered: () => {},
  };
}

/** The TXT records of a name, each with its character-strings joined (RFC 8460 §3, RFC 6376 §3.6.2.2). */
function textsOf(records: readonly DnsRecord[], name: string): string[] {
  return lookUp(records, name, 'TXT').found.flatMap((record) =>
    record.type === 'TXT' ? [record.text].flat().join('') : [],
  );
}

/** By the label in a name, or by the address of one of its hosts, as somebody may ask of a literal. */
function zoneFor(zones: ReadonlyMap<string, Zone>, name: string): Zone | undefined {
  const label = labelOf(name);
  if (label) return zones.get(label);
  const address = /(?:\d+\.){3}\d+(?=\]?\.?$)/.exec(name)?.[0];
  return address === undefined ? undefined : [...zones.values()].find((zone) => zone.isAt(address));
}

/** To a port where nobody listens. */
function sendMark({ address }: Endpoint, label: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.on('error', () => {});
    socket.send(markOf(label), MARK_PORT, address, () => socket.close(() => resolve()));
  });
}
