/**
 * EHLO is refused, so that the sender falls back to HELO, which offers no STARTTLS (RFC 5321 §3.2).
 * A downgrade without touching a capability. Whoever refuses EHLO also refuses STARTTLS, which some
 * senders give unasked.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { replyLines } from '../model/plan.ts';
import { changeMx, overlayMx } from '../model/plan-changes.ts';
import { whichMx } from './which-mx.ts';

const options = z.strictObject({
  text: replyLines
    .default('502 5.5.1 command not implemented')
    .describe('Full reply line(s) to EHLO before TLS'),
  ...whichMx,
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Refuses EHLO, so that only HELO is left',
  options,
  shorthand: 'text',
  example: '- refuse-ehlo',
  apply: (plan, { text, mx, nth }) =>
    changeMx(
      plan,
      mx,
      (host) =>
        overlayMx(host, {
          beforeTls: { replies: { EHLO: { text } } },
          starttls: { reply: { text: '502 5.5.1 Command not implemented' } },
        }),
      nth,
    ),
};
