/**
 * STARTTLS is answered 220 and SMTP simply goes on in clear: a sender must not take that for TLS
 * (RFC 3207 §4).
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { changeMx, overlayMx } from '../model/plan-changes.ts';
import { whichMx } from './which-mx.ts';

const options = z.strictObject({
  ...whichMx,
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Accepts STARTTLS and goes on in clear',
  options,
  example: '- plaintext-after-220',
  apply: (plan, { mx, nth }) =>
    changeMx(plan, mx, (host) => overlayMx(host, { starttls: { then: 'plaintext' } }), nth),
};
