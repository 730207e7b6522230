/** The validator: the RFC's example, files with one defect each, and what large senders send. */

import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { checkFile } from '../../harness/tlsrpt/check-file.ts';
import { MOST_FINDINGS } from '../../harness/tlsrpt/finding.ts';
import { changed, check, GOOD, mailOf, RFC_EXAMPLE, replaced } from './reports.ts';

const P = 'policies[0]';
const F = `${P}.failure-details[0]`;

describe('what is right', () => {
  it.each([
    ['JSON', Buffer.from(GOOD)],
    ['gzip', gzipSync(GOOD)],
    ['a mail', mailOf()],
    ['a mail from a mailbox file', Buffer.concat([Buffer.from('From x@y Fri\r\n'), mailOf()])],
  ])('has no findings: %s', async (_, bytes) => {
    expect(await check(bytes)).toEqual([]);
  });

  it('the example of the RFC is read; where it differs from the text, that is known', async () => {
    expect(await check(RFC_EXAMPLE)).toEqual([
      `seen ${F}.sending-mta-ip`,
      `seen ${P}.failure-details[1].sending-mta-ip`,
      `seen ${P}.policy.mx-host`,
    ]);
  });

  it('a success report without failure-details, and a TLSA policy beside that of MTA-STS', async () => {
    const both = changed(({ policies }) => {
      policies[0].summary['total-failure-session-count'] = 0;
      delete policies[0]['failure-details'];
      policies.push({
        policy: {
          'policy-type': 'tlsa',
          'policy-string': [`3 1 1 ${'0a'.repeat(32)}`, `2 0 1 ${'0A'.repeat(32)}`],
          'policy-domain': 'mx1.mail.company-y.example',
        },
        summary: policies[0].summary,
        'failure-details': [],
      });
    });
    expect(await check(both)).toEqual([]);
  });

  it('the end of the day as the next midnight, in any case, with fractions', async () => {
    for (const end of [
      '2016-04-02T00:00:00Z',
      '2016-04-02t00:00:00z',
      '2016-04-02T02:00:00.000+02:00',
    ])
      expect(await check(replaced('2016-04-01T23:59:59Z', end))).toEqual([]);
  });

  it('types may overlap, so that the details come to more than the total', async () => {
    expect(
      await check(
        replaced('"total-failure-session-count": 303', '"total-failure-session-count": 200'),
      ),
    ).toEqual([]);
  });
});

