/**
 * The MX host answers one command otherwise: another reply, a late one, or none and the connection
 * gone (RFC 5321 §4.2).
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import type { DialoguePlan } from '../model/plan.ts';
import { changeMx, overlayMx } from '../model/plan-changes.ts';
import { afterReply, lines, ms, whichMx } from './plan-schema.ts';

const options = z
  .strictObject({
    to: z
      .string()
      .refine((verb) => verb.toUpperCase() !== 'STARTTLS', 'use refuse-starttls')
      .describe('The command: MAIL, RCPT, DATA, … or . for the end of data'),
    text: lines.optional().describe('Full reply line(s); default the honest reply'),
    then: afterReply,
    delayMs: ms.describe('Milliseconds before the reply goes out'),
    when: z
      .enum(['before-tls', 'after-tls', 'always'])
      .default('always')
      .describe('In which part of the dialogue'),
    ...whichMx,
  })
  .refine(
    (given) => [given.text, given.then, given.delayMs].some((said) => said !== undefined),
    'say text, then or delayMs',
  );

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Changes the reply to an SMTP command',
  options,
  apply(plan, { to, text, then, delayMs, when, mx, nth }) {
    const dialogue: DialoguePlan = { replies: { [to.toUpperCase()]: { text, delayMs, then } } };
    const change = {
      ...(when !== 'after-tls' && { beforeTls: dialogue }),
      ...(when !== 'before-tls' && { afterTls: dialogue }),
    };
    return changeMx(plan, mx, (host) => overlayMx(host, change), nth);
  },
};
