/**
 * The MX host answers the ClientHello with a first flight that no TLS library would send. The
 * handshake is never finished; what counts is whether the sender breaks it off.
 */

import type { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { flight } from '../model/plan.ts';
import { changeMx, overlayMx } from '../model/plan-changes.ts';
import { whichMx } from './which-mx.ts';

const options = flight.extend(whichMx);

export const attack: Attack<z.output<typeof options>> = {
  summary: "Answers the sender's ClientHello with a flight of TLS 1.2 that is written by hand",
  options,
  example: '- forge-mx-flight: { sentinel: true }',
  apply: (plan, { mx, nth, ...flight }) =>
    changeMx(plan, mx, (host) => overlayMx(host, { tls: { flight } }), nth),
};
