/** The policy host is reached, and the TLS handshake with it fails (RFC 8461 §3.3). */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { alert, handshake } from '../model/plan.ts';
import { changePolicyHost, overlay } from '../model/plan-changes.ts';

const options = z.strictObject({
  how: handshake
    .exclude(['complete'])
    .default('alert')
    .describe('What answers the ClientHello; alert is a fatal one'),
  alert: alert.optional(),
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Breaks the TLS handshake with the policy host',
  options,
  shorthand: 'how',
  example: '- break-policy-handshake: reset',
  apply: (plan, { how, alert }) =>
    changePolicyHost(plan, (host) => overlay(host, { tls: { handshake: how, alert } })),
};
