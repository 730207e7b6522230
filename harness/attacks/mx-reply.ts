/**
 * The MX host answers one command otherwise: another reply, a late one, or none and the connection
 * gone (RFC 5321 §4.2).
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { type DialoguePlan, replyPlan } from '../model/plan.ts';
import { changeMx, overlayMx } from '../model/plan-changes.ts';
import { whichMx } from './which-mx.ts';

const options = z
  .strictObject({
    to: z
      .string()
      .refine((verb) => verb.toUpperCase() !== 'STARTTLS', 'use refuse-starttls')
      .describe('The command: MAIL, RCPT, DATA, … or . for the end of data.'),
    ...replyPlan.shape,
    when: z
      .enum(['before-tls', 'after-tls', 'always'])
      .default('always')
      .describe('In which part of the dialogue.'),
    ...whichMx,
  })
  .refine(
    ({ text, then, delayMs, untilSpoken }) =>
      [text, then, delayMs, untilSpoken].some((said) => said !== undefined),
    'say text, then, delayMs or untilSpoken',
  );

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Changes the reply to an SMTP command',
  options,
  example: '- mx-reply: { to: RCPT, text: 450 4.2.0 Greylisted, when: after-tls }',
  apply(plan, { to, when, mx, nth, ...reply }) {
    const dialogue: DialoguePlan = { replies: { [to.toUpperCase()]: reply } };
    const change = {
      ...(when !== 'after-tls' && { beforeTls: dialogue }),
      ...(when !== 'before-tls' && { afterTls: dialogue }),
    };
    return changeMx(plan, mx, (host) => overlayMx(host, change), nth);
  },
};
