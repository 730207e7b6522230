/**
 * The policy host cannot be reached (RFC 8461 §3.3): no policy for a newcomer, and the cached one
 * binds.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { reach } from '../model/plan.ts';
import { changePolicyHost } from '../model/plan-changes.ts';

const options = z.strictObject({
  how: reach
    .exclude(['open'])
    .default('refused')
    .describe(
      'refused: nothing listens; silent: it opens and nobody speaks; reset: it opens, then RST',
    ),
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Keeps the sender from reaching the policy host',
  options,
  shorthand: 'how',
  example: '- block-policy-host: silent',
  apply: (plan, { how }) => changePolicyHost(plan, (host) => ({ ...host, reach: how })),
};
