/**
 * The EHLO reply lists other capabilities, before TLS, after it, or both. RFC 3207 §4.2: what was
 * listed before TLS no longer counts once TLS is up.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { ehloPlan } from '../model/plan.ts';
import { changeMx, editEhlo } from '../model/plan-changes.ts';
import { whichMx } from './which-mx.ts';

const options = z
  .strictObject({
    before: ehloPlan.optional().describe('Changes of the EHLO reply before TLS'),
    after: ehloPlan.optional().describe('Changes of the EHLO reply after TLS'),
    ...whichMx,
  })
  .refine(
    ({ before, after }) => before !== undefined || after !== undefined,
    'say before, after or both',
  );

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Edits the capabilities in the EHLO reply',
  options,
  example: '- change-capabilities: { after: { add: [STARTTLS] } }',
  apply: (plan, { before, after, mx, nth }) =>
    changeMx(
      plan,
      mx,
      (host) => {
        const changed = before ? editEhlo(host, 'beforeTls', before) : host;
        return after ? editEhlo(changed, 'afterTls', after) : changed;
      },
      nth,
    ),
};
