import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../harness/lab/lab.ts';
import {
  type LabPlan,
  type MxPlan,
  POLICY_HOST,
  SENDER_DOMAIN,
  STS_NAME,
  VICTIM,
} from '../../harness/model/plan.ts';
import {
  addDnsRule,
  changeMx,
  changePage,
  changePolicyHost,
  replaceRecords,
} from '../../harness/model/plan-changes.ts';
import type { TlsReport } from '../../harness/protocol/tlsrpt-report.ts';
import { opportunisticSender } from '../../harness/senders/opportunistic.ts';
import { type FaultName, referenceSender } from '../../harness/senders/reference/index.ts';
import { checkReport } from '../../harness/tlsrpt/check.ts';
import { openFindings } from '../../harness/tlsrpt/finding.ts';
import type { Json } from '../../harness/tlsrpt/json.ts';
import { checkMail, checkVerified } from '../../harness/tlsrpt/mail.ts';
import { type Driver, drive } from './driver.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const TIMEOUTS = { connectMs: 500, handshakeMs: 500, replyMs: 500, policyFetchMs: 500 };
const start = (fault?: FaultName) =>
  drive(lab, referenceSender({ traits: fault ? [fault] : [], timeouts: TIMEOUTS }));
const mx1 = (change: MxPlan) => (plan: LabPlan) =>
  changeMx(plan, `mx1.${VICTIM}`, (mx) => ({ ...mx, ...change }));
const stripped = mx1({ beforeTls: { ehlo: { remove: ['STARTTLS'] } } });
const without = (name: string) => (plan: LabPlan) =>
  addDnsRule(plan, { name, type: '*', answer: 'servfail' });
const TWO_MX = {
  mx: [10, 20].map((preference, index) => ({ host: `mx${index + 1}.${VICTIM}`, preference })),
};

/** A sender that has the honest enforce policy in its cache. */
async function primed(fault?: FaultName, domain?: typeof TWO_MX): Promise<Driver> {
  const driver = await start(fault);
  driver.arrange({ domain });
  expect(await driver.send()).toMatch(/^delivered/);
  return driver;
}

