/**
 * The EHLO reply offers no STARTTLS: the classic downgrade. Either the line is gone, or it is
 * overwritten in place, as some firewalls do. Whoever strips the line also refuses the command,
 * which some senders give unasked. RFC 8461 §5: under enforce, such a host gets no mail.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import type { EhloPlan } from '../model/plan.ts';
import { changeMx, editEhlo, overlayMx } from '../model/plan-changes.ts';
import { whichMx } from './which-mx.ts';

const options = z.strictObject({
  how: z
    .enum(['remove', 'overwrite', 'overwrite-partly'])
    .default('remove')
    .describe('remove: the line is gone; overwrite: it reads XXXXXXXX; overwrite-partly: XXXXXXXA'),
  ...whichMx,
});

type Options = z.output<typeof options>;

export const attack: Attack<Options> = {
  summary: 'Takes STARTTLS out of the EHLO reply',
  options,
  shorthand: 'how',
  example: '- strip-starttls: overwrite',
  apply: (plan, { how, mx, nth }) =>
    changeMx(
      plan,
      mx,
      (host) =>
        overlayMx(editEhlo(host, 'beforeTls', edits[how]), {
          starttls: { reply: { text: REFUSAL } },
        }),
      nth,
    ),
};

const REFUSAL = '502 5.5.1 Command not implemented';

const edits: Readonly<Record<Options['how'], EhloPlan>> = {
  remove: { remove: ['STARTTLS'] },
  overwrite: { overwrite: { STARTTLS: 'XXXXXXXX' } },
  'overwrite-partly': { overwrite: { STARTTLS: 'XXXXXXXA' } },
};
