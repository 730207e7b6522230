/**
 * LabPlan: the whole world one scenario's sender will see, as plain data.
 *
 * An attack is a pure function LabPlan → LabPlan; the lab's servers obey the result. The vocabulary here is
 * the vocabulary of the YAML `patch`, so whatever a server can be told to do can be told without code.
 *
 * Names are written as `victim.test`, `mx1.victim.test`, `attacker.test`; the runner makes every `.test` name
 * unique before the lab sees it (see names.ts). A value that is left out means "as an honest server would".
 */

export interface LabPlan {
  readonly dns: DnsPlan;
  /** By host name, e.g. `mta-sts.victim.test`. Each has an address of its own and listens on 443 (and on 80 if `plainHttp`). */
  readonly policyHosts: Readonly<Record<string, PolicyHostPlan>>;
  /** By published MX host name. Each has an address of its own; the path listens there on port 25. */
  readonly mxHosts: Readonly<Record<string, MxPlan>>;
  /** TLSRPT https endpoints, by host name; port 443, path `/tlsrpt`. */
  readonly reportHosts: Readonly<Record<string, ReportHostPlan>>;
}

// ---- DNS ----

export interface DnsPlan {
  /** The zones as published. */
  readonly records: readonly DnsRecord[];
  /** What the name server does instead; the first rule that matches a question wins. */
  readonly rules: readonly DnsRule[];
}

export type DnsRecord = { readonly name: string /** seconds; default 0 */; readonly ttl?: number } & DnsData;

export type DnsData =
  /** `host` names a host of this plan (its address is answered) or is an IPv4 literal. */
  | { readonly type: 'A'; readonly host: string }
  | { readonly type: 'MX'; readonly preference: number; readonly exchange: string }
  /** An array gives the character-strings one by one; a string is cut at 255 bytes. */
  | { readonly type: 'TXT'; readonly text: string | readonly string[] }
  | { readonly type: 'CNAME'; readonly target: string }
  /** `data` in hex. */
  | { readonly type: 'TLSA'; readonly usage: number; readonly selector: number; readonly matching: number; readonly data: string };

export type DnsAnswer =
  | 'honest'
  | 'nxdomain'
  | 'nodata'
  | 'servfail'
  | 'refused'
  | 'drop'
  | 'truncate'
  /** CNAMEs are not chased: the client has to ask again. */
  | 'cname-only';

export interface DnsRule {
  readonly name: string;
  /** `A`, `MX`, `TXT`, … or `*`. */
  readonly type: string;
  /** Only these queries for the name and type, counted from 1 within a step. */
  readonly nth?: readonly number[];
  readonly answer?: DnsAnswer;
  /** Spoofed answer: these records instead of the zone's. */
  readonly records?: readonly DnsRecord[];
  readonly delayMs?: number;
  /** The AD bit (RFC 4035 §3.2.3). */
  readonly ad?: boolean;
}

// ---- reachability and TLS, shared by every host ----

/** `refused`: nothing listens. `silent`: the connection opens and nobody ever speaks. `reset`: opened, then RST. */
export type Reach = 'open' | 'refused' | 'silent' | 'reset';

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** What happens when the ClientHello arrives. `alert` is a fatal handshake_failure. */
export type Handshake = 'complete' | 'alert' | 'reset' | 'close' | 'stall' | 'garbage';

/** What a host's certificate is like; certs/profiles.ts says how each is made. */
export const CERTIFICATE_PROFILES = [
  'right',
  'right-rsa',
  'right-intermediate',
  'wildcard',
  'empty-subject',
  'expired',
  'not-yet-valid',
  'self-signed',
  'unknown-ca',
  'missing-intermediate',
  'expired-intermediate',
  'non-ca-issuer',
  'name-constraint',
  'wrong-name',
  'other-listed-mx',
  'recipient-domain',
  'common-name-only',
  'common-name-right',
  'common-name-wrong',
  'ip-address-only',
  'wildcard-too-high',
  'wildcard-partial',
  'wildcard-inner',
  'nul-in-name',
  'client-auth-only',
  'sha1',
  'weak-key',
] as const;
export type CertificateProfile = (typeof CERTIFICATE_PROFILES)[number];

export interface TlsPlan {
  /** Default `right`. */
  readonly certificate?: CertificateProfile;
  /** The host name the certificate is made for; default the host's own. */
  readonly certificateFor?: string;
  /** The profile shown to a client that sends no SNI; default: as with SNI. */
  readonly certificateWithoutSni?: CertificateProfile;
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
  readonly handshake?: Handshake;
}

// ---- policy host ----

export interface PolicyHostPlan {
  readonly reach?: Reach;
  readonly tls?: TlsPlan;
  /** By path; any other path is 404. The policy is at POLICY_PATH. */
  readonly pages: Readonly<Record<string, PagePlan>>;
  /** Serve the same pages on port 80 as well (RFC 8461 §3.3 forbids senders to use them). */
  readonly plainHttp?: boolean;
}

