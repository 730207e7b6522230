/**
 * The policy host serves its pages over plain HTTP as well. RFC 8461 §3.3: a policy comes over
 * HTTPS or not at all.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { changePolicyHost } from '../model/plan-changes.ts';

const options = z.strictObject({});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Serves the policy on port 80 without TLS as well',
  options,
  example: '- serve-plain-http',
  apply: (plan) => changePolicyHost(plan, (host) => ({ ...host, plainHttp: true })),
};
