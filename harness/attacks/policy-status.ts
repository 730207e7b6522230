/**
 * The policy comes under another HTTP status. RFC 8461 §3.3: only 200 carries a policy, whatever
 * the body is.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { httpHeaders } from '../model/plan.ts';
import { changePage } from '../model/plan-changes.ts';

const options = z
  .strictObject({
    status: z.int().min(200).max(599).describe('HTTP status of the policy page'),
    keepBody: z.boolean().default(true).describe('The body is still the policy; false: no body'),
    headers: httpHeaders.default({}),
  })
  .refine(
    ({ status, keepBody, headers }) =>
      status !== 200 || !keepBody || Object.keys(headers).length > 0,
    'this attack changes nothing: the honest status is 200',
  );

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Answers the request for the policy with another HTTP status',
  options,
  shorthand: 'status',
  example: '- policy-status: 404',
  apply: (plan, { status, keepBody, headers }) =>
    changePage(plan, (page) => ({
      ...page,
      status,
      headers: { ...page.headers, ...headers },
      body: keepBody ? page.body : '',
    })),
};
