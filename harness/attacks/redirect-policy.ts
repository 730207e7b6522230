/**
 * The policy host redirects, and the page that served the policy until now is where the redirect
 * leads. RFC 8461 §3.3: a sender must not follow. For a flip, write offer-policy before it, so that
 * the page moved is the attacker's.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { ATTACKER, type LabPlan, type PagePlan, POLICY_HOST, POLICY_PATH } from '../model/plan.ts';
import { addHost, changePage, changePolicyHost } from '../model/plan-changes.ts';

const options = z.strictObject({
  status: z.int().min(300).max(399).default(301).describe('HTTP status of the redirect'),
  to: z
    .enum(['same-host', 'other-host', 'http'])
    .default('same-host')
    .describe(
      "Where to: another path, the attacker's host over HTTPS, or another path over plain HTTP",
    ),
});

type Options = z.output<typeof options>;

export const attack: Attack<Options> = {
  summary: 'Redirects the request for the policy',
  options,
  shorthand: 'to',
  example: '- redirect-policy: { status: 302, to: other-host }',
  apply(plan, { status, to }) {
    const page = plan.policyHosts[POLICY_HOST]?.pages[POLICY_PATH] ?? { body: '' };
    const redirect: PagePlan = { status, headers: { location: location[to] }, body: '' };
    return movePage(
      changePage(plan, () => redirect),
      page,
      to,
    );
  },
};

const otherHost = `mta-sts.${ATTACKER}`;
const otherPath = '/policy.txt';

const location: Readonly<Record<Options['to'], string>> = {
  'same-host': `https://${POLICY_HOST}${otherPath}`,
  'other-host': `https://${otherHost}${POLICY_PATH}`,
  http: `http://${POLICY_HOST}${otherPath}`,
};

function movePage(plan: LabPlan, page: PagePlan, to: Options['to']): LabPlan {
  if (to === 'other-host') {
    const withHost = addHost(plan, 'policyHosts', otherHost, { pages: {} });
    return changePolicyHost(
      withHost,
      (host) => ({ ...host, pages: { ...host.pages, [POLICY_PATH]: page } }),
      otherHost,
    );
  }
  const moved = changePage(plan, () => page, otherPath);
  return to === 'http' ? changePolicyHost(moved, (host) => ({ ...host, plainHttp: true })) : moved;
}
