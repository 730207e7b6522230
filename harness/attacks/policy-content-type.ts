/**
 * The policy comes as another media type. RFC 8461 §3.2: text/plain, so that user content on a web
 * site is no policy.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { changePage } from '../model/plan-changes.ts';

const options = z.strictObject({
  type: z
    .string()
    .nullable()
    .default('text/html')
    .describe('Content-Type of the policy page; null: none sent'),
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Serves the policy as another media type',
  options,
  shorthand: 'type',
  example: '- policy-content-type: text/html',
  apply: (plan, { type }) =>
    changePage(plan, (page) => ({ ...page, headers: { ...page.headers, 'content-type': type } })),
};
