/**
 * A world: one plan come alive. Every host of the plan has a virtual address of its own; the
 * servers obey the plan that is in force when they are asked.
 *
 * An address is opened when its name is first asked for, so that a world costs only what the sender
 * looks at.
 */

import type net from 'node:net';
import { type CertificateRequest, describeChain, type Pki } from '../../certs/index.ts';
import { qualifyName } from '../model/names.ts';
import type { Event } from '../model/observation.ts';
import { type LabPlan, type Reach, TLSRPT_NAME, type TlsaRecord, VICTIM } from '../model/plan.ts';
import { sameName } from '../model/zone.ts';
import { lowerAscii } from '../protocol/ascii.ts';
import type { Zone } from './dns-server.ts';
import type { Fabric, Family } from './fabric.ts';
import type { Health } from './health.ts';
import { type OtherMail, type PathSetting, servePath } from './path.ts';
import type { PolicyServer } from './policy-host.ts';
import type { ReportInbox } from './report-inbox.ts';
import {
  isReport,
  type LookUpTxt,
  mailboxesOf,
  prepareForMail,
  readReportMail,
} from './report-mail.ts';
import { createTlsAcceptor, type TlsHost } from './tls.ts';
import type { Trace } from './trace.ts';

/** Disposed, its connections end; nothing more is recorded. */
export interface World extends Disposable {
  /**
   * From now on the servers obey this plan (its names already carry the label); counts of queries
   * and connections start again, and connections on which nothing is under way are closed, unless
   * they are to be kept. Resolves when what the plan wants refused is refused.
   */
  arrange(plan: LabPlan, options?: { readonly keepConnections?: boolean }): Promise<void>;
  /** Resolves when the sender is in the middle of nothing on any connection. */
  idle(): Promise<void>;
  /** The address of a host of the plan, ready to be dialled; undefined when there is none. */
  addressOf(host: string, family: Family): Promise<string | undefined>;
  /** To find its packets by; while it lasts. */
  trace(): Promise<Trace>;
}

/** What the worlds of a lab share. */
export interface Servers {
  readonly pki: Pki;
  readonly fabric: Fabric;
  readonly health: Health;
  readonly dial: PathSetting['dial'];
  readonly policyServer: PolicyServer;
  readonly reportInbox: ReportInbox;
  /** Of any name in the lab's DNS. */
  readonly lookUpTxt: LookUpTxt;
}

/**
 * RFC 5321 §4.5.3.2 lets a sender wait for minutes. The attacker's patience ends before: a
 * connection on which nothing has moved for so long is cut, so that what the sender does next is
 * seen in the time of a run.
 */
const LONGEST_STALL_MS = 20_000;
/** What a plan makes a connection wait for at the most, in one place of it. */
function longestWaitMs(part: unknown): number {
  if (typeof part !== 'object' || part === null) return 0;
  const waits = Object.entries(part).map(([key, value]) =>
    key === 'delayMs' || key === 'everyMs' ? Number(value) : longestWaitMs(value),
  );
  return Math.max(0, ...waits);
}
/** Some thousand handshakes: nobody who reads packets needs more. */
const MOST_SECRETS = 20_000;

type HostKind = 'mxHosts' | 'policyHosts' | 'reportHosts';

/** A port of one kind of host. */
interface Service {
  readonly kind: HostKind;
  ports(host: { readonly port?: number; readonly reach?: Reach }): readonly number[];
  reach(host: { readonly reach?: Reach; readonly plainHttp?: boolean }): Reach | undefined;
  serve(socket: net.Socket, host: string, address: string): Promise<void>;
}

