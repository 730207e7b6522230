/**
 * The escape hatch: the plan's whole vocabulary, laid over the plan as it is. Mappings merge member
 * by member, arrays and scalars replace, DNS rules go in front of those there are. Whatever a
 * server can be told to do can be told from here without code.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import type {
  DnsRecord,
  DnsRule,
  LabPlan,
  MxPlan,
  PagePlan,
  PolicyHostPlan,
  ReportHostPlan,
} from '../model/plan.ts';
import {
  addDnsRule,
  addHost,
  addRecords,
  changeMx,
  changePolicyHost,
  changeReportHost,
  mxNames,
  overlay,
  replaceRecords,
} from '../model/plan-changes.ts';
import { dnsRecord, dnsRule, mxHost, page, reach, tls } from './plan-schema.ts';

/** What a patch may say: the plan's own types, and no more. */
interface PlanPatch {
  readonly dns?: {
    readonly rules?: readonly DnsRule[];
    readonly records?: readonly DnsRecord[];
    readonly addRecords?: readonly DnsRecord[];
  };
  readonly policyHosts?: Hosts<
    Omit<PolicyHostPlan, 'pages'> & { readonly pages?: Readonly<Record<string, Partial<PagePlan>>> }
  >;
  readonly mxHosts?: Hosts<MxPlan>;
  readonly reportHosts?: Hosts<ReportHostPlan>;
}

type Hosts<T> = Readonly<Record<string, T & { readonly create?: boolean }>>;

const create = z
  .boolean()
  .optional()
  .describe('A host that the plan lacks is made, with an address');
const server = { create, reach: reach.optional(), tls: tls.optional() };

const options = z
  .strictObject({
    dns: z
      .strictObject({
        rules: z
          .array(dnsRule)
          .optional()
          .describe('What the name server does instead; these go before the rules there are'),
        records: z
          .array(dnsRecord)
          .optional()
          .describe('Records that replace those of the same name and type'),
        addRecords: z.array(dnsRecord).optional().describe('Records added to the zones'),
      })
      .optional(),
    policyHosts: z
      .record(
        z.string(),
        z.strictObject({
          ...server,
          pages: z.record(z.string(), page).optional(),
          plainHttp: z.boolean().optional(),
        }),
      )
      .optional()
      .describe('By host name'),
    mxHosts: z
      .record(z.string(), mxHost.extend({ create }))
      .optional()
      .describe('By MX host name, or * for every MX host of the domain'),
    reportHosts: z
      .record(
        z.string(),
        z.strictObject({ ...server, status: z.int().min(200).max(599).optional() }),
      )
      .optional()
      .describe('By host name'),
  })
  .refine((given) => Object.keys(given).length > 0, 'say dns, policyHosts, mxHosts or reportHosts');

export const attack: Attack<PlanPatch> = {
  summary: 'Changes the plan in place, in its own vocabulary',
  options: options satisfies Mirror<typeof options, PlanPatch>,
  apply: (plan, patch) =>
    patchReportHosts(
      patchMxHosts(patchPolicyHosts(patchDns(plan, patch.dns), patch.policyHosts), patch.mxHosts),
      patch.reportHosts,
    ),
};

/**
 * The schema if what it gives out is T and nothing else, else never: so that vocabulary and types
 * cannot drift apart.
 */
type Mirror<S extends z.ZodType, T> = Same<Plain<z.output<S>>, Plain<T>> extends true ? S : never;
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** T with readonly and intersections resolved. */
type Plain<T> = T extends readonly (infer I)[]
  ? Plain<I>[]
  : T extends object
    ? { -readonly [K in keyof T]: Plain<T[K]> }
    : T;

// ---- how each part is laid over the plan ----

function patchDns(
  plan: LabPlan,
  { rules = [], records = [], addRecords: added = [] }: NonNullable<PlanPatch['dns']> = {},
): LabPlan {
  const replaced = Map.groupBy(records, ({ name, type }) => `${name} ${type}`)
    .values()
    .reduce(
      (made, [first, ...more]) => replaceRecords(made, first!.name, first!.type, [first!, ...more]),
      plan,
    );
  return rules.toReversed().reduce(addDnsRule, addRecords(replaced, added));
}

function patchPolicyHosts(plan: LabPlan, hosts: PlanPatch['policyHosts'] = {}): LabPlan {
  return Object.entries(hosts).reduce((made, [name, { create, ...change }]) => {
    const ready = create ? addHost(made, 'policyHosts', name, { pages: {} }) : made;
    const blank = Object.fromEntries(
      Object.keys(change.pages ?? {}).map((path) => [path, { body: '' }]),
    );
    return changePolicyHost(
      ready,
      (had) => overlay({ ...had, pages: { ...blank, ...had.pages } }, change),
      name,
    );
  }, plan);
}

function patchMxHosts(plan: LabPlan, hosts: PlanPatch['mxHosts'] = {}): LabPlan {
  return Object.entries(hosts).reduce((made, [name, { create, connections, ...change }]) => {
    const ready = create && name !== '*' ? addHost(made, 'mxHosts', name, {}) : made;
    const changed = changeMx(ready, name, (had) => overlay(had, change));
    if (connections === undefined) return changed;
    const replaced = mxNames(changed, name).map((one) => [
      one,
      { ...changed.mxHosts[one], connections },
    ]);
    return { ...changed, mxHosts: { ...changed.mxHosts, ...Object.fromEntries(replaced) } };
  }, plan);
}

function patchReportHosts(plan: LabPlan, hosts: PlanPatch['reportHosts'] = {}): LabPlan {
  return Object.entries(hosts).reduce((made, [name, { create, ...change }]) => {
    const ready = create ? addHost(made, 'reportHosts', name, {}) : made;
    return changeReportHost(ready, (had) => overlay(had, change), name);
  }, plan);
}
