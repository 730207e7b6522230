/**
 * A world: one plan come alive. Every host of the plan has a virtual address of its own; the
 * servers obey the plan that is in force when they are asked.
 *
 * An address is opened when its name is first asked for, so that a world costs only what the sender
 * looks at.
 */

import type net from 'node:net';
import type { CertificateRequest, Pki } from '../../certs/index.ts';
import type { Event } from '../model/observation.ts';
import type { LabPlan, MxPlan, PolicyHostPlan, Reach, ReportHostPlan } from '../model/plan.ts';
import type { Zone } from './dns-server.ts';
import type { Fabric } from './fabric.ts';
import type { Health } from './health.ts';
import { type PathSetting, servePath } from './path.ts';
import type { PolicyServer } from './policy-host.ts';
import type { ReportInbox } from './report-inbox.ts';
import { createTlsAcceptor } from './tls.ts';

/** Disposed, its connections end; nothing more is recorded. */
export interface World extends Disposable {
  /**
   * From now on the servers obey this plan (its names already carry the token); counts of queries
   * and connections start again. Resolves when what the plan wants refused is refused.
   */
  arrange(plan: LabPlan): Promise<void>;
  /** Resolves when the sender has no connection open. */
  idle(): Promise<void>;
}

/** What the worlds of a lab share. */
export interface Servers {
  readonly pki: Pki;
  readonly fabric: Fabric;
  readonly health: Health;
  readonly dial: PathSetting['dial'];
  readonly claim: PathSetting['claim'];
  readonly policyServer: PolicyServer;
  readonly reportInbox: ReportInbox;
}

/**
 * RFC 5321 §4.5.3.2 lets a sender wait for minutes. The attacker's patience ends before: a
 * connection on which nothing has moved for so long is cut, so that what the sender does next is
 * seen in the time of a run.
 */
const LONGEST_STALL_MS = 20_000;

type Others = NonNullable<CertificateRequest['others']>;

