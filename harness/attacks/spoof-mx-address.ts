/**
 * The MX records are honest and the address behind them is not: the sender reaches the attacker's
 * host. RFC 8461 §4.2: its certificate has to be right for the name in the MX record.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { ATTACKER, CERTIFICATE_PROFILES, testName } from '../model/plan.ts';
import { addHost, changeMx, mxNames, overlayMx, replaceRecords } from '../model/plan-changes.ts';
import { addressTypesOf } from '../model/zone.ts';
import { whichMx } from './which-mx.ts';

const options = z.strictObject({
  to: testName
    .default(`mx.${ATTACKER}`)
    .describe('The MX host whose address is answered; made if the plan has none of that name'),
  mx: whichMx.mx,
  certificate: z
    .enum(CERTIFICATE_PROFILES)
    .optional()
    .describe('Certificate profile the host answered shows; default right'),
  certificateFor: z
    .string()
    .optional()
    .describe("Host name its certificate is made for; default the host's own"),
});

export const attack: Attack<z.output<typeof options>> = {
  summary: "Answers the attacker's address for the MX hosts",
  options,
  shorthand: 'to',
  example: '- spoof-mx-address: { certificate: self-signed, certificateFor: mx1.victim.test }',
  apply(plan, { to, mx, certificate, certificateFor }) {
    const spoofed = mxNames(plan, mx).reduce(
      (made, name) =>
        addressTypesOf(plan.dns, name).reduce(
          (all, type) => replaceRecords(all, name, type, [{ name, type, host: to }]),
          made,
        ),
      addHost(plan, 'mxHosts', to, {}),
    );
    return changeMx(spoofed, to, (host) =>
      overlayMx(host, { tls: { certificate, certificateFor } }),
    );
  },
};