describe('one defect each', () => {
  const defects: readonly (readonly [string, (report: any) => void, string])[] = [
    ['no organization-name', (r) => delete r['organization-name'], 'must organization-name'],
    ['an empty organization-name', (r) => (r['organization-name'] = ''), 'must organization-name'],
    ['no contact-info', (r) => (r['contact-info'] = null), 'must contact-info'],
    ['a mailto URI', (r) => (r['contact-info'] = 'mailto:a@b.example'), 'must contact-info'],
    ['a display name', (r) => (r['contact-info'] = 'A <a@b.example>'), 'must contact-info'],
    ['a report-id that is a number', (r) => (r['report-id'] = 7), 'must report-id'],
    ['no date-range', (r) => delete r['date-range'], 'must date-range'],
    [
      'a day that there is not',
      (r) => (r['date-range']['start-datetime'] = '2016-02-30T00:00:00Z'),
      'must date-range.start-datetime',
    ],
    [
      'seconds since 1970',
      (r) => (r['date-range']['start-datetime'] = 1459468800),
      'must date-range.start-datetime',
    ],
    [
      'a blank in the date',
      (r) => (r['date-range']['start-datetime'] = '2016-04-01 00:00:00Z'),
      'must date-range.start-datetime',
    ],
    [
      'no offset',
      (r) => (r['date-range']['start-datetime'] = '2016-04-01T00:00:00'),
      'seen date-range.start-datetime',
    ],
    [
      'the end before the start',
      (r) => (r['date-range']['end-datetime'] = '2016-03-31T23:59:59Z'),
      'must date-range',
    ],
    [
      'the day of another time zone',
      (r) =>
        (r['date-range'] = {
          'start-datetime': '2016-04-01T00:00:00+02:00',
          'end-datetime': '2016-04-01T23:59:59+02:00',
        }),
      'should date-range',
    ],
    [
      'two days',
      (r) => (r['date-range']['end-datetime'] = '2016-04-02T23:59:59Z'),
      'should date-range',
    ],
    ['policies that are no array', (r) => (r.policies = r.policies[0]), 'must policies'],
    ['no policies', (r) => (r.policies = []), 'must policies'],
    ['a policy that is no object', (r) => r.policies.push('sts'), 'must policies[1]'],
    [
      'a policy-type in capitals',
      (r) => (r.policies[0].policy['policy-type'] = 'STS'),
      `must ${P}.policy.policy-type`,
    ],
    [
      'policy-string as one string',
      (r) =>
        (r.policies[0].policy['policy-string'] = r.policies[0].policy['policy-string'].join('\n')),
      `seen ${P}.policy.policy-string`,
    ],
    [
      'no policy-string',
      (r) => delete r.policies[0].policy['policy-string'],
      `must ${P}.policy.policy-string`,
    ],
    [
      'mx lines as an array inside',
      (r) => (r.policies[0].policy['policy-string'][2] = ['mx: a.example']),
      `must ${P}.policy.policy-string[2]`,
    ],
    [
      'two lines in one string',
      (r) => {
        r.policies[0].policy['policy-string'][2] += '\nmx: *.mail.company-y.example';
      },
      `must ${P}.policy.policy-string[2]`,
    ],
    [
      'mx-host in U-labels',
      (r) => {
        r.policies[0].policy['policy-string'].splice(2, 1);
        r.policies[0].policy['mx-host'] = ['*.müller.example'];
      },
      `must ${P}.policy.mx-host[0]`,
    ],
    [
      'a policy-domain in U-labels',
      (r) => (r.policies[0].policy['policy-domain'] = 'müller.example'),
      `must ${P}.policy.policy-domain`,
    ],
    [
      'a policy-domain with a dot at its end',
      (r) => (r.policies[0].policy['policy-domain'] += '.'),
      `seen ${P}.policy.policy-domain`,
    ],
    [
      'no policy-domain',
      (r) => delete r.policies[0].policy['policy-domain'],
      `must ${P}.policy.policy-domain`,
    ],
    ['no mx-host', (r) => delete r.policies[0].policy['mx-host'], `seen ${P}.policy.mx-host`],
    [
      'mx-host that the policy has not',
      (r) => (r.policies[0].policy['mx-host'] = ['*.mail.example']),
      `should ${P}.policy.mx-host`,
    ],
    ['no summary', (r) => delete r.policies[0].summary, `must ${P}.summary`],
    [
      'a count as a string',
      (r) => (r.policies[0].summary['total-successful-session-count'] = '5326'),
      `must ${P}.summary.total-successful-session-count`,
    ],
    [
      'a broken count',
      (r) => (r.policies[0].summary['total-successful-session-count'] = 1.5),
      `must ${P}.summary.total-successful-session-count`,
    ],
    [
      'a negative count',
      (r) => (r.policies[0].summary['total-successful-session-count'] = -1),
      `must ${P}.summary.total-successful-session-count`,
    ],
    [
      'a count beyond 2^53',
      (r) => (r.policies[0].summary['total-successful-session-count'] = 2 ** 60),
      `should ${P}.summary.total-successful-session-count`,
    ],
    [
      'more failures than are explained',
      (r) => (r.policies[0].summary['total-failure-session-count'] = 304),
      `should ${P}.summary.total-failure-session-count`,
    ],
    [
      'fewer failures than one kind has',
      (r) => (r.policies[0].summary['total-failure-session-count'] = 199),
      `should ${P}.summary.total-failure-session-count`,
    ],
    [
      'failures without details',
      (r) => delete r.policies[0]['failure-details'],
      `should ${P}.summary.total-failure-session-count`,
    ],
    [
      'no result-type',
      (r) => delete r.policies[0]['failure-details'][0]['result-type'],
      `must ${F}.result-type`,
    ],
    [
      'a result-type of a draft',
      (r) => (r.policies[0]['failure-details'][0]['result-type'] = 'ExpiredCertificate'),
      `seen ${F}.result-type`,
    ],
    [
      'a DANE result under MTA-STS',
      (r) => (r.policies[0]['failure-details'][0]['result-type'] = 'tlsa-invalid'),
      `should ${F}.result-type`,
    ],
    [
      'no reason for a validation-failure',
      (r) => delete r.policies[0]['failure-details'][2]['failure-reason-code'],
      `should ${P}.failure-details[2].failure-reason-code`,
    ],
    [
      'a name where an address belongs',
      (r) => (r.policies[0]['failure-details'][0]['sending-mta-ip'] = 'mx.example'),
      `must ${F}.sending-mta-ip`,
    ],
    [
      'no address',
      (r) => (r.policies[0]['failure-details'][0]['sending-mta-ip'] = ''),
      `seen ${F}.sending-mta-ip`,
    ],
    [
      'an address where a name belongs',
      (r) => (r.policies[0]['failure-details'][0]['receiving-mx-hostname'] = '192.0.2.1'),
      `should ${F}.receiving-mx-hostname`,
    ],
    [
      'no failed-session-count',
      (r) => delete r.policies[0]['failure-details'][0]['failed-session-count'],
      `must ${F}.failed-session-count`,
    ],
    [
      'a URI with blanks',
      (r) =>
        (r.policies[0]['failure-details'][0]['additional-information'] = 'https://a.example/ ? x'),
      `must ${F}.additional-information`,
    ],
    [
      'a member of a draft',
      (r) => (r.policies[0]['failure-details'][0]['failure-error-code'] = 'X509'),
      `seen ${F}.failure-error-code`,
    ],
    [
      'failure-details as an object',
      (r) =>
        (r.policies[0]['failure-details'] = {
          ...r.policies[0]['failure-details'][0],
          'failed-session-count': 303,
        }),
      `must ${P}.failure-details`,
    ],
    ['a lone surrogate', (r) => (r['organization-name'] = 'a\ud800'), 'must organization-name'],
  ];

  it.each(defects)('%s', async (_, change, finding) => {
    expect(await check(changed(change))).toEqual([finding]);
  });

  it('a byte order mark', async () => {
    expect(await check(`\ufeff${GOOD}`)).toEqual(['must ']);
  });

  it('TLSA records that are not four fields', async () => {
    for (const record of ['3 1 1', '3 1 1 0a1', '3 1 1 (0a 1b)', '300 1 1 0a', 'sha256'])
      expect(
        await check(
          changed(({ policies: [{ policy }] }) => {
            policy['policy-type'] = 'tlsa';
            policy['policy-string'] = [record];
            delete policy['mx-host'];
          }),
        ),
      ).toEqual([`must ${P}.policy.policy-string[0]`]);
  });

  it('a policy string where no policy was found', async () => {
    const report = changed(({ policies: [{ policy }] }) => {
      policy['policy-type'] = 'no-policy-found';
    });
    expect(await check(report)).toEqual([`should ${P}.policy.policy-string`]);
  });

  it('packed twice', async () => {
    expect(await check(gzipSync(gzipSync(GOOD)))).toEqual(['must ']);
  });

  it('each finding says what was expected, what was found and where the RFC has it', async () => {
    const result = await checkFile(replaced('"sts"', '"\\u001b[31mSTS"'), 'report');
    expect(result).toMatchObject({
      findings: [
        {
          path: `${P}.policy.policy-type`,
          level: 'must',
          section: 'RFC 8460 §4.4',
          expected: 'one of tlsa, sts, no-policy-found',
          found: 'the string "\\u001b[31mSTS"',
        },
      ],
      counts: { must: 1, should: 0, seen: 0 },
    });
  });

  it('what was wrong is read all the same', async () => {
    const report = changed((r) => {
      r.policies = r.policies[0];
      r.policies.summary['total-successful-session-count'] = '5326';
      r['contact-info'] = 'Reports <mailto@company-x.example>';
      r.policies.policy['policy-string'] = 'version: STSv1;mode: enforce;mx: a.example';
    });
    expect(await checkFile(report, 'report')).toMatchObject({
      report: {
        contact: 'mailto@company-x.example',
        policies: [
          { succeeded: 5326, lines: ['version: STSv1', 'mode: enforce', 'mx: a.example'] },
        ],
      },
    });
  });

  it('many findings are counted, and the worst are not pushed out by others', async () => {
    const report = changed((r) => {
      for (let at = 0; at < 2 * MOST_FINDINGS; at++) r[`extra-${at}`] = at;
      delete r.policies[0].summary;
    });
    const result = await checkFile(report, 'report');
    expect(result).toMatchObject({ counts: { must: 1, seen: 2 * MOST_FINDINGS } });
    expect(result.kind === 'report' && result.findings).toHaveLength(MOST_FINDINGS + 1);
  });
});

