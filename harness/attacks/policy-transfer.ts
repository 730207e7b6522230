/**
 * The policy's body goes out in another way: in part, for ever, or never. RFC 8461 §3.3 asks for
 * bounds on size and time; a policy not received whole is none.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { transfer } from '../model/plan.ts';
import { changePage } from '../model/plan-changes.ts';

const options = z.strictObject({
  transfer,
});

export const attack: Attack<z.output<typeof options>> = {
  summary: "Changes how the policy's body is sent",
  options,
  shorthand: 'transfer',
  example: '- policy-transfer: truncated',
  apply: (plan, { transfer }) => changePage(plan, (page) => ({ ...page, transfer })),
};
