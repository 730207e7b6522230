/**
 * The MX host shows a certificate of the attacker's making. RFC 8461 §4.2: under enforce, one that
 * fails validation gets no mail.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { CERTIFICATE_PROFILES } from '../model/plan.ts';
import { changeMx, overlayMx } from '../model/plan-changes.ts';
import { whichMx } from './which-mx.ts';

const options = z.strictObject({
  profile: z
    .enum(CERTIFICATE_PROFILES)
    .describe('Certificate profile: expired, self-signed, … or right'),
  certificateFor: z
    .string()
    .optional()
    .describe("Host name the certificate is made for; default the MX host's own"),
  withoutSni: z
    .enum(CERTIFICATE_PROFILES)
    .optional()
    .describe('Profile shown to a client that sends no SNI; default the same'),
  ...whichMx,
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Shows another certificate at the MX host',
  options,
  shorthand: 'profile',
  example: '- mx-certificate: expired',
  apply(plan, { profile, certificateFor, withoutSni, mx, nth }) {
    const tls = { certificate: profile, certificateFor, certificateWithoutSni: withoutSni };
    return changeMx(plan, mx, (host) => overlayMx(host, { tls }), nth);
  },
};
