/**
 * The escape hatch: the plan's whole vocabulary, laid over the plan as it is. Mappings merge member
 * by member, arrays and scalars replace, DNS rules go in front of those there are. Whatever a
 * server can be told to do can be told from here without code.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import {
  dnsRecord,
  dnsRule,
  type Immutable,
  type LabPlan,
  mxPlan,
  page,
  plainHttp,
  reach,
  tlsPlan,
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

const create = z
  .boolean()
  .optional()
  .describe('A host that the plan lacks is made, with an address.');
const server = { create, reach: reach.optional(), tls: tlsPlan.optional() };

const options = z
  .strictObject({
    dns: z
      .strictObject({
        rules: z
          .array(dnsRule)
          .optional()
          .describe('What the name server does instead; these go before the rules there are.'),
        records: z
          .array(dnsRecord)
          .optional()
          .describe('Records that replace those of the same name and type.'),
        addRecords: z.array(dnsRecord).optional().describe('Records added to the zones.'),
      })
      .optional(),
    policyHosts: z
      .record(
        z.string(),
        z.strictObject({
          ...server,
          pages: z.record(z.string(), page.partial()).optional(),
          plainHttp: plainHttp.optional(),
        }),
      )
      .optional()
      .describe('By host name.'),
    mxHosts: z
      .record(z.string(), mxPlan.extend({ create }))
      .optional()
      .describe('By MX host name, or * for every MX host of the domain.'),
    reportHosts: z
      .record(
        z.string(),
        z.strictObject({
          ...server,
          status: z.int().min(200).max(599).optional(),
          plainHttp: z.boolean().optional().describe('It listens on port 80 too, in clear.'),
        }),
      )
      .optional()
      .describe('By host name.'),
  })
  .refine((given) => Object.keys(given).length > 0, 'say dns, policyHosts, mxHosts or reportHosts');
type PlanPatch = Immutable<z.output<typeof options>>;

export const attack: Attack<PlanPatch> = {
  summary: 'Changes the plan in place, in its own vocabulary',
  options: options as z.ZodType<PlanPatch>,
  example: [
    '- patch: { mxHosts: { mx1.victim.test: { greeting: { delayMs: 500 } } } }',
    "- patch: { mxHosts: { '*': { afterTls: { cutContentAfter: 100 } } } }",
  ].join('\n'),
  apply: (plan, patch) =>
    patchReportHosts(
      patchMxHosts(patchPolicyHosts(patchDns(plan, patch.dns), patch.policyHosts), patch.mxHosts),
      patch.reportHosts,
    ),
};

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
