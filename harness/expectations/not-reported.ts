/**
 * No failure was reported for the domain: RFC 8461 §5 (`none`), RFC 8460 §3 (no record, no report).
 */

import { z } from 'zod';
import { ofKind, seqs } from '../model/evidence.ts';
import { VICTIM } from '../model/plan.ts';
import type { Expectation } from '../model/verdict.ts';
import { parseTlsReport } from '../protocol/tlsrpt-report.ts';

export const expectation: Expectation = {
  summary: 'no failure was reported for the domain in this step',
  options: z.strictObject({}),
  requirement: '8461-5-none',
  wantsReports: true,
  describe: () => 'no failure reported',
  judge(view) {
    if (!view.trial.sender.capabilities.includes('tlsrpt'))
      return { status: 'unsupported', actual: 'the sender declares no TLSRPT', because: [] };
    const blaming = ofKind(view.now, 'report-received').filter((seen) => {
      const parsed = parseTlsReport(seen.report);
      const about = parsed.ok
        ? parsed.value.policies.filter(
            (one) =>
              one.policy['policy-domain']?.toLowerCase() === view.qualified(VICTIM).toLowerCase(),
          )
        : [];
      // Sessions with no policy may be reported as such (RFC 8460 §4.3.1); what was blamed on a
      // policy counts.
      return about.some(
        (one) => one.policy['policy-type'] === 'sts' && (one['failure-details'] ?? []).length > 0,
      );
    });
    if (blaming.length > 0)
      return { status: 'unmet', actual: 'a failure was reported', because: seqs(blaming) };
    const asked = ofKind(view.now, 'reports-asked-for');
    if (asked.length === 0)
      return { status: 'undecided', actual: 'no report was asked for', because: [] };
    return { status: 'met', actual: 'no failure reported', because: seqs(asked) };
  },
};
