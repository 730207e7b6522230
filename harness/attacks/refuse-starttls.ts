/**
 * STARTTLS is offered and, when asked for, refused. RFC 3207 §4: 454 says "not now"; RFC 8461 §5:
 * under enforce, that host gets no mail.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { afterReply, replyLines } from '../model/plan.ts';
import { changeMx, overlayMx } from '../model/plan-changes.ts';
import { whichMx } from './which-mx.ts';

const options = z.strictObject({
  reply: replyLines
    .default('454 4.7.0 TLS not available due to temporary reason')
    .describe('Reply line(s) to STARTTLS; with any code but 220 the dialogue goes on in clear'),
  then: afterReply.optional(),
  ...whichMx,
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Refuses the STARTTLS command',
  options,
  shorthand: 'reply',
  example: '- refuse-starttls: 454 4.7.0 Not now',
  apply: (plan, { reply, then, mx, nth }) =>
    changeMx(
      plan,
      mx,
      (host) => overlayMx(host, { starttls: { reply: { text: reply, then } } }),
      nth,
    ),
};