describe('the name of the file', () => {
  const name = 'company-x.example!company-y.example!1459468800!1459555199.json';

  it.each([
    ['as it should be', name, []],
    ['with an id', name.replace('.json', '!a1.json'), []],
    ['a name of one’s own is nobody’s fault', 'saved.txt', []],
    ['an extension that the content has not', `${name}.gz`, ['must file name']],
    ['another sender', name.replace('company-x', 'other'), ['should file name']],
    ['another domain', name.replace('company-y', 'other'), ['should file name']],
    ['another day', name.replace('1459468800', '1459382400'), ['should file name']],
    ['no times', 'company-x.example!company-y.example.json', ['should file name']],
  ])('%s', async (_, file, findings) => {
    expect(await check(GOOD, file)).toEqual(findings);
  });
});

describe('a mail', () => {
  const cases: readonly (readonly [string, Parameters<typeof mailOf>[0], string[]])[] = [
    [
      'without TLS-Report-Domain',
      { header: { 'TLS-Report-Domain': undefined } },
      ['must header TLS-Report-Domain'],
    ],
    [
      'without TLS-Report-Submitter',
      { header: { 'TLS-Report-Submitter': undefined } },
      ['must header TLS-Report-Submitter'],
    ],
    [
      'of another domain',
      { header: { 'TLS-Report-Domain': 'other.example' } },
      ['should header TLS-Report-Domain', 'should header Subject'],
    ],
    [
      'of another submitter',
      { header: { 'TLS-Report-Submitter': 'mail.company-x.example' } },
      ['must header TLS-Report-Submitter, contact-info', 'should header Subject'],
    ],
    ['with a subject of its own', { header: { Subject: 'TLS report' } }, ['should header Subject']],
    [
      'whose subject is in small letters',
      {
        header: {
          Subject: 'report domain: company-y.example submitter: company-x.example report-id: <1@x>',
        },
      },
      ['should header Subject'],
    ],
    [
      'without a signature',
      { header: { 'DKIM-Signature': undefined } },
      ['must header DKIM-Signature'],
    ],
    [
      'whose signature has l=',
      {
        header: {
          'DKIM-Signature': 'd=company-x.example; l=1; h=tls-report-domain:tls-report-submitter',
        },
      },
      ['must header DKIM-Signature, l'],
    ],
    [
      'whose signature leaves out the fields',
      { header: { 'DKIM-Signature': 'd=company-x.example; h=from' } },
      ['should header DKIM-Signature, h'],
    ],
    [
      'signed by somebody else',
      { header: { 'DKIM-Signature': 'd=other.example; h=tls-report-domain:tls-report-submitter' } },
      ['must header DKIM-Signature'],
    ],
    [
      'that is multipart/mixed',
      { type: 'multipart/mixed; boundary="next"' },
      ['must header Content-Type'],
    ],
    [
      'without report-type',
      { type: 'multipart/report; boundary="next"' },
      ['must header Content-Type'],
    ],
    ['without text', { text: '' }, ['must the first part']],
    ['with application/gzip', { part: 'application/gzip' }, ['must attachment Content-Type']],
    [
      'whose type is not what its content is',
      { part: 'application/tlsrpt+json' },
      ['must attachment Content-Type'],
    ],
    [
      'that is not packed',
      {
        gzip: false,
        part: 'application/tlsrpt+json',
        file: 'company-x.example!company-y.example!1459468800!1459555199.json',
      },
      ['should attachment'],
    ],
    [
      'whose file is json.gz by name only',
      { gzip: false, part: 'application/tlsrpt+json' },
      ['should attachment', 'must attachment filename'],
    ],
    [
      'whose file has a name of its own',
      { file: 'report.json.gz' },
      ['should attachment filename'],
    ],
  ];

  it.each(cases)('%s', async (_, mail, findings) => {
    expect(await check(mailOf(mail))).toEqual(findings);
  });

  it('that is of one part is read', async () => {
    const mail = `Subject: x\r\nContent-Type: application/tlsrpt+json\r\n\r\n${GOOD}`;
    const [first] = await check(mail);
    expect(first).toBe('must header Content-Type');
  });

  it('without a report, or broken, is refused', async () => {
    expect(await check('From: a@b.example\r\nSubject: hello\r\n\r\nhello')).toEqual([
      'refused: a mail with no report in it',
    ]);
    expect(await check(mailOf({ report: Buffer.from('{'), gzip: false }))).toEqual([
      expect.stringContaining('refused: this is no JSON'),
    ]);
    expect(await check(`A: b\r\n\r\n${'--x\r\n'.repeat(300)}`)).toEqual([
      'refused: a mail of more than 200 parts',
    ]);
    expect(await check(`A: b\r\n\r\n${'\r\n'.repeat(5_000_000)}`)).toEqual([
      'refused: a mail of more than 150000 lines',
    ]);
  });
});

