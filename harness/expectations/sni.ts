/** RFC 8461 §7.1: TLS to the MX and to the policy host carries SNI with the name of that host. */

import { z } from 'zod';
import { ofKind, seqs } from '../model/traffic.ts';
import type { Expectation } from '../model/verdict.ts';

const options = z.strictObject({
  to: z.enum(['mx', 'policy-host']).default('mx').describe('which handshakes'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'TLS carried SNI with the host name',
  options,
  shorthand: 'to',
  example: '- sni: policy-host',
  requirement: '8461-7.1-sni-smtp',
  describe: ({ to }) => `SNI with the name of the ${to === 'mx' ? 'MX' : 'policy host'}`,
  judge(view, { to }) {
    const handshakes = ofKind(view.now, 'tls-handshake').filter(
      (seen) => seen.service === to && seen.hello,
    );
    const wrong = handshakes.filter(
      (seen) => seen.servername.toLowerCase() !== seen.host.toLowerCase(),
    );
    if (wrong.length > 0)
      return {
        status: 'unmet',
        actual: wrong[0]!.servername === '' ? 'no SNI' : `SNI ${wrong[0]!.servername}`,
        because: seqs(wrong),
        // A fetch is always about MTA-STS; delivery is only where the policy was learned.
        standsAlone: to === 'policy-host',
      };
    if (handshakes.length === 0)
      return { status: 'undecided', actual: 'no handshake was seen', because: [] };
    return {
      status: 'met',
      actual: `SNI ${handshakes[0]!.servername}`,
      because: seqs(handshakes),
    };
  },
};