describe.concurrent('the reference sender', () => {
  it('delivers to an honest domain over authenticated TLS, having fetched the policy once', async () => {
    await using driver = await start();
    driver.arrange();
    expect(await driver.send()).toBe(`delivered: mx1.${VICTIM}: over TLS: 250 OK: message queued`);
    expect(await driver.send()).toMatch(/^delivered/);
    expect(driver.arrivals()).toEqual([
      `mx1.${VICTIM} authenticated`,
      `mx1.${VICTIM} authenticated`,
    ]);
    expect(
      driver
        .seenOf('policy-request')
        .map(({ status, authenticated }) => ({ status, authenticated })),
    ).toEqual([{ status: 200, authenticated: true }]);
    expect(driver.seenOf('dns-query').filter(({ type }) => type === 'TXT')).toHaveLength(2);
    expect(
      driver.seenOf('tls-handshake').map(({ servername, host }) => servername === host),
    ).toEqual([true, true, true]);
    expect(
      driver
        .seenOf('smtp-command')
        .map(({ verb }) => verb)
        .slice(0, 7),
    ).toEqual(['EHLO', 'STARTTLS', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'QUIT']);
    expect(driver.seenOf('smtp-data')[0]?.excerpt).toMatch(/\r\n\r\n\.\.\r\n\.\.\.a\r\n\.\r\n$/);
  });

  const failures: readonly [string, (plan: LabPlan) => LabPlan, RegExp][] = [
    ['STARTTLS removed', stripped, /STARTTLS not offered, policy demands it \(RFC 8461 §5\)$/],
    [
      'STARTTLS answered 454',
      mx1({ starttls: { reply: { text: '454 4.7.0 no' } } }),
      /STARTTLS answered 454/,
    ],
    [
      'SMTP going on in clear after 220',
      mx1({ starttls: { then: 'plaintext' } }),
      /STARTTLS failed/,
    ],
    ['no handshake', mx1({ tls: { handshake: 'stall' } }), /handshake took longer than 500 ms/],
    ['TLS 1.1', mx1({ tls: { maxVersion: 'TLSv1.1' } }), /STARTTLS failed/],
    ...(
      [
        'expired',
        'not-yet-valid',
        'self-signed',
        'unknown-ca',
        'missing-intermediate',
        'expired-intermediate',
        'non-ca-issuer',
      ] as const
    ).map((certificate): [string, (plan: LabPlan) => LabPlan, RegExp] => [
      certificate,
      mx1({ tls: { certificate } }),
      /certificate not valid/,
    ]),
    ...(['name-constraint', 'client-auth-only', 'sha1', 'weak-key'] as const).map(
      (certificate): [string, (plan: LabPlan) => LabPlan, RegExp] => [
        certificate,
        mx1({ tls: { certificate } }),
        /certificate not valid|STARTTLS failed/,
      ],
    ),
    ...(
      [
        'wrong-name',
        'recipient-domain',
        'common-name-only',
        'common-name-right',
        'ip-address-only',
        'nul-in-name',
      ] as const
    ).map((certificate): [string, (plan: LabPlan) => LabPlan, RegExp] => [
      certificate,
      mx1({ tls: { certificate } }),
      /does not name the host/,
    ]),
    ...(['wildcard-too-high', 'wildcard-partial', 'wildcard-inner'] as const).map(
      (certificate): [string, (plan: LabPlan) => LabPlan, RegExp] => [
        certificate,
        mx1({ tls: { certificate } }),
        /does not name the host/,
      ],
    ),
    [
      'an MX that the policy does not name',
      (plan) =>
        replaceRecords(plan, VICTIM, 'MX', [
          { name: VICTIM, type: 'MX', preference: 1, exchange: 'mx.attacker.test' },
        ]),
      /not among the mx of the policy/,
    ],
    [
      'MX SERVFAIL',
      (plan) => addDnsRule(plan, { name: VICTIM, type: 'MX', answer: 'servfail' }),
      /the MX look-up failed/,
    ],
    ['a 5yz greeting', mx1({ greeting: { text: '554 5.7.1 go away' } }), /greeted with 554/],
  ];
  it.each(failures)(
    'defers under enforce, and shows nothing, and delivers when healed: %s',
    async (_name, attack, detail) => {
      await using driver = await primed();
      driver.arrange({ attack });
      const said = await driver.send();
      expect(said).toMatch(/^deferred/);
      expect(said).toMatch(detail);
      expect(
        driver.seenOf('smtp-command').filter(({ verb }) => verb === 'MAIL' || verb === 'RCPT'),
      ).toEqual([]);
      expect(await driver.sender.queued?.()).toHaveLength(1);
      driver.arrange();
      expect(await driver.flush()).toMatch(/^delivered/);
      expect(await driver.sender.queued?.()).toEqual([]);
      expect(driver.arrivals()).toEqual([`mx1.${VICTIM} authenticated`]);
    },
  );

  it.each(['right-rsa', 'right-intermediate', 'wildcard', 'empty-subject'] as const)(
    'accepts the certificate: %s',
    async (certificate) => {
      await using driver = await primed();
      driver.arrange({
        attack: (plan) =>
          changePolicyHost(mx1({ tls: { certificate } })(plan), (host) => ({
            ...host,
            tls: { certificate },
          })),
        policy: { id: 'new' },
      });
      expect(await driver.send()).toMatch(/^delivered/);
      expect(driver.seenOf('policy-request')).toHaveLength(1);
    },
  );

  const discoveryFaults: readonly [string, (plan: LabPlan) => LabPlan][] = [
    ['TXT gone', (plan) => addDnsRule(plan, { name: STS_NAME, type: 'TXT', answer: 'nxdomain' })],
    ['TXT SERVFAIL', without(STS_NAME)],
    [
      'two records',
      (plan) =>
        replaceRecords(
          plan,
          STS_NAME,
          'TXT',
          ['a', 'b'].map((id) => ({ name: STS_NAME, type: 'TXT', text: `v=STSv1; id=${id};` })),
        ),
    ],
    [
      'an invalid record',
      (plan) =>
        replaceRecords(plan, STS_NAME, 'TXT', [
          { name: STS_NAME, type: 'TXT', text: 'v=STSv1; id=no-id;' },
        ]),
    ],
    [
      'policy host refused',
      (plan) => changePolicyHost(plan, (host) => ({ ...host, reach: 'refused' })),
    ],
    [
      'policy host silent',
      (plan) => changePolicyHost(plan, (host) => ({ ...host, reach: 'silent' })),
    ],
    [
      'policy host with the wrong certificate',
      (plan) => changePolicyHost(plan, (host) => ({ ...host, tls: { certificate: 'wrong-name' } })),
    ],
    [
      'policy host without SAN',
      (plan) =>
        changePolicyHost(plan, (host) => ({ ...host, tls: { certificate: 'common-name-only' } })),
    ],
    [
      'a redirect',
      (plan) =>
        changePage(plan, (page) => ({
          ...page,
          status: 301,
          headers: { location: `https://${POLICY_HOST}/other` },
        })),
    ],
    ['404', (plan) => changePage(plan, (page) => ({ ...page, status: 404 }))],
    ['203', (plan) => changePage(plan, (page) => ({ ...page, status: 203 }))],
    [
      'text/html',
      (plan) => changePage(plan, (page) => ({ ...page, headers: { 'content-type': 'text/html' } })),
    ],
    [
      'a body cut short',
      (plan) =>
        changePage(plan, (page) => ({ ...page, body: page.body.repeat(2), transfer: 'truncated' })),
    ],
    [
      'a body without end',
      (plan) => changePage(plan, (page) => ({ ...page, transfer: 'endless' })),
    ],
    ['a body byte by byte', (plan) => changePage(plan, (page) => ({ ...page, transfer: 'slow' }))],
    [
      'an invalid policy',
      (plan) =>
        changePage(plan, (page) => ({ ...page, body: 'version: STSv1\r\nmode: never\r\n' })),
    ],
  ];
  it.each(discoveryFaults)(
    'goes by its cache, and without one delivers: %s',
    async (_name, attack) => {
      const optOut = {
        policy: { id: 'new', mode: 'none' as const },
        attack: (plan: LabPlan) => attack(stripped(plan)),
      };
      await using warm = await primed();
      warm.arrange(optOut);
      expect(await warm.send()).toMatch(/^deferred: .*STARTTLS not offered/);
      await using cold = await start();
      cold.arrange({ attack: (plan) => attack(stripped(plan)) });
      expect(await cold.send()).toMatch(/^delivered: .* in clear/);
    },
  );

  it('fetches the new policy that a new id announces, and obeys it: mode none', async () => {
    await using driver = await primed();
    driver.arrange({ policy: { id: 'a0', mode: 'none' }, attack: stripped });
    expect(await driver.send()).toMatch(/^delivered: .* in clear/);
  });

  it('waits five minutes after a failed fetch before it tries the same id again', async () => {
    await using driver = await start();
    driver.arrange({ attack: (plan) => changePage(plan, (page) => ({ ...page, status: 500 })) });
    await driver.send();
    await driver.send();
    expect(driver.seenOf('policy-request')).toHaveLength(1);
    await driver.sender.advance?.(301, []);
    await driver.send();
    expect(driver.seenOf('policy-request')).toHaveLength(2);
  });

  it('keeps a policy for max_age, through a restart, and no longer', async () => {
    await using driver = await primed();
    driver.arrange({ attack: (plan) => without(STS_NAME)(stripped(plan)) });
    await driver.sender.advance?.(604_000, []);
    await driver.sender.restart?.();
    expect(await driver.send()).toMatch(/^deferred/);
    await driver.sender.advance?.(801, []);
    expect(await driver.send()).toMatch(/^delivered: .* in clear/);
  });

  it('goes on to the next candidate, and never to the address record', async () => {
    await using driver = await primed(undefined, TWO_MX);
    driver.arrange({ domain: TWO_MX, attack: stripped });
    expect(await driver.send()).toMatch(/^delivered/);
    expect(driver.arrivals()).toEqual([`mx2.${VICTIM} authenticated`]);
    driver.arrange({
      domain: { ...TWO_MX, records: [{ name: VICTIM, type: 'A', host: 'mx.attacker.test' }] },
      attack: (plan) =>
        changeMx(plan, [`mx1.${VICTIM}`, `mx2.${VICTIM}`], () => ({ reach: 'refused' })),
    });
    expect(await driver.send()).toMatch(
      /^deferred: .*connect ECONNREFUSED.*; .*connect ECONNREFUSED/,
    );
  });

  it.each([
    ['testing', 'in clear', stripped],
    ['testing', 'in clear', mx1({ tls: { handshake: 'alert' } })],
    ['testing', 'over TLS', mx1({ tls: { certificate: 'self-signed' } })],
    ['absent', 'in clear', mx1({ starttls: { reply: { text: '421 4.7.0 bye', then: 'close' } } })],
    ['absent', 'over TLS', mx1({ tls: { certificate: 'wrong-name' } })],
    ['absent', 'in clear', mx1({ tls: { handshake: 'reset' } })],
  ] as const)('delivers where the mode is %s: %s', async (mode, channel, attack) => {
    await using driver = await start();
    driver.arrange({ policy: { mode }, attack });
    expect(await driver.send()).toMatch(/^delivered/);
    expect(driver.arrivals()).toEqual([`mx1.${VICTIM} ${channel}`]);
  });

  it('takes nothing for a reply inside TLS, nor for an extension, that came before', async () => {
    await using driver = await primed();
    driver.arrange({
      attack: mx1({
        starttls: { inject: ['250-evil', '250 SIZE 1'] },
        beforeTls: { ehlo: { remove: ['SIZE'], add: ['SIZE 1'] } },
      }),
    });
    expect(await driver.send()).toMatch(/^delivered/);
    expect(driver.seenOf('smtp-command').some(({ early }) => early)).toBe(false);
  });

  it('returns refused mail, and hostile words with it', async () => {
    await using driver = await primed();
    driver.arrange({
      attack: mx1({
        afterTls: { replies: { RCPT: { text: '550 5.1.1 \u009b31m no such user' } } },
      }),
    });
    expect(await driver.send()).toBe(
      `bounced: mx1.${VICTIM}: 550 to RCPT: 5.1.1 \\x9b31m no such user`,
    );
    const [bounce] = driver.seenOf('message-accepted');
    expect(bounce).toMatchObject({ mailFrom: '', secure: true });
    expect(bounce?.tokens).toHaveLength(1);
  });

  it.each([
    [
      'no such domain',
      (plan: LabPlan) => addDnsRule(plan, { name: VICTIM, type: 'MX', answer: 'nxdomain' }),
    ],
    [
      'null MX',
      (plan: LabPlan) =>
        replaceRecords(plan, VICTIM, 'MX', [
          { name: VICTIM, type: 'MX', preference: 0, exchange: '.' },
        ]),
    ],
  ] as const)('returns mail at once: %s', async (_name, attack) => {
    await using driver = await start();
    driver.arrange({ attack });
    expect(await driver.send()).toMatch(/^bounced/);
  });

  it('returns mail after five days, after one more look for a new policy', async () => {
    await using driver = await primed();
    driver.arrange({ attack: stripped });
    await driver.send();
    await driver.sender.advance?.(5 * 86_400 + 1, []);
    driver.arrange({ attack: stripped });
    expect(await driver.flush()).toMatch(/^bounced/);
    expect(
      driver
        .seenOf('dns-query')
        .some(({ name, type }) => type === 'TXT' && name.startsWith('_mta-sts.victim')),
    ).toBe(true);
  });

  it('is rescued by a new policy on the last day', async () => {
    const lastDay = async (driver: Driver) => {
      driver.arrange({ attack: stripped });
      await driver.send();
      await driver.sender.advance?.(5 * 86_400 + 1, []);
      driver.arrange({ policy: { id: 'new', mode: 'none' }, attack: stripped });
      return driver.flush();
    };
    await using driver = await primed();
    expect(await lastDay(driver)).toMatch(/^delivered/);
    await using faulty = await primed('no-recheck-before-bounce');
    expect(await lastDay(faulty)).toMatch(/^bounced/);
  });

  it('applies a policy to its own domain alone', async () => {
    await using driver = await primed();
    driver.arrange({
      attack: stripped,
      domain: {
        records: [
          { name: 'sub.victim.test', type: 'MX', preference: 10, exchange: 'mx1.victim.test' },
        ],
      },
    });
    expect(await driver.send('sub.victim.test')).toMatch(/^delivered: .* in clear/);
  });

  it('asks again over TCP when an answer is truncated', async () => {
    await using driver = await start();
    driver.arrange({
      attack: (plan) =>
        addDnsRule(stripped(plan), { name: STS_NAME, type: 'TXT', answer: 'truncate' }),
    });
    expect(await driver.send()).toMatch(/^deferred/);
    expect(driver.seenOf('dns-query').some(({ transport }) => transport === 'tcp')).toBe(true);
  });

  it('stops at once, whatever is under way, and says no more', async () => {
    const said: string[] = [];
    await using driver = await drive(
      lab,
      referenceSender({ timeouts: { replyMs: 50_000 } }),
      ({ detail }) => said.push(detail),
    );
    driver.arrange({ attack: mx1({ reach: 'silent' }) });
    const connected = driver.until('smtp-connection');
    void driver.send();
    await connected;
    await driver.sender[Symbol.asyncDispose]();
    expect(said).toEqual([]);
  });

  it('follows CNAMEs that come alone', async () => {
    await using driver = await start();
    driver.arrange({
      attack: (plan) =>
        addDnsRule(
          stripped(
            replaceRecords(
              replaceRecords(plan, STS_NAME, 'TXT', [
                { name: 'sts.attacker.test', type: 'TXT', text: 'v=STSv1; id=1;' },
              ]),
              STS_NAME,
              'CNAME',
              [{ name: STS_NAME, type: 'CNAME', target: 'sts.attacker.test' }],
            ),
          ),
          { name: STS_NAME, type: 'TXT', answer: 'cname-only' },
        ),
    });
    expect(await driver.send()).toMatch(/^deferred/);
  });
});

