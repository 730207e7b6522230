/** The MX host greets otherwise, with another code or another text (RFC 5321 §3.1). */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { afterReply, lines } from '../model/plan.ts';
import { changeMx, overlayMx } from '../model/plan-changes.ts';
import { whichMx } from './which-mx.ts';

const options = z.strictObject({
  text: lines.describe('Full greeting line(s), code first'),
  then: afterReply.optional(),
  ...whichMx,
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Changes the greeting of the MX host',
  options,
  shorthand: 'text',
  example: '- mx-greeting: { text: 554 5.3.2 No service, mx: mx1.victim.test }',
  apply: (plan, { text, then, mx, nth }) =>
    changeMx(plan, mx, (host) => overlayMx(host, { greeting: { text, then } }), nth),
};
