/**
 * Checks of TLSRPT (RFC 8460): what is due for a domain is sent when it is asked for, and comes to the
 * address that the domain's record gives.
 */

import { baselinePlan, DEFAULT_DOMAIN, DEFAULT_POLICY } from '../model/baseline.ts';
import { TLSRPT_NAME, VICTIM } from '../model/plan.ts';
import type { DomainSpec } from '../model/scenario.ts';
import type { Capability } from '../model/sender.ts';
import { ofKind } from '../model/traffic.ts';
import { printable } from '../protocol/printable.ts';
import { type Check, fault, proved, skipped } from './check.ts';
import { arrived, HONEST_CHECKS } from './honest-checks.ts';

const MEND =
  'commands.report has to send what is due for $DOMAINS, as if their day were over, and to end once it is out: to where the record says.';

function sendsReports(how: string, needs: Capability, tlsrpt: DomainSpec['tlsrpt']): Check {
  return {
    name: `commands.report sends what is due ${how}`,
    needs: [needs],
    after: [HONEST_CHECKS.deliversOverTls.name],
    without: ({ report }) =>
      report === undefined
        ? 'there is no commands.report: that no report comes will prove nothing'
        : undefined,
    mend: MEND,
    async run({ domain, sender, contract, log }) {
      const reporting = domain(needs);
      await reporting.arrange(baselinePlan({ ...DEFAULT_DOMAIN, tlsrpt }, DEFAULT_POLICY));
      const token = await reporting.send();
      if (!(await arrived(reporting, token))) return skipped('the message did not arrive');
      await sender.report?.([reporting.name]);
      const received = () => ofKind(reporting.seen, 'report-received');
      if (await reporting.until(() => received().length > 0)) {
        const { problem } = received()[0]!;
        return proved(problem && `it cannot be read: ${printable(problem, 120)}`);
      }
      const record = TLSRPT_NAME.replace(VICTIM, reporting.name);
      if (!ofKind(reporting.seen, 'dns-query').some(({ name }) => name.toLowerCase() === record))
        return fault(
          `commands.report has ended, and the record ${record} was never looked up`,
          `turn on TLSRPT in the configuration of the server (files, environment or the image), and let commands.report have it report; or take ${needs} out of capabilities.`,
          log.excerpt([token]),
        );
      const failed = ofKind(reporting.seen, 'tls-handshake').find(
        ({ service, result }) => service === 'report-host' && result === 'failed',
      );
      if (failed)
        return fault(
          `the server hung up when it was shown the certificate of the host that takes reports (${printable(failed.reason ?? 'closed', 80)})`,
          `make trust${contract ? ` (now ${printable(contract.trust, 120)})` : ''} the file of authorities that what sends reports reads.`,
          log.excerpt(),
        );
      return fault(
        `commands.report has ended, and no report came for ${reporting.name}, which had a session`,
        MEND,
        log.excerpt(),
      );
    },
  };
}

export const REPORT_CHECKS = {
  byHttps: sendsReports('by HTTPS', 'tlsrpt', true),
  byMail: sendsReports('by mail', 'tlsrpt-mail', `v=TLSRPTv1; rua=mailto:reports@${VICTIM}`),
};
