/** The MX host greets otherwise, with another code, text or bytes, or late (RFC 5321 §3.1). */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { replyPlan } from '../model/plan.ts';
import { changeMx, overlayMx } from '../model/plan-changes.ts';
import { isReply, SAY_REPLY, whichMx } from './which-mx.ts';

const options = z.strictObject({ ...replyPlan.shape, ...whichMx }).refine(isReply, SAY_REPLY);

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Changes the greeting of the MX host',
  options,
  shorthand: 'text',
  example: '- mx-greeting: { text: 554 5.3.2 No service, mx: mx1.victim.test }',
  apply: (plan, { mx, nth, ...greeting }) =>
    changeMx(plan, mx, (host) => overlayMx(host, { greeting }), nth),
};
