/** The MX host greets otherwise, with another code or another text (RFC 5321 §3.1). */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { changeMx, overlayMx } from '../model/plan-changes.ts';
import { afterReply, lines, whichMx } from './plan-schema.ts';

const options = z.strictObject({
  text: lines.describe('Full greeting line(s), code first'),
  then: afterReply,
  ...whichMx,
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Changes the greeting of the MX host',
  options,
  shorthand: 'text',
  apply: (plan, { text, then, mx, nth }) =>
    changeMx(plan, mx, (host) => overlayMx(host, { greeting: { text, then } }), nth),
};
