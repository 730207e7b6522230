/**
 * A lab for the tests of child-process senders: a name server and some routes, with honest servers
 * behind them.
 */

import type net from 'node:net';
import type { AddressInfo } from 'node:net';
import dns2, { Packet } from 'dns2';
import type { Authority } from '../../certs/authority.ts';
import type { Pki } from '../../certs/index.ts';
import type { Endpoint, LabAccess } from '../../harness/model/sender.ts';

export interface SmallLab extends AsyncDisposable {
  readonly access: LabAccess;
  /** A virtual address leads to this server of 127.0.0.1 from now on. */
  publish(address: string, port: number, actual: Endpoint): void;
  /** `name TYPE` of every query, in order. */
  readonly queries: readonly string[];
}

export type Zone = Readonly<
  Record<string, readonly (string | { exchange: string; priority: number })[] | 'SERVFAIL'>
>;

/** A name server that knows `name TYPE` → data, and nothing else. */
export async function startSmallLab(zone: Zone, pki: Pki): Promise<SmallLab> {
  const routes = new Map<string, { virtual: Endpoint; actual: Endpoint }>();
  const watchers = new Set<Parameters<LabAccess['onRoute']>[0]>();
  const queries: string[] = [];
  const server = dns2.createUDPServer((request, send) => {
    const question = request.questions[0];
    if (!question) return;
    const type =
      Object.entries(Packet.TYPE).find(([, value]) => value === question.type)?.[0] ?? '?';
    const key = `${question.name} ${type}`;
    queries.push(key);
    const response = Packet.createResponseFromRequest(request);
    const found = zone[key];
    if (found === 'SERVFAIL') response.header.rcode = Packet.RCODE.SERVFAIL;
    else if (found)
      response.answers.push(...found.map((data) => resource(question.name, type, data)));
    else if (!Object.keys(zone).some((known) => known.startsWith(`${question.name} `)))
      response.header.rcode = Packet.RCODE.NXDOMAIN;
    void send(response);
  });
  await new Promise<void>((resolve) => void server.bind(0, '127.0.0.1', () => resolve()));
  return {
    queries,
    access: {
      dns: { address: '127.0.0.1', port: server.address().port },
      trust: trustOf(pki.authorities),
      route: (address, port) => routes.get(`${address}:${port}`)?.actual,
      onRoute(listener) {
        for (const { virtual, actual } of routes.values()) void listener(virtual, actual);
        watchers.add(listener);
        return () => watchers.delete(listener);
      },
      publish: async () => {},
    },
    publish(address, port, actual) {
      routes.set(`${address}:${port}`, { virtual: { address, port }, actual });
      for (const watcher of watchers) void watcher({ address, port }, actual);
    },
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

/** Where a server that has just been told to listen on 127.0.0.1 is. */
export async function listen(server: net.Server): Promise<Endpoint> {
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  return { address: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

function resource(
  name: string,
  type: string,
  data: string | { exchange: string; priority: number },
) {
  const common = {
    name,
    type: Packet.TYPE[type as keyof typeof Packet.TYPE],
    class: Packet.CLASS.IN,
    ttl: 60,
  };
  if (typeof data === 'object') return new Packet.Resource({ ...common, ...data });
  return new Packet.Resource(type === 'A' ? { ...common, address: data } : { ...common, data });
}

function trustOf({
  policyHosts,
  mxHosts,
}: {
  policyHosts: Authority;
  mxHosts: Authority;
}): LabAccess['trust'] {
  return {
    policyHosts: policyHosts.certificatePem,
    mxHosts: mxHosts.certificatePem,
    dnssec: '',
  };
}
