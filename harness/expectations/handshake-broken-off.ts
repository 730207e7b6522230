/**
 * After a first flight that was written by hand (see plan.ts), the sender has broken the handshake
 * off: no ClientKeyExchange, no further ClientHello.
 */

import { z } from 'zod';
import { tlsVersion } from '../model/plan.ts';
import { ofKind, seqs } from '../model/traffic.ts';
import type { Expectation } from '../model/verdict.ts';

const options = z.strictObject({
  offering: tlsVersion
    .optional()
    .describe('only handshakes for which the sender has offered this version'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'the sender broke off a handshake that no client may go on with',
  options,
  shorthand: 'offering',
  example: '- handshake-broken-off: TLSv1.3',
  standsAlone: true,
  describe: () => 'the handshake broken off',
  judge(view, { offering }) {
    const all = ofKind(view.now, 'tls-handshake').filter(({ offer }) => offer !== undefined);
    const meant = all.filter(
      ({ offer }) => offering === undefined || offer!.versions.includes(offering),
    );
    const answered = meant.filter(({ wentOn }) => wentOn !== undefined);
    const wrong = answered.filter(({ wentOn }) => wentOn);
    if (wrong.length > 0)
      return { status: 'unmet', actual: 'it went on with the handshake', because: seqs(wrong) };
    if (meant.length === 0 && all.length > 0)
      return { status: 'unsupported', actual: `it offers no ${offering}`, because: seqs(all) };
    if (answered.length === 0)
      return { status: 'undecided', actual: 'no such handshake was seen', because: [] };
    return {
      status: 'met',
      actual: `broken off: ${answered[0]!.reason}`,
      because: seqs(answered),
    };
  },
};