/** A world whose names carry `token`, and the zone that answers for them. */
export function createWorld(
  servers: Servers,
  token: string,
  recordEvent: (event: Event) => void,
): World & { readonly zone: Zone } {
  const { pki, fabric, health, dial, claim, policyServer, reportInbox } = servers;
  let plan: LabPlan = {
    dns: { records: [], rules: [] },
    policyHosts: {},
    mxHosts: {},
    reportHosts: {},
  };
  let counts = new Map<string, number>();
  let connections = 0;
  let open = 0;
  let disposed = false;
  let onIdle: (() => void)[] = [];
  const acceptor = createTlsAcceptor(pki);
  const addresses = new Map<string, { address: string; ready: Promise<unknown> }>();
  /** What the lab does to a world that is over is no evidence. */
  const record = (event: Event) => {
    if (!disposed) recordEvent(event);
  };
  const count = (what: string) => {
    const n = (counts.get(what) ?? 0) + 1;
    counts.set(what, n);
    return n;
  };
  /** What `other-listed-mx` and `recipient-domain` certificates name. */
  const othersFor = (host: string): Others => {
    const listed = plan.dns.records.find(
      (one) =>
        one.type === 'MX' &&
        one.exchange.toLowerCase() !== host.toLowerCase() &&
        one.exchange.startsWith('mx'),
    );
    return {
      listedMx: listed?.type === 'MX' ? listed.exchange : undefined,
      recipientDomain: `victim.${token}.test`,
      address: addresses.get(host)?.address,
    };
  };
  const counted = (serve: (socket: net.Socket) => Promise<void>) => (socket: net.Socket) => {
    open++;
    socket.setTimeout(LONGEST_STALL_MS, () => socket.destroy());
    const done = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    Promise.all([serve(socket), done])
      .catch((error: unknown) => {
        record({ kind: 'lab-fault', detail: String(error) });
        socket.destroy();
      })
      .finally(() => {
        if (--open > 0) return;
        for (const resolve of onIdle) resolve();
        onIdle = [];
      });
  };
  const listenFor = (host: string, address: string): Promise<unknown> => {
    const connection = () => `c${++connections}`;
    const others = () => othersFor(host);
    if (host in plan.mxHosts) {
      return fabric.listen(
        address,
        25,
        counted((socket) =>
          servePath(socket, {
            mx: host,
            address,
            nth: count(`connect ${host}`),
            connection: connection(),
            plan: plan.mxHosts[host] ?? {},
            others: others(),
            dial,
            tls: acceptor,
            claim,
            record,
          }),
        ),
      );
    }
    if (host in plan.policyHosts) {
      const serve = (scheme: 'https' | 'http') =>
        counted((socket) =>
          policyServer.serve(socket, {
            host,
            plan: plan.policyHosts[host] ?? { pages: {} },
            connection: connection(),
            scheme,
            others: others(),
            tls: acceptor,
            record,
            answered: health.answered,
          }),
        );
      return Promise.all([
        fabric.listen(address, 443, serve('https')),
        fabric.listen(address, 80, serve('http')),
      ]);
    }
    return fabric.listen(
      address,
      443,
      counted((socket) =>
        reportInbox.serve(socket, {
          host,
          plan: plan.reportHosts[host] ?? {},
          connection: connection(),
          tls: acceptor,
          record,
        }),
      ),
    );
  };
  const setReach = async (host: string, address: string) => {
    const set = (port: number, reach: Reach | undefined) =>
      reach === 'refused' ? fabric.refuse(address, port) : fabric.restore(address, port);
    const mx: MxPlan | undefined = plan.mxHosts[host];
    const policy: PolicyHostPlan | undefined = plan.policyHosts[host];
    const report: ReportHostPlan | undefined = plan.reportHosts[host];
    const all: Promise<void>[] = [];
    if (mx) all.push(set(25, mx.reach));
    if (policy) all.push(set(80, policy.plainHttp ? policy.reach : 'refused'));
    if (policy ?? report) all.push(set(443, (policy ?? report)?.reach));
    await Promise.all(all);
  };
  const knows = (host: string) =>
    host in plan.mxHosts || host in plan.policyHosts || host in plan.reportHosts;
  const openHost = async (host: string, address: string): Promise<void> => {
    await listenFor(host, address);
    if (disposed) return fabric.release(address);
    await setReach(host, address);
    if (host in plan.mxHosts)
      acceptor.prepare({
        host,
        service: 'mx',
        plan: plan.mxHosts[host]!.tls ?? {},
        others: othersFor(host),
      });
    if (host in plan.policyHosts)
      acceptor.prepare({
        host,
        service: 'policy-host',
        plan: plan.policyHosts[host]!.tls ?? {},
        others: othersFor(host),
      });
  };
  const addressOf = async (name: string): Promise<string | undefined> => {
    const host = name.toLowerCase();
    let opened = addresses.get(host);
    if (!opened) {
      if (!knows(host)) return undefined;
      const address = fabric.allocate();
      opened = { address, ready: openHost(host, address) };
      addresses.set(host, opened);
    }
    await opened.ready;
    return opened.address;
  };

  const zone: Zone = {
    plan: () => plan.dns,
    count: (name, type) => count(`query ${name.toLowerCase()} ${type}`),
    addressOf,
    failed: (detail) => record({ kind: 'lab-fault', detail }),
    record: (query) => record({ kind: 'dns-query', ...query }),
    answered: health.answered,
  };
  return {
    zone,
    async arrange(next) {
      plan = lowerCaseHosts(next);
      counts = new Map();
      await Promise.all([...addresses].map(([host, { address }]) => setReach(host, address)));
    },
    idle: () => (open === 0 ? Promise.resolve() : new Promise((resolve) => onIdle.push(resolve))),
    [Symbol.dispose]() {
      disposed = true;
      for (const { address } of addresses.values()) fabric.release(address);
    },
  };
}

/** Host names are compared without case (RFC 1035 §2.3.3). */
function lowerCaseHosts(plan: LabPlan): LabPlan {
  const lower = <T>(hosts: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(hosts).map(([name, host]) => [name.toLowerCase(), host]));
  return {
    ...plan,
    policyHosts: lower(plan.policyHosts),
    mxHosts: lower(plan.mxHosts),
    reportHosts: lower(plan.reportHosts),
  };
}
