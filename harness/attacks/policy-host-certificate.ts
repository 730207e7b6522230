/**
 * The policy host shows a certificate of the attacker's making. RFC 8461 §3.3: one that fails
 * validation gives no policy.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { CERTIFICATE_PROFILES } from '../model/plan.ts';
import { changePolicyHost, overlay } from '../model/plan-changes.ts';

const options = z.strictObject({
  profile: z
    .enum(CERTIFICATE_PROFILES)
    .describe('Certificate profile: expired, self-signed, … or right'),
  certificateFor: z
    .string()
    .optional()
    .describe("Host name the certificate is made for; default the policy host's own"),
  withoutSni: z
    .enum(CERTIFICATE_PROFILES)
    .optional()
    .describe('Profile shown to a client that sends no SNI; default the same'),
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Shows another certificate at the policy host',
  options,
  shorthand: 'profile',
  example: '- policy-host-certificate: self-signed',
  apply: (plan, { profile, certificateFor, withoutSni }) =>
    changePolicyHost(plan, (host) =>
      overlay(host, {
        tls: { certificate: profile, certificateFor, certificateWithoutSni: withoutSni },
      }),
    ),
};
