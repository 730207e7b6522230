/** RFC 9325 §3.1.1: the version that TLS comes to, where the host speaks several. */

import { z } from 'zod';
import { tlsVersion } from '../model/plan.ts';
import { ofKind, seqs } from '../model/traffic.ts';
import type { Expectation } from '../model/verdict.ts';

const options = z.strictObject({
  atLeast: tlsVersion.default('TLSv1.3').describe('the oldest that will do'),
  to: z.enum(['mx', 'policy-host']).default('mx').describe('which handshakes'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'TLS was spoken, in this version or a newer one',
  options,
  shorthand: 'atLeast',
  example: '- tls-version: TLSv1.3',
  requirement: '9325-3.1.1-tls13',
  describe: ({ atLeast }) => `${atLeast} or newer`,
  judge(view, { atLeast, to }) {
    const completed = ofKind(view.now, 'tls-handshake').filter(
      (seen) => seen.service === to && seen.result === 'completed',
    );
    const ages = tlsVersion.options.map(String);
    const old = completed.filter(
      ({ protocol = '' }) => ages.indexOf(protocol) < ages.indexOf(atLeast),
    );
    if (old.length > 0)
      return { status: 'unmet', actual: `${old[0]!.protocol}`, because: seqs(old) };
    if (completed.length === 0)
      return { status: 'undecided', actual: 'no handshake was completed', because: [] };
    return {
      status: 'met',
      actual: `${completed[0]!.protocol}`,
      because: seqs(completed),
    };
  },
};