/** The shapes are those that users have shown in public; the names are not. */
describe('large senders', () => {
  const sts = (domain: string, mx: string) => ({
    'policy-type': 'sts',
    'policy-string': ['version: STSv1', 'mode: enforce', `mx: ${mx}`, 'max_age: 604800'],
    'policy-domain': domain,
  });

  it('Google: JSON in a mail, no mx-host in reports of before 2021', async () => {
    const report = (extra: object) => ({
      'organization-name': 'Google Inc.',
      'date-range': {
        'start-datetime': '2025-06-01T00:00:00Z',
        'end-datetime': '2025-06-01T23:59:59Z',
      },
      'contact-info': 'smtp-tls-reporting@google.test',
      'report-id': '2025-06-01T00:00:00Z_victim.test',
      policies: [
        {
          policy: { ...sts('victim.test', '*.mx.test'), ...extra },
          summary: { 'total-successful-session-count': 3, 'total-failure-session-count': 0 },
        },
      ],
    });
    const mail = (extra: object) =>
      mailOf({
        report: Buffer.from(JSON.stringify(report(extra))),
        type: 'multipart/report; boundary="next"; report-type=tlsrpt',
        part: 'application/tlsrpt+gzip;\r\n\tname="google.test!victim.test!1748736000!1748822399!001.json.gz"',
        file: 'google.test!victim.test!1748736000!1748822399!001.json.gz',
        header: {
          Subject:
            'Report Domain: victim.test Submitter: google.test Report-ID: <2025.06.01T00.00.00Z+victim.test@google.test>',
          'TLS-Report-Domain': 'victim.test',
          'TLS-Report-Submitter': 'google.test',
          'DKIM-Signature':
            'v=1; d=google.test; h=to:from:subject:message-id:tls-report-submitter:tls-report-domain\r\n         :date; b=x',
        },
      });
    expect(await check(mail({ 'mx-host': ['*.mx.test'] }))).toEqual([]);
    expect(await check(mail({}))).toEqual([`seen ${P}.policy.mx-host`]);
  });

  it('Microsoft: no mx-host, and nothing of a policy that could not be fetched', async () => {
    const report = (policies: unknown) =>
      JSON.stringify({
        'organization-name': 'Microsoft Corporation',
        'date-range': {
          'start-datetime': '2025-06-14T00:00:00Z',
          'end-datetime': '2025-06-14T23:59:59Z',
        },
        'contact-info': 'tlsrpt-noreply@microsoft.test',
        'report-id': '133944884956529435+victim.test',
        policies,
      });
    const summary = { 'total-successful-session-count': 2, 'total-failure-session-count': 0 };
    expect(
      await check(
        report([
          { policy: sts('victim.test', '*.mx.test'), summary, 'failure-details': [] },
          {
            policy: {
              'policy-type': 'tlsa',
              'policy-string': [`3 1 1 ${'AB'.repeat(32)}`],
              'policy-domain': 'victim.test',
            },
            summary,
            'failure-details': [],
          },
        ]),
      ),
    ).toEqual([`seen ${P}.policy.mx-host`]);
    expect(
      await check(
        report([
          {
            policy: { 'policy-type': 'sts', 'policy-domain': 'victim.test' },
            summary: { 'total-successful-session-count': 0, 'total-failure-session-count': 3 },
            'failure-details': [
              { 'result-type': 'sts-policy-fetch-error', 'failed-session-count': 3 },
            ],
          },
        ]),
      ),
    ).toEqual([`seen ${P}.policy.policy-string`]);
  });

  it.each([
    ['tlsa', 'dnssec-invalid', 'seen'],
    ['tlsa', 'dane-required', 'seen'],
    ['tlsa', 'tlsa-invalid', 'must'],
    ['sts', 'dane-required', 'must'],
  ])('%s and %s: that no records are told is %s', async (type, result, level) => {
    const found = await check(
      changed((report) => {
        report.policies = [
          {
            policy: { 'policy-type': type, 'policy-domain': 'victim.test' },
            summary: { 'total-successful-session-count': 0, 'total-failure-session-count': 3 },
            'failure-details': [
              {
                'result-type': result,
                'failed-session-count': 3,
                'sending-mta-ip': '192.0.2.1',
                'receiving-mx-hostname': 'mx1.victim.test',
              },
            ],
          },
        ];
      }),
    );
    expect(found).toContain(`${level} ${P}.policy.policy-string`);
  });

  it('Mail.ru: the next midnight, reasons, and a kind of failure counted for each of them', async () => {
    const failure = (status: number) => ({
      'failed-session-count': 1,
      'failure-reason-code': `bad https response code: ${status}`,
      'result-type': 'sts-policy-fetch-error',
    });
    expect(
      await check(
        JSON.stringify({
          'contact-info': 'tls_support@corp.mail.test',
          'date-range': {
            'end-datetime': '2024-02-23T00:00:00Z',
            'start-datetime': '2024-02-22T00:00:00Z',
          },
          'organization-name': 'Mail.ru',
          policies: [
            {
              'failure-details': [failure(404), failure(500)],
              policy: { 'policy-domain': 'victim.test', 'policy-type': 'sts' },
              summary: { 'total-failure-session-count': 1, 'total-successful-session-count': 0 },
            },
          ],
          'report-id': 'b28254de-7b2e-be36-bb5c-4c3b92da8b25@mail.test',
        }),
      ),
    ).toEqual([`seen ${P}.policy.policy-string`]);
  });

  it('Postfix with tlsrpt-reporter: no policy-domain where no policy was found', async () => {
    expect(
      await check(
        changed(({ policies: [entry] }) => {
          entry.policy = { 'policy-type': 'no-policy-found' };
          entry.summary = { 'total-failure-session-count': 0, 'total-successful-session-count': 1 };
          entry['failure-details'] = [];
        }),
      ),
    ).toEqual([`seen ${P}.policy.policy-domain`]);
  });
});