describe.concurrent('reports', () => {
  async function reportOf(driver: Driver): Promise<TlsReport> {
    await driver.report();
    const [received, ...more] = driver.seenOf('report-received');
    expect(more).toEqual([]);
    const findings = openFindings();
    checkReport(received?.report as Json, findings);
    expect(findings.list).toEqual([]);
    return received?.report as TlsReport;
  }

  it('count sessions by failure under the policy applied, once', async () => {
    await using driver = await primed();
    driver.arrange({ attack: stripped });
    await driver.send();
    await driver.flush();
    const report = await reportOf(driver);
    expect(report.policies).toHaveLength(1);
    const { policy, summary, 'failure-details': details } = report.policies[0]!;
    expect(policy['policy-type']).toBe('sts');
    expect(policy['policy-string']).toEqual([
      'version: STSv1',
      'mode: enforce',
      `mx: ${policy['mx-host']![0]}`,
      'max_age: 604800',
    ]);
    expect(summary).toEqual({
      'total-successful-session-count': 1,
      'total-failure-session-count': 2,
    });
    expect(details).toMatchObject([
      {
        'result-type': 'starttls-not-supported',
        'failed-session-count': 2,
        'receiving-mx-hostname': policy['mx-host']![0],
      },
    ]);
    driver.arrange();
    await driver.report();
    expect(driver.seenOf('report-received')).toEqual([]);
  });

  /** `dane`: the domain has TLSA records, and no policy. */
  const types: readonly [string, (plan: LabPlan) => LabPlan, dane?: true][] = [
    ['starttls-not-supported', stripped],
    ['certificate-host-mismatch', mx1({ tls: { certificate: 'wrong-name' } })],
    ['certificate-expired', mx1({ tls: { certificate: 'expired' } })],
    ['certificate-expired', mx1({ tls: { certificate: 'not-yet-valid' } })],
    ['certificate-not-trusted', mx1({ tls: { certificate: 'unknown-ca' } })],
    ['validation-failure', mx1({ tls: { handshake: 'alert' } })],
    ['tlsa-invalid', mx1({ tls: { certificate: 'self-signed' } }), true],
    [
      'dnssec-invalid',
      (plan) => ({
        ...plan,
        dns: {
          ...plan.dns,
          rules: [{ name: `_25._tcp.mx1.${VICTIM}`, type: 'TLSA', answer: 'servfail' }],
        },
      }),
      true,
    ],
    ['sts-policy-fetch-error', (plan) => changePage(plan, (page) => ({ ...page, status: 404 }))],
    ['sts-policy-invalid', (plan) => changePage(plan, () => ({ body: 'version: STSv2\r\n' }))],
    [
      'sts-webpki-invalid',
      (plan) =>
        changePolicyHost(plan, (host) => ({ ...host, tls: { certificate: 'self-signed' } })),
    ],
  ];
  const transports = {
    https: { tlsrpt: true },
    mail: { tlsrpt: `v=TLSRPTv1; rua=mailto:tlsrpt@${VICTIM}` },
  } as const;
  describe.each(Object.entries(transports))('by %s', (transport, domain) => {
    it.each(types)('name the failure, and are valid: %s', async (type, attack, dane) => {
      await using driver = await start();
      driver.arrange({
        attack,
        domain: { ...domain, ...(dane && { dane }) },
        ...(dane && { policy: { mode: 'absent' } }),
      });
      await driver.send();
      const report = await reportOf(driver);
      expect(
        report.policies
          .flatMap((policy) => policy['failure-details'] ?? [])
          .map((detail) => detail['result-type']),
      ).toEqual([type]);
      const [{ mail } = {}] = driver.seenOf('report-received');
      expect(mail !== undefined).toBe(transport === 'mail');
      if (!mail?.attachment) return;
      const findings = openFindings();
      const read = checkReport(report as unknown as Json, findings);
      checkMail({ ...mail, attachment: mail.attachment }, read, findings);
      checkVerified(mail.dkim, { ...mail, attachment: mail.attachment }, findings);
      expect(findings.list).toEqual([]);
      expect(mail.dkim).toMatchObject([{ domain: SENDER_DOMAIN, result: 'pass' }]);
    });
  });

  it('wait where the record cannot be looked up', async () => {
    await using driver = await start();
    driver.arrange({
      attack: (plan) => ({
        ...plan,
        dns: {
          ...plan.dns,
          rules: [{ name: `_smtp._tls.${VICTIM}`, type: 'TXT', answer: 'servfail' }],
        },
      }),
    });
    await driver.send();
    await driver.report();
    expect(driver.seenOf('report-received')).toEqual([]);
    driver.arrange();
    const report = await reportOf(driver);
    expect(report.policies[0]!.summary['total-successful-session-count']).toBe(1);
  });

  it('say nothing of a policy in mode none', async () => {
    await using driver = await start();
    driver.arrange({ policy: { mode: 'none' }, attack: stripped });
    await driver.send();
    await driver.report();
    expect(driver.seenOf('report-received')).toEqual([]);
  });
});

describe.concurrent('the opportunistic sender', () => {
  it('delivers in spite of the policy, over TLS where it can, and looks nothing up', async () => {
    await using driver = await drive(lab, opportunisticSender());
    driver.arrange({ attack: mx1({ tls: { certificate: 'expired' } }) });
    expect(await driver.send()).toMatch(/^delivered/);
    driver.arrange({ attack: stripped });
    expect(await driver.send()).toMatch(/^delivered/);
    expect(driver.arrivals()).toEqual([`mx1.${VICTIM} in clear`]);
    expect(driver.seenOf('dns-query').filter(({ type }) => type === 'TXT')).toEqual([]);
    expect(driver.sender.report).toBeUndefined();
  });
});
