/**
 * STARTTLS is accepted and the TLS handshake after it fails. RFC 8461 §5: under enforce, there is
 * no going on in clear.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { alert, handshake } from '../model/plan.ts';
import { changeMx, overlayMx } from '../model/plan-changes.ts';
import { whichMx } from './which-mx.ts';

const options = z.strictObject({
  how: handshake
    .exclude(['complete'])
    .default('alert')
    .describe('What answers the ClientHello; alert is a fatal one'),
  alert: alert.optional(),
  ...whichMx,
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Breaks the TLS handshake after STARTTLS',
  options,
  shorthand: 'how',
  example: '- break-mx-handshake: { how: alert, nth: [1] }',
  apply: (plan, { how, alert, mx, nth }) =>
    changeMx(plan, mx, (host) => overlayMx(host, { tls: { handshake: how, alert } }), nth),
};
