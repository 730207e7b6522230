/**
 * The MX host speaks only some versions of TLS, some cipher suites, some groups, and so on. RFC 8461
 * §7.2: TLS 1.2 or newer is what every sender must manage; RFC 9325 says the rest.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { tlsManner } from '../model/plan.ts';
import { changeMx, overlayMx } from '../model/plan-changes.ts';
import { whichMx } from './which-mx.ts';

const options = z
  .strictObject({
    ...tlsManner,
    ...whichMx,
  })
  .refine(
    (given) => Object.keys(tlsManner).some((key) => key in given),
    `say one of ${Object.keys(tlsManner).join(', ')}`,
  );

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Has the MX host speak TLS in a certain manner',
  options,
  example: '- mx-tls: { minVersion: TLSv1.1, maxVersion: TLSv1.1 }',
  apply: (plan, { mx, nth, ...tls }) => changeMx(plan, mx, (host) => overlayMx(host, { tls }), nth),
};