export interface PagePlan {
  readonly status?: number;
  /** Default `{ 'content-type': 'text/plain' }`; a header set to null is not sent. */
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly body: string;
  /**
   * `whole` (content-length), `chunked`, `truncated` (half the body, then close, under a full content-length), `endless` (the body
   * again and again), `slow` (a byte now and then, for ever), `none` (no answer at all).
   */
  readonly transfer?: 'whole' | 'chunked' | 'truncated' | 'endless' | 'slow' | 'none';
}

export const POLICY_PATH = '/.well-known/mta-sts.txt';

// ---- MX: the path in front of an honest exchanger ----

export interface MxPlan {
  readonly reach?: Reach;
  /** Instead of the honest greeting. */
  readonly greeting?: ReplyPlan;
  readonly beforeTls?: DialoguePlan;
  readonly afterTls?: DialoguePlan;
  readonly starttls?: StarttlsPlan;
  readonly tls?: TlsPlan;
  /** Changes for some connections only, counted from 1 within a step. */
  readonly connections?: readonly { readonly nth: readonly number[]; readonly change: Omit<MxPlan, 'connections'> }[];
}

export interface DialoguePlan {
  readonly ehlo?: EhloPlan;
  /** By SMTP verb in upper case (`MAIL`, `RCPT`, `DATA`, `.` for the end of data, …): the reply instead of the honest one. */
  readonly replies?: Readonly<Record<string, ReplyPlan>>;
}

export interface EhloPlan {
  /** Keywords whose lines are taken out. */
  readonly remove?: readonly string[];
  /** Lines changed in place, by keyword: `{ STARTTLS: 'XXXXXXXA' }`. */
  readonly overwrite?: Readonly<Record<string, string>>;
  /** Lines added at the end. */
  readonly add?: readonly string[];
}

export interface ReplyPlan {
  /** Full reply line(s): `454 4.7.0 TLS not available`. Left out: the honest reply. */
  readonly text?: string | readonly string[];
  readonly delayMs?: number;
  /** What the path does once the reply is out (with no text: instead of replying, unless `continue`). */
  readonly then?: 'continue' | 'close' | 'reset' | 'stall';
}

export interface StarttlsPlan {
  /** The reply to STARTTLS; default `220 2.0.0 Ready to start TLS`. Any other code than 220 and the dialogue goes on in clear. */
  readonly reply?: ReplyPlan;
  /** Lines that follow the 220 in the same TCP segment, in clear (CVE-2011-0411 towards the client). */
  readonly inject?: readonly string[];
  /** After 220: `handshake` (then `tls` decides), or `plaintext`: SMTP simply goes on in clear. */
  readonly then?: 'handshake' | 'plaintext';
}

// ---- report inbox ----

export interface ReportHostPlan {
  readonly reach?: Reach;
  readonly tls?: TlsPlan;
  /** Status answered to a POST; default 200. */
  readonly status?: number;
}

// ---- tiny pure functions for attacks ----

/**
 * The plan with the chosen MX hosts changed; `which` is a host name, a list, or `*` (see mxNames); `nth`: only these connections,
 * counted from 1. A change for all reaches the connections that have a change of their own too, so that changes compose connection
 * by connection. Throws PlanError for a host that the plan lacks.
 */
export function changeMx(
  plan: LabPlan,
  which: string | readonly string[],
  change: (mx: ConnectionPlan, name: string) => ConnectionPlan,
  nth?: readonly number[],
): LabPlan {
  const mxHosts = { ...plan.mxHosts };
  for (const name of mxNames(plan, which)) mxHosts[name] = changeConnections(plan.mxHosts[name]!, (mx) => change(mx, name), nth);
  return { ...plan, mxHosts };
}

/** What an MX host does on one connection. */
type ConnectionPlan = Omit<MxPlan, 'connections'>;

function changeConnections(mx: MxPlan, change: (mx: ConnectionPlan) => ConnectionPlan, nth?: readonly number[]): MxPlan {
  const { connections = [], ...others } = mx;
  const special = [...new Set([...connections.flatMap((some) => some.nth), ...(nth ?? [])])].sort((a, b) => a - b);
  const changed = nth === undefined ? change(others) : others;
  if (special.length === 0) return changed;
  const isMeant = (one: number) => nth === undefined || nth.includes(one);
  return {
    ...changed,
    connections: special.map((one) => ({ nth: [one], change: isMeant(one) ? change(mxOnConnection(mx, one)) : mxOnConnection(mx, one) })),
  };
}

/** What the host does on its nth connection, counted from 1: every matching entry of `connections` laid over the rest, in order. */
export function mxOnConnection(mx: MxPlan, nth: number): ConnectionPlan {
  const { connections = [], ...others } = mx;
  return connections.filter((some) => some.nth.includes(nth)).reduce((plan, { change }) => overlayMx(plan, change), others);
}

