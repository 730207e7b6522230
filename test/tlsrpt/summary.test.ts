/** What a report is said to tell. */

import { describe, expect, it } from 'vitest';
import { checkFile } from '../../harness/tlsrpt/check-file.ts';
import { type Summary, summarise } from '../../harness/tlsrpt/summary.ts';
import { changed, GOOD } from './reports.ts';

async function summary(bytes: Buffer): Promise<Summary> {
  const result = await checkFile(bytes, 'report');
  if (result.kind === 'refused') throw new Error(result.reason);
  return summarise(result.report);
}

describe('the summary', () => {
  it('says who reports what of which MX, and what to look at', async () => {
    expect(await summary(Buffer.from(GOOD))).toEqual({
      headline:
        'Company-X reports for 2016-04-01 UTC (report 5065427c-23d3-47ca-b6e0-946ea0e8c4be, contact sts-reporting@company-x.example)',
      policies: [
        {
          policy: 'MTA-STS policy of company-y.example, mode testing',
          sessions: '5326 sessions succeeded, 303 failed (5 %)',
          consequence: 'mode testing: the mail should have been delivered all the same',
          failures: [
            {
              where: 'mx1.mail.company-y.example',
              lines: [
                '100 × certificate-expired: its certificate had expired; met by 2001:db8:abcd:12::1',
              ],
            },
            {
              where: 'mx2.mail.company-y.example',
              lines: [
                '200 × starttls-not-supported: it offered no STARTTLS; met by 2001:db8:abcd:13::1',
              ],
            },
            {
              where: 'mx-backup.mail.company-y.example',
              lines: [
                '3 × validation-failure: TLS failed for another reason; it says: X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED; met by 198.51.100.62',
              ],
            },
          ],
        },
      ],
      lookAt: [
        expect.stringMatching(/^mx1\.mail\.company-y\.example: renew its certificate/),
        expect.stringMatching(
          /^mx2\.mail\.company-y\.example: does it offer STARTTLS .* somebody on their path/,
        ),
        expect.stringMatching(/^mx-backup\.mail\.company-y\.example: which TLS versions/),
      ],
    });
  });

  it('has nothing to look at where nothing failed', async () => {
    const good = await summary(
      changed(({ policies: [entry] }) => {
        entry.summary['total-failure-session-count'] = 0;
        delete entry['failure-details'];
      }),
    );
    expect(good.lookAt).toEqual([]);
    expect(good.policies).toEqual([
      {
        policy: 'MTA-STS policy of company-y.example, mode testing',
        sessions: '5326 sessions succeeded, 0 failed',
        failures: [],
      },
    ]);
  });

  it('adds up failures of one kind at one MX, over the addresses of the sender', async () => {
    const { policies } = await summary(
      changed(({ policies: [entry] }) => {
        entry['failure-details'] = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'].map(
          (ip) => ({
            'result-type': 'certificate-expired',
            'sending-mta-ip': ip,
            'receiving-mx-hostname': 'mx.mail.company-y.example',
            'failed-session-count': 2,
          }),
        );
      }),
    );
    expect(policies[0]!.failures).toEqual([
      {
        where: 'mx.mail.company-y.example',
        lines: [
          '8 × certificate-expired: its certificate had expired; met by 192.0.2.1, 192.0.2.2, 192.0.2.3 and 1 more',
        ],
      },
    ]);
  });

  it.each([
    ['sts', ['mode: enforce'], /^mode enforce: no mail/],
    ['sts', [], /^without a policy/],
    ['tlsa', ['3 1 1 0a'], /^DANE: no mail/],
    ['no-policy-found', [], /^nothing asks for TLS/],
  ])('of %s %j says what a failure means', async (type, lines, consequence) => {
    const { policies } = await summary(
      changed(({ policies: [{ policy }] }) => {
        policy['policy-type'] = type;
        policy['policy-string'] = lines;
      }),
    );
    expect(policies[0]!.consequence).toMatch(consequence);
  });

  it('names the policy host where the policy could not be had', async () => {
    const { policies, lookAt } = await summary(
      changed(({ policies: [entry] }) => {
        entry.policy = { 'policy-type': 'sts', 'policy-domain': 'victim.test' };
        entry['failure-details'] = [
          { 'result-type': 'sts-policy-fetch-error', 'failed-session-count': 303 },
        ];
      }),
    );
    expect(policies[0]!.failures[0]!.where).toBe('the policy host mta-sts.victim.test');
    expect(lookAt).toEqual([
      expect.stringMatching(/^the policy host mta-sts\.victim\.test: can the policy be fetched/),
    ]);
  });

  it('tells of a policy that is not valid, and of an MX that it does not permit', async () => {
    const { lookAt } = await summary(
      changed(({ policies: [entry] }) => {
        entry.policy['policy-string'][3] = 'max_age: soon';
        entry['failure-details'] = [
          {
            'result-type': 'validation-failure',
            'receiving-mx-hostname': 'mx.attacker.test',
            'failed-session-count': 303,
          },
        ];
      }),
    );
    expect(lookAt).toEqual([
      'the policy file of company-y.example, as it is told here, is not valid: max_age is 1 to 10 digits: seconds, at "max_age: soon" (RFC 8461 §3.2)',
      expect.stringMatching(/^mx\.attacker\.test: which TLS/),
      expect.stringMatching(/^mx\.attacker\.test: the policy permits no such MX/),
    ]);
  });

  it('shows a part of very much', async () => {
    const { policies, lookAt } = await summary(
      changed((report) => {
        const [entry] = report.policies;
        entry['failure-details'] = Array.from({ length: 60 }, (_, at) => ({
          'result-type': 'certificate-expired',
          'receiving-mx-hostname': `mx${at}.example`,
          'failed-session-count': 1,
        }));
        report.policies = Array.from({ length: 60 }, () => entry);
      }),
    );
    expect(policies).toHaveLength(26);
    expect(policies.at(-1)).toMatchObject({ policy: 'and 35 more policies' });
    expect(policies[0]!.failures.at(-1)).toEqual({ where: 'and 35 more places', lines: [] });
    expect(lookAt.length).toBeLessThanOrEqual(26);
  });
});
