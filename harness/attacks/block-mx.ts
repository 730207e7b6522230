/**
 * The MX host cannot be reached: no fault of TLS, and no reason to give up on the message (RFC 5321
 * §4.5.4.1).
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { reach } from '../model/plan.ts';
import { changeMx } from '../model/plan-changes.ts';
import { whichMx } from './which-mx.ts';

const options = z
  .strictObject({
    how: reach
      .exclude(['open'])
      .default('refused')
      .describe(
        'refused: nothing listens; silent: it opens and nobody speaks; reset: it opens, then RST',
      ),
    ...whichMx,
  })
  .refine(
    ({ how, nth }) => how !== 'refused' || nth === undefined,
    'a port cannot refuse some connections only; use reset',
  );

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Keeps the sender from reaching the MX host',
  options,
  shorthand: 'how',
  example: '- block-mx: { how: reset, mx: mx1.victim.test }',
  apply: (plan, { how, mx, nth }) => changeMx(plan, mx, (host) => ({ ...host, reach: how }), nth),
};
