/**
 * The policy host speaks only some versions of TLS, some cipher suites, some groups, and so on. RFC 8461
 * §7.2: TLS 1.2 or newer is what every sender must manage; RFC 9325 says the rest.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { tlsManner } from '../model/plan.ts';
import { changePolicyHost, overlay } from '../model/plan-changes.ts';

const options = z
  .strictObject(tlsManner)
  .refine(
    (given) => Object.keys(given).length > 0,
    `say one of ${Object.keys(tlsManner).join(', ')}`,
  );

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Has the policy host speak TLS in a certain manner',
  options,
  example: '- policy-host-tls: { minVersion: TLSv1.3 }',
  apply: (plan, tls) => changePolicyHost(plan, (host) => overlay(host, { tls })),
};
