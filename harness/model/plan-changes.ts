/**
 * Changes of a plan: tiny pure functions that attacks and the lab share. None of them alters what
 * it is given.
 */

import {
  ATTACKER,
  type DnsRecord,
  type DnsRule,
  type EhloPlan,
  type LabPlan,
  type MxPlan,
  type PagePlan,
  POLICY_HOST,
  POLICY_PATH,
  type PolicyHostPlan,
  REPORT_HOST,
  type ReportHostPlan,
  SENDER_MX,
  STS_NAME,
} from './plan.ts';

/**
 * The plan with the chosen MX hosts changed; `which` is a host name, a list, or `*` (see mxNames);
 * `nth`: only these connections, counted from 1. A change for all reaches the connections that have
 * a change of their own too, so that changes compose connection by connection. Throws PlanError for
 * a host that the plan lacks.
 */
export function changeMx(
  plan: LabPlan,
  which: string | readonly string[],
  change: (mx: ConnectionPlan, name: string) => ConnectionPlan,
  nth?: readonly number[],
): LabPlan {
  const mxHosts = { ...plan.mxHosts };
  for (const name of mxNames(plan, which))
    mxHosts[name] = changeConnections(plan.mxHosts[name]!, (mx) => change(mx, name), nth);
  return { ...plan, mxHosts };
}

/** What an MX host does on one connection. */
type ConnectionPlan = Omit<MxPlan, 'connections'>;

function changeConnections(
  mx: MxPlan,
  change: (mx: ConnectionPlan) => ConnectionPlan,
  nth?: readonly number[],
): MxPlan {
  const { connections: before, ...others } = mx;
  const connections = changeSpecial(before, (one) => mxOnConnection(mx, one), change, nth);
  const changed = nth === undefined ? change(others) : others;
  return connections.length > 0 ? { ...changed, connections } : changed;
}

/**
 * Those that have a plan of their own by their number, each whole: `now` is what one has. `change`
 * is for these, `nth`, or for all.
 */
function changeSpecial<T>(
  before: readonly { readonly nth: readonly number[] }[] = [],
  now: (one: number) => T,
  change: (one: T) => T,
  nth?: readonly number[],
): { readonly nth: readonly number[]; readonly change: T }[] {
  const special = new Set([...before.flatMap((some) => some.nth), ...(nth ?? [])]);
  const isMeant = (one: number) => nth === undefined || nth.includes(one);
  return [...special]
    .sort((a, b) => a - b)
    .map((one) => ({ nth: [one], change: isMeant(one) ? change(now(one)) : now(one) }));
}

/**
 * What the host does on its nth connection, counted from 1: every matching entry of `connections`
 * laid over the rest, in order.
 */
export function mxOnConnection(mx: MxPlan, nth: number): ConnectionPlan {
  const { connections = [], ...others } = mx;
  return connections
    .filter((some) => some.nth.includes(nth))
    .reduce((plan, { change }) => overlayMx(plan, change), others);
}

/** The MX plan with `change` laid over it: see overlay. */
export function overlayMx(base: MxPlan, change: ConnectionPlan): MxPlan {
  return overlay(base, change);
}

/**
 * `base` with what `change` says instead, member by member down the mappings; arrays and scalars
 * replace; left out is left alone.
 */
export function overlay<T extends object>(base: T, change: Overlay<NoInfer<T>>): T {
  return overlayValue(base, change) as T;
}

/** Any part of a T; arrays whole. */
type Overlay<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Overlay<T[K]> }
    : T;

