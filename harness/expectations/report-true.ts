/**
 * RFC 8460 §4: what reports say is what the path saw: of this domain, this day, these hosts and
 * addresses, these policies, and of no more sessions than there were.
 */

import { z } from 'zod';
import { seqs } from '../model/traffic.ts';
import type { Expectation } from '../model/verdict.ts';
import { comparisons, rowsOf } from './report-rows.ts';
import { readReports, SILENCE_BREAKS, silenceAboutForm } from './reports.ts';

export const expectation: Expectation = {
  summary: 'what every TLSRPT report says is what the path saw',
  options: z.strictObject({}),
  example: '- report-true',
  awaits: ['reports'],
  cites: () => [
    ...SILENCE_BREAKS,
    '8460-4.1-full-day',
    '8460-4.4-required-fields',
    '8460-4.4-policy-string',
    '8460-4.4-mx-hostname',
    '8460-4.4-receiving-ip',
    '8460-4.4-sending-ip',
    '8460-4.2.1-success-count',
  ],
  describe: () => 'a report of what happened',
  judge(view) {
    const read = readReports(view);
    const silent = silenceAboutForm(view, read);
    if (silent) return silent;
    const because = seqs(read.received);
    if (read.reports.length === 0)
      return {
        status: 'unmet',
        actual: `a report that cannot be read: ${read.problems[0]}`,
        because,
        requirement: '8460-4.4-required-fields',
      };
    const rows = rowsOf(view, read);
    const compared = comparisons(rows);
    const untruth = rows.find((row) => row.untruth)?.untruth;
    return untruth
      ? { status: 'unmet', because, compared, ...untruth }
      : { status: 'met', actual: 'what happened', because, compared };
  },
};
