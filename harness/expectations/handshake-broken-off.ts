/**
 * After a first flight that was written by hand (see plan.ts), the sender has broken the handshake
 * off: no ClientKeyExchange, no further ClientHello.
 */

import { z } from 'zod';
import { ofKind, seqs } from '../model/traffic.ts';
import type { Expectation } from '../model/verdict.ts';

export const expectation: Expectation = {
  summary: 'the sender broke off a handshake that no client may go on with',
  options: z.strictObject({}),
  example: '- handshake-broken-off',
  standsAlone: true,
  describe: () => 'the handshake broken off',
  judge(view) {
    const answered = ofKind(view.now, 'tls-handshake').filter((seen) => seen.wentOn !== undefined);
    const wrong = answered.filter(({ wentOn }) => wentOn);
    if (wrong.length > 0)
      return { status: 'unmet', actual: 'it went on with the handshake', because: seqs(wrong) };
    if (answered.length === 0)
      return { status: 'undecided', actual: 'no such handshake was seen', because: [] };
    return {
      status: 'met',
      actual: `broken off: ${answered[0]!.reason}`,
      because: seqs(answered),
    };
  },
};