function overlayValue(base: unknown, change: unknown): unknown {
  if (!isMapping(change)) return change;
  const result = isMapping(base) ? { ...base } : {};
  for (const [key, value] of Object.entries(change))
    if (value !== undefined) result[key] = overlayValue(result[key], value);
  return result;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The plan of a connection on which the EHLO reply, before or after TLS, is edited further; edits
 * add up.
 */
export function editEhlo(
  mx: ConnectionPlan,
  when: 'beforeTls' | 'afterTls',
  edits: EhloPlan,
): ConnectionPlan {
  const had = mx[when]?.ehlo ?? {};
  const ehlo = {
    ...(edits.remove && { remove: [...new Set([...(had.remove ?? []), ...edits.remove])] }),
    ...(edits.overwrite && { overwrite: edits.overwrite }),
    ...(edits.add && { add: [...(had.add ?? []), ...edits.add] }),
  };
  return overlayMx(mx, { [when]: { ehlo } });
}

/**
 * Names of MX hosts: those named, or for `*` every host but the sender's own and the attacker's.
 * Throws PlanError for a host that the plan lacks.
 */
export function mxNames(plan: LabPlan, which: string | readonly string[]): readonly string[] {
  if (which === '*')
    return Object.keys(plan.mxHosts).filter(
      (name) => name !== SENDER_MX && !name.endsWith(`.${ATTACKER}`),
    );
  const names = [which].flat();
  for (const name of names) mustHave(plan.mxHosts, name, 'MX host');
  return names;
}

/**
 * The plan with a policy host changed; default the recipient domain's. Throws PlanError for a host
 * that the plan lacks.
 */
export function changePolicyHost(
  plan: LabPlan,
  change: (host: PolicyHostPlan) => PolicyHostPlan,
  name: string = POLICY_HOST,
): LabPlan {
  return {
    ...plan,
    policyHosts: {
      ...plan.policyHosts,
      [name]: change(mustHave(plan.policyHosts, name, 'policy host')),
    },
  };
}

/**
 * The plan with a page of the policy host changed; default the policy itself. `nth`: only what
 * these requests get, counted from 1.
 */
export function changePage(
  plan: LabPlan,
  change: (page: PagePlan) => PagePlan,
  path: string = POLICY_PATH,
  nth?: readonly number[],
): LabPlan {
  return changePolicyHost(plan, (host) => {
    const page = host.pages[path] ?? { body: '' };
    return { ...host, pages: { ...host.pages, [path]: changeRequests(page, change, nth) } };
  });
}

function changeRequests(
  page: PagePlan,
  change: (page: PagePlan) => PagePlan,
  nth?: readonly number[],
): PagePlan {
  const { requests: before, ...others } = page;
  const requests = changeSpecial(before, (one) => pageOnRequest(page, one), change, nth);
  const changed = nth === undefined ? change(others) : others;
  return requests.length > 0 ? { ...changed, requests } : changed;
}

/** What the nth request for the page gets: every matching entry of `requests` laid over the rest. */
export function pageOnRequest({ requests = [], ...page }: PagePlan, nth: number): PagePlan {
  return requests
    .filter((some) => some.nth.includes(nth))
    .reduce<PagePlan>((plan, { change }) => overlay(plan, change), page);
}

/** The plan with a report host changed. Throws PlanError for a host that the plan lacks. */
export function changeReportHost(
  plan: LabPlan,
  change: (host: ReportHostPlan) => ReportHostPlan,
  name: string = REPORT_HOST,
): LabPlan {
  return {
    ...plan,
    reportHosts: {
      ...plan.reportHosts,
      [name]: change(mustHave(plan.reportHosts, name, 'report host')),
    },
  };
}

/** The plan with a host of that name and its address; unchanged if it has one. */
export function addHost<K extends 'policyHosts' | 'mxHosts' | 'reportHosts'>(
  plan: LabPlan,
  kind: K,
  name: string,
  host: LabPlan[K][string],
): LabPlan {
  if (plan[kind][name] !== undefined) return plan;
  const hasAddress = plan.dns.records.some(
    (record) => record.name === name && ['A', 'AAAA'].includes(record.type),
  );
  const withHost: LabPlan = { ...plan, [kind]: { ...plan[kind], [name]: host } };
  return hasAddress ? withHost : addRecords(withHost, [{ name, type: 'A', host: name }]);
}

/** The plan in which the name server obeys `rule` before any rule it had. */
export function addDnsRule(plan: LabPlan, rule: DnsRule): LabPlan {
  return { ...plan, dns: { ...plan.dns, rules: [rule, ...plan.dns.rules] } };
}

/** The plan with more records at the end of its zones. */
export function addRecords(plan: LabPlan, records: readonly DnsRecord[]): LabPlan {
  return { ...plan, dns: { ...plan.dns, records: [...plan.dns.records, ...records] } };
}

/** The plan with every record of `name` and `type` replaced. */
export function replaceRecords(
  plan: LabPlan,
  name: string,
  type: DnsRecord['type'],
  records: readonly DnsRecord[],
): LabPlan {
  const others = plan.dns.records.filter((record) => record.name !== name || record.type !== type);
  return { ...plan, dns: { ...plan.dns, records: [...others, ...records] } };
}

/**
 * The name that owns the domain's MTA-STS record: STS_NAME, or where CNAMEs from there lead (RFC
 * 8461 §8.2).
 */
export function stsRecordOwner(plan: LabPlan): string {
  return endOfChain(STS_NAME, plan.dns.records);
}

function endOfChain(name: string, records: readonly DnsRecord[]): string {
  const alias = records.find((record) => record.type === 'CNAME' && record.name === name);
  if (alias?.type !== 'CNAME') return name;
  return endOfChain(
    alias.target,
    records.filter((record) => record !== alias),
  );
}

function mustHave<T>(hosts: Readonly<Record<string, T>>, name: string, what: string): T {
  const host = hosts[name];
  if (host === undefined)
    throw new PlanError(
      `no ${what} ${name} in this plan; it has ${Object.keys(hosts).join(', ') || 'none'}`,
    );
  return host;
}

/** An attack asks for something that the plan does not have. */
export class PlanError extends Error {}
