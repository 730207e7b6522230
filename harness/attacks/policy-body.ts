/**
 * The policy host serves a policy that reads otherwise, word for word: malformed, empty, for
 * another domain (RFC 8461 §3.2).
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { changePage } from '../model/plan-changes.ts';

const options = z.strictObject({
  text: z.string().describe('Body of the policy page, word for word'),
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Replaces the text of the policy',
  options,
  shorthand: 'text',
  example: '- policy-body: "version: STSv2\\nmode: none\\nmax_age: 604800\\n"',
  apply: (plan, { text }) => changePage(plan, (page) => ({ ...page, body: text })),
};
