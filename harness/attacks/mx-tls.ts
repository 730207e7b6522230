/**
 * The MX host speaks only some versions of TLS. RFC 8461 §7.2: TLS 1.2 or newer is what every
 * sender must manage.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { tlsVersions } from '../model/plan.ts';
import { changeMx, overlayMx } from '../model/plan-changes.ts';
import { whichMx } from './which-mx.ts';

const options = z
  .strictObject({
    ...tlsVersions,
    ...whichMx,
  })
  .refine(
    ({ minVersion, maxVersion }) => minVersion !== undefined || maxVersion !== undefined,
    'say minVersion, maxVersion or both',
  );

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Limits the TLS versions of the MX host',
  options,
  example: '- mx-tls: { minVersion: TLSv1.1, maxVersion: TLSv1.1 }',
  apply: (plan, { minVersion, maxVersion, mx, nth }) =>
    changeMx(plan, mx, (host) => overlayMx(host, { tls: { minVersion, maxVersion } }), nth),
};