/** A world whose names carry `label`, and the zone that answers for them. */
export function createWorld(
  servers: Servers,
  label: string,
  recordEvent: (event: Event) => void,
): World & { readonly zone: Zone } {
  const { pki, fabric, health, dial, policyServer, reportInbox, lookUpTxt } = servers;
  let plan: LabPlan = {
    dns: { records: [], rules: [] },
    policyHosts: {},
    mxHosts: {},
    reportHosts: {},
  };
  let counts = new Map<string, number>();
  let connections = 0;
  let disposed = false;
  const keyLog: string[] = [];
  const acceptor = createTlsAcceptor(pki, (line) => {
    if (keyLog.length < MOST_SECRETS) keyLog.push(line);
  });
  /** By host and family. */
  const addresses = new Map<
    string,
    { host: string; address: string; since: number; ready: Promise<unknown> }
  >();
  const open = new Map<net.Socket, HostKind>();
  /** Those on which the sender keeps a connection for later. */
  const resting = new Map<net.Socket, () => boolean>();
  const closers = new Set<() => void>();
  let waiting: (() => void)[] = [];

  /** What the lab does to a world that is over is no evidence. */
  const record = (event: Event) => {
    if (disposed) return;
    recordEvent(event);
    tellIdle();
  };
  const isIdle = () => [...open.keys()].every((socket) => resting.get(socket)?.() === true);
  const tellIdle = () => {
    if (waiting.length === 0 || !isIdle()) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  };
  const count = (what: string) => {
    const n = (counts.get(what) ?? 0) + 1;
    counts.set(what, n);
    return n;
  };
  const nextConnection = () => `c${++connections}`;
  /** What `other-listed-mx`, `recipient-domain` and `ip-address-only` certificates name. */
  const othersFor = (host: string): CertificateRequest['others'] => {
    const other = plan.dns.records.find(
      (one) => one.type === 'MX' && sameName(one.name, victim) && !sameName(one.exchange, host),
    );
    return {
      listedMx: other?.type === 'MX' ? other.exchange : undefined,
      recipientDomain: victim,
      address: addresses.get(`${host} 4`)?.address,
    };
  };
  const victim = qualifyName(VICTIM, label);
  const mxNameOf = (host: string) => lowerAscii(plan.mxHosts[host]?.as ?? host);

  const mailboxes = () => mailboxesOf(lookUpTxt(qualifyName(TLSRPT_NAME, label)));
  const onOtherMail = async ({ mx, secure, mail, content }: OtherMail) => {
    if (!isReport(mail, content.toString('latin1'), mailboxes())) return;
    const { mailFrom: from, rcptTo: to } = mail;
    try {
      const report = await readReportMail(content, { from, to, secure }, lookUpTxt);
      record({ kind: 'report-received', host: mx, ...report });
    } catch (error) {
      // What a library makes of hostile mail is not the sender's to hear.
      record({ kind: 'lab-fault', detail: `the report at ${mx}: ${String(error)}` });
    }
  };

  const SERVICES: readonly Service[] = [
    {
      kind: 'mxHosts',
      ports: ({ port }) => (port ? [25, port] : [25]),
      reach: ({ reach }) => reach,
      serve(socket, host, address) {
        const mx = mxNameOf(host);
        return servePath(socket, {
          mx,
          ...(mx !== host && { host }),
          address,
          nth: count(`connect ${host}`),
          connection: nextConnection(),
          plan: plan.mxHosts[host] ?? {},
          others: othersFor(mx),
          isUnderDane: plan.dns.secure !== undefined,
          dial,
          tls: acceptor,
          onOtherMail,
          onIdle(rest) {
            closers.add(rest.close);
            resting.set(socket, rest.isIdle);
            return () => void closers.delete(rest.close);
          },
          onRest: tellIdle,
          answered: health.answered,
          record,
        });
      },
    },
    ...(['https', 'http'] as const).map(
      (scheme): Service => ({
        kind: 'policyHosts',
        ports: () => [scheme === 'https' ? 443 : 80],
        reach: ({ reach, plainHttp }) =>
          scheme === 'https' || plainHttp === true ? reach : 'refused',
        serve: (socket, host) =>
          policyServer.serve(socket, {
            host,
            plan: plan.policyHosts[host] ?? { pages: {} },
            connection: nextConnection(),
            scheme,
            others: othersFor(host),
            tls: acceptor,
            countRequest: (path) => count(`request ${host} ${path}`),
            record,
            answered: health.answered,
          }),
      }),
    ),
    ...(['https', 'http'] as const).map(
      (scheme): Service => ({
        kind: 'reportHosts',
        ports: () => [scheme === 'https' ? 443 : 80],
        reach: ({ reach, plainHttp }) =>
          scheme === 'https' || plainHttp === true ? reach : 'refused',
        serve: (socket, host) =>
          reportInbox.serve(socket, {
            host,
            scheme,
            plan: plan.reportHosts[host] ?? {},
            connection: nextConnection(),
            tls: acceptor,
            record,
          }),
      }),
    ),
  ];
  const servicesOf = (host: string) => SERVICES.filter(({ kind }) => host in plan[kind]);

  const serve = (service: Service, host: string, address: string) => (socket: net.Socket) => {
    open.set(socket, service.kind);
    const patience = LONGEST_STALL_MS + longestWaitMs(plan[service.kind][host]);
    socket.setTimeout(patience);
    socket.on('timeout', () => {
      // A sender may look for the policy with the MX on the line (RFC 5321 §4.5.3.2.7).
      const waits = service.kind === 'mxHosts' && [...open.values()].includes('policyHosts');
      if (waits || resting.get(socket)?.() === true) socket.setTimeout(patience);
      else socket.destroy();
    });
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    Promise.all([service.serve(socket, host, address), closed])
      .catch((error: unknown) => {
        record({ kind: 'lab-fault', detail: String(error) });
        socket.destroy();
      })
      .finally(() => {
        open.delete(socket);
        resting.delete(socket);
        tellIdle();
      });
  };
  const setReach = async (host: string, address: string) => {
    await Promise.all(
      servicesOf(host).flatMap(({ kind, ports, reach }) =>
        ports(plan[kind][host]!).map((port) =>
          reach(plan[kind][host]!) === 'refused'
            ? fabric.refuse(address, port)
            : fabric.restore(address, port),
        ),
      ),
    );
  };
  const openHost = async (host: string, address: string): Promise<void> => {
    await Promise.all(
      servicesOf(host).flatMap((service) =>
        service
          .ports(plan[service.kind][host]!)
          .map((port) => fabric.listen(address, port, serve(service, host, address))),
      ),
    );
    if (disposed) return fabric.release(address);
    await setReach(host, address);
    const mx = mxNameOf(host);
    const tlsHosts: (Omit<TlsHost, 'others' | 'plan'> & { plan: TlsHost['plan'] | undefined })[] = [
      ...(host in plan.mxHosts
        ? [{ host: mx, service: 'mx' as const, plan: plan.mxHosts[host]!.tls }]
        : []),
      ...(host in plan.policyHosts
        ? [{ host, service: 'policy-host' as const, plan: plan.policyHosts[host]!.tls }]
        : []),
    ];
    for (const { plan: tls = {}, ...tlsHost } of tlsHosts)
      acceptor.prepare({ ...tlsHost, plan: tls, others: othersFor(tlsHost.host) });
  };
  const addressOf = async (name: string, family: Family): Promise<string | undefined> => {
    const host = lowerAscii(name);
    const key = `${host} ${family}`;
    let opened = addresses.get(key);
    if (!opened) {
      if (servicesOf(host).length === 0) return undefined;
      const address = fabric.allocate(family);
      opened = { host, address, since: Date.now(), ready: openHost(host, address) };
      addresses.set(key, opened);
    }
    await opened.ready;
    return opened.address;
  };

  const zone: Zone = {
    plan: () => plan.dns,
    count: (name, type) => count(`query ${lowerAscii(name)} ${type}`),
    addressOf,
    isAt: (wanted) => [...addresses.values()].some(({ address }) => address === wanted),
    associationData: (record) => associationData(record, pki, othersFor),
    failed: (detail) => record({ kind: 'lab-fault', detail }),
    record: (query) => record({ kind: 'dns-query', ...query }),
    answered: health.answered,
  };
  return {
    zone,
    addressOf,
    async arrange(next, { keepConnections = false } = {}) {
      if (!keepConnections) for (const close of closers) close();
      plan = lowerCaseHosts(next);
      if (mailboxes().length > 0) prepareForMail();
      counts = new Map();
      await Promise.all(
        [...addresses.values()].map(({ host, address }) => setReach(host, address)),
      );
    },
    trace: async () => ({
      label,
      addresses: [...addresses.values()].map(({ address, since }) => ({ address, since })),
      keyLog,
    }),
    idle: () => (isIdle() ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    [Symbol.dispose]() {
      disposed = true;
      for (const { address } of addresses.values()) fabric.release(address);
    },
  };
}

/** RFC 6698 §2.1.4; a matching type that nobody knows is taken for SHA-256. */
function associationData(
  { name, selector, matching, data, of = {}, bytes }: TlsaRecord,
  pki: Pki,
  othersFor: (host: string) => CertificateRequest['others'],
): Buffer {
  const content = () => {
    const host = lowerAscii(of.host ?? name.split('.').slice(2).join('.'));
    const profile = of.profile ?? 'right';
    const others = othersFor(host);
    const { chainPem, rootPem } = pki.issue({ profile, host, service: 'mx', others });
    const chain = describeChain(chainPem + rootPem, Date.now());
    const { associations } = (of.part === 'issuer' ? chain[1] : chain[0])!;
    return associations[`${selector} ${matching}`] ?? associations[`${Math.min(selector, 1)} 1`]!;
  };
  const all = Buffer.from(data ?? content(), 'hex');
  return bytes === undefined ? all : Buffer.concat([all, Buffer.alloc(4096)]).subarray(0, bytes);
}

/** Host names are compared without case (RFC 1035 §2.3.3). */
function lowerCaseHosts(plan: LabPlan): LabPlan {
  const lower = <T>(hosts: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(hosts).map(([name, host]) => [lowerAscii(name), host]));
  return {
    ...plan,
    policyHosts: lower(plan.policyHosts),
    mxHosts: lower(plan.mxHosts),
    reportHosts: lower(plan.reportHosts),
  };
}
