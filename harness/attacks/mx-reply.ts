/**
 * The MX host answers one command otherwise: another reply, word for word or byte by byte, a late
 * one, or none and the connection gone (RFC 5321 §4.2).
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { type DialoguePlan, type MxPlan, replyPlan } from '../model/plan.ts';
import { changeMx, overlayMx } from '../model/plan-changes.ts';
import { isReply, SAY_REPLY, whichMx } from './which-mx.ts';

const VERBS = [
  ...['EHLO', 'HELO', 'STARTTLS', 'MAIL', 'RCPT', 'DATA', '.', 'BDAT', 'RSET', 'NOOP', 'QUIT'],
  ...['AUTH', 'ETRN', 'EXPN', 'HELP', 'VRFY'],
];

const options = z
  .strictObject({
    to: z
      .string()
      .toUpperCase()
      .pipe(z.enum(VERBS, { error: 'unknown command' }))
      .describe('The command: EHLO, STARTTLS, MAIL, QUIT, … or . for the end of data.'),
    ...replyPlan.shape,
    when: z
      .enum(['before-tls', 'after-tls', 'always'])
      .default('always')
      .describe('In which part of the dialogue.'),
    ...whichMx,
  })
  .refine(isReply, SAY_REPLY);

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Changes the reply to an SMTP command',
  options,
  example: [
    '- mx-reply: { to: RCPT, text: 450 4.2.0 Greylisted, when: after-tls }',
    String.raw`- mx-reply: { to: EHLO, bytes: ["250-mx\n250 ", { repeat: x, times: 5000 }, "\r\n"] }`,
    '- mx-reply: { to: STARTTLS, pace: { bytes: 1, everyMs: 20 } }',
    String.raw`- mx-reply: { to: QUIT, bytes: [{ repeat: "221-and on\r\n" }] }`,
  ].join('\n'),
  apply(plan, { to: verb, when, mx, nth, ...reply }) {
    const dialogue: DialoguePlan = { replies: { [verb]: reply } };
    const change: MxPlan =
      verb === 'STARTTLS'
        ? { starttls: { reply } }
        : {
            ...(when !== 'after-tls' && { beforeTls: dialogue }),
            ...(when !== 'before-tls' && { afterTls: dialogue }),
          };
    return changeMx(plan, mx, (host) => overlayMx(host, change), nth);
  },
};