/** The MX plan with `change` laid over it: see overlay. */
export function overlayMx(base: MxPlan, change: ConnectionPlan): MxPlan {
  return overlay(base, change);
}

/** `base` with what `change` says instead, member by member down the mappings; arrays and scalars replace; left out is left alone. */
export function overlay<T extends object>(base: T, change: Overlay<NoInfer<T>>): T {
  return overlayValue(base, change) as T;
}

/** Any part of a T; arrays whole. */
type Overlay<T> = T extends readonly unknown[] ? T : T extends object ? { readonly [K in keyof T]?: Overlay<T[K]> } : T;

function overlayValue(base: unknown, change: unknown): unknown {
  if (!isMapping(change)) return change;
  const result = isMapping(base) ? { ...base } : {};
  for (const [key, value] of Object.entries(change)) if (value !== undefined) result[key] = overlayValue(result[key], value);
  return result;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The plan of a connection on which the EHLO reply, before or after TLS, is edited further; edits add up. */
export function editEhlo(mx: ConnectionPlan, when: 'beforeTls' | 'afterTls', edits: EhloPlan): ConnectionPlan {
  const had = mx[when]?.ehlo ?? {};
  const ehlo = {
    ...(edits.remove && { remove: [...new Set([...(had.remove ?? []), ...edits.remove])] }),
    ...(edits.overwrite && { overwrite: edits.overwrite }),
    ...(edits.add && { add: [...(had.add ?? []), ...edits.add] }),
  };
  return overlayMx(mx, { [when]: { ehlo } });
}

/** Names of MX hosts: those named, or for `*` every host but the sender's own and the attacker's. Throws PlanError for a host that the plan lacks. */
export function mxNames(plan: LabPlan, which: string | readonly string[]): readonly string[] {
  if (which === '*') return Object.keys(plan.mxHosts).filter((name) => name !== SENDER_MX && !name.endsWith(`.${ATTACKER}`));
  const names = [which].flat();
  for (const name of names) mustHave(plan.mxHosts, name, 'MX host');
  return names;
}

/** The plan with a policy host changed; default the recipient domain's. Throws PlanError for a host that the plan lacks. */
export function changePolicyHost(plan: LabPlan, change: (host: PolicyHostPlan) => PolicyHostPlan, name: string = POLICY_HOST): LabPlan {
  return { ...plan, policyHosts: { ...plan.policyHosts, [name]: change(mustHave(plan.policyHosts, name, 'policy host')) } };
}

/** The plan with a page of the policy host changed; default the policy itself. */
export function changePage(plan: LabPlan, change: (page: PagePlan) => PagePlan, path: string = POLICY_PATH): LabPlan {
  return changePolicyHost(plan, (host) => ({ ...host, pages: { ...host.pages, [path]: change(host.pages[path] ?? { body: '' }) } }));
}

/** The plan with a report host changed. Throws PlanError for a host that the plan lacks. */
export function changeReportHost(plan: LabPlan, change: (host: ReportHostPlan) => ReportHostPlan, name: string = REPORT_HOST): LabPlan {
  return { ...plan, reportHosts: { ...plan.reportHosts, [name]: change(mustHave(plan.reportHosts, name, 'report host')) } };
}

/** The plan with a host of that name and its address; unchanged if it has one. */
export function addHost<K extends 'policyHosts' | 'mxHosts' | 'reportHosts'>(
  plan: LabPlan,
  kind: K,
  name: string,
  host: LabPlan[K][string],
): LabPlan {
  if (plan[kind][name] !== undefined) return plan;
  const hasAddress = plan.dns.records.some((record) => record.name === name && record.type === 'A');
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
export function replaceRecords(plan: LabPlan, name: string, type: DnsRecord['type'], records: readonly DnsRecord[]): LabPlan {
  const others = plan.dns.records.filter((record) => record.name !== name || record.type !== type);
  return { ...plan, dns: { ...plan.dns, records: [...others, ...records] } };
}

/** The name that owns the domain's MTA-STS record: STS_NAME, or where CNAMEs from there lead (RFC 8461 §8.2). */
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
  if (host === undefined) throw new PlanError(`no ${what} ${name} in this plan; it has ${Object.keys(hosts).join(', ') || 'none'}`);
  return host;
}

/** An attack asks for something that the plan does not have. */
export class PlanError extends Error {}

// ---- names every plan has ----

export const VICTIM = 'victim.test';
export const ATTACKER = 'attacker.test';
export const SENDER_DOMAIN = 'sender.test';
export const SENDER_MX = 'mx.sender.test';
export const POLICY_HOST = `mta-sts.${VICTIM}`;
export const STS_NAME = `_mta-sts.${VICTIM}`;
export const TLSRPT_NAME = `_smtp._tls.${VICTIM}`;
export const REPORT_HOST = `tlsrpt.${VICTIM}`;
