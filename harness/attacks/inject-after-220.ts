/**
 * Lines in clear follow the 220 to STARTTLS in the same segment. RFC 3207 §4.2: what was learnt
 * before TLS is thrown away, so none of them may be taken for a reply inside TLS (CVE-2011-0411,
 * turned towards the client).
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { changeMx, overlayMx } from '../model/plan-changes.ts';
import { whichMx } from './which-mx.ts';

const options = z.strictObject({
  lines: z.array(z.string()).min(1).describe('Lines sent in clear right after the 220'),
  ...whichMx,
});

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Injects replies in clear behind the 220 to STARTTLS',
  options,
  example: '- inject-after-220: { lines: [250 attacker.test] }',
  apply: (plan, { lines, mx, nth }) =>
    changeMx(
      plan,
      mx,
      (host) =>
        overlayMx(host, { starttls: { inject: [...(host.starttls?.inject ?? []), ...lines] } }),
      nth,
    ),
};
