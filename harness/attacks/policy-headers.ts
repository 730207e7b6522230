/**
 * The policy page has other HTTP headers. RFC 8461 §3.3: HTTP caching has no say over a policy,
 * whatever the headers are.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { changePage } from '../model/plan-changes.ts';
import { headers } from './plan-schema.ts';

const options = z.strictObject({
  headers: headers,
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Sets HTTP headers of the policy page',
  options,
  apply: (plan, { headers }) =>
    changePage(plan, (page) => ({ ...page, headers: { ...page.headers, ...headers } })),
};
