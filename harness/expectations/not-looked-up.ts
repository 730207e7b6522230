/**
 * RFC 8461 §3.4, RFC 7672 §2.2: for some recipients there is no policy and no DANE, and nothing to
 * look up.
 */

import { z } from 'zod';
import { ofKind, seqs } from '../model/traffic.ts';
import type { Expectation } from '../model/verdict.ts';
import { counted } from '../protocol/printable.ts';

const RECORDS = {
  policy: { type: 'TXT', at: /^_mta-sts\./i, requirement: '8461-3.4-address-literal' },
  tlsa: { type: 'TLSA', at: /^_\d+\._tcp\./i, requirement: '7672-2.2-address-literal' },
} as const;

const options = z.strictObject({
  record: z
    .enum(['policy', 'tlsa'])
    .describe('policy: a TXT record of MTA-STS · tlsa: a TLSA record'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'mail was sent, and no such record was looked up for anybody',
  options,
  shorthand: 'record',
  example: '- not-looked-up: policy',
  cites: ({ record }) => [RECORDS[record].requirement],
  standsAlone: true,
  describe: ({ record }) => `no ${RECORDS[record].type} query`,
  judge(view, { record }) {
    const { type, at, requirement } = RECORDS[record];
    const queries = ofKind(view.now, 'dns-query').filter(
      (seen) => seen.type === type && at.test(seen.name),
    );
    const actual = counted(queries.length, `${type} query`, `${type} queries`);
    if (queries.length > 0) return { status: 'unmet', actual, because: seqs(queries), requirement };
    const calls = ofKind(view.now, 'smtp-connection');
    if (calls.length === 0)
      return { status: 'undecided', actual: 'the sender called nobody', because: [], requirement };
    return { status: 'met', actual, because: seqs(calls), requirement };
  },
};
