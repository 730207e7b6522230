/**
 * The policy host speaks only some versions of TLS. RFC 8461 §7.2: TLS 1.2 or newer is what every
 * sender must manage.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { tlsVersions } from '../model/plan.ts';
import { changePolicyHost, overlay } from '../model/plan-changes.ts';

const options = z
  .strictObject(tlsVersions)
  .refine((given) => Object.keys(given).length > 0, 'say minVersion, maxVersion or both');

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Limits the TLS versions of the policy host',
  options,
  example: '- policy-host-tls: { minVersion: TLSv1.3 }',
  apply: (plan, tls) => changePolicyHost(plan, (host) => overlay(host, { tls })),
};
