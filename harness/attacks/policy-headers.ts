/**
 * The policy page has other HTTP headers. RFC 8461 §3.3: HTTP caching has no say over a policy,
 * whatever the headers are.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { httpHeaders } from '../model/plan.ts';
import { changePage } from '../model/plan-changes.ts';

const options = z.strictObject({
  headers: httpHeaders,
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Sets HTTP headers of the policy page',
  options,
  example: '- policy-headers: { headers: { cache-control: max-age=86400 } }',
  apply: (plan, { headers }) =>
    changePage(plan, (page) => ({ ...page, headers: { ...page.headers, ...headers } })),
};
