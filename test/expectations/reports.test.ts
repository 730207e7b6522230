/** `reported`, `not-reported`, `report-valid` and `report-true`: RFC 8460, of senders that declare it. */

import { describe, expect, test } from 'vitest';
import { judge } from '../../harness/judge/judge.ts';
import { DEFAULT_DOMAIN, policyText } from '../../harness/model/baseline.ts';
import { viewStep } from '../../harness/model/evidence.ts';
import type { Step } from '../../harness/model/scenario.ts';
import { CAPABILITIES } from '../../harness/model/sender.ts';
import {
  type EvidenceBuilder,
  evidence,
  expectations,
  judged,
  prime,
  scenarioOf,
  send,
  trialOf,
  use,
} from '../evidence.ts';
import { attacked, says } from './table.ts';

const silent = {
  capabilities: CAPABILITIES.filter((capability) => !capability.startsWith('tlsrpt')),
};
const about = (
  domain: string,
  failures: Readonly<Record<string, number>>,
  { good = 0, type = 'sts' } = {},
) => ({
  'organization-name': 'Sender',
  'date-range': {
    'start-datetime': '2026-11-22T00:00:00Z',
    'end-datetime': '2026-11-22T23:59:59Z',
  },
  'contact-info': 'postmaster@sender.example',
  'report-id': '1',
  policies: [
    {
      policy: {
        'policy-type': type,
        'policy-domain': domain,
        ...(type === 'sts' && {
          'policy-string': ['version: STSv1'],
          'mx-host': ['mx1.victim.test'],
        }),
      },
      summary: {
        'total-successful-session-count': good,
        'total-failure-session-count': Object.values(failures).reduce((sum, n) => sum + n, 0),
      },
      'failure-details': Object.entries(failures).map(([result, count]) => ({
        'result-type': result,
        'failed-session-count': count,
      })),
    },
  ],
});
const stripped = (made: EvidenceBuilder = attacked()) => made.turnsAway().status('deferred');
const notSupported = { 'starttls-not-supported': 1 };
const type = (name: string, more: object = {}) => ({ options: { type: name, ...more } });

/** Of failures, with the lines of the policy that every world publishes. */
function underThePolicy(written = (lines: string[]) => lines) {
  const report = about('victim.test', notSupported);
  const [entry] = report.policies;
  const lines = policyText('enforce', 604_800, ['mx1.victim.test']).trim().split('\r\n');
  return {
    ...report,
    policies: [{ ...entry, policy: { ...entry!.policy, 'policy-string': written(lines) } }],
  };
}

describe('reported', () => {
  says('reported', [
    [
      'met',
      'as it was',
      stripped().reports(about('victim.test', notSupported)),
      type('starttls-not-supported'),
    ],
    [
      'met',
      'under the policy asked for',
      stripped().reports(about('victim.test', notSupported)),
      type('starttls-not-supported', { policyType: 'sts' }),
    ],
    [
      'unmet',
      'under another',
      stripped().reports(about('victim.test', notSupported)),
      type('starttls-not-supported', { policyType: 'tlsa' }),
    ],
    [
      'unmet',
      'as something else',
      stripped().reports(about('victim.test', { 'validation-failure': 1 })),
      { ...type('starttls-not-supported'), actual: /validation-failure/ },
    ],
    [
      'unmet',
      'under a policy that did not apply',
      stripped().reports(about('victim.test', notSupported)),
      { ...type('starttls-not-supported', { applied: true }), actual: /another policy/ },
    ],
    [
      'met',
      'under the one that did',
      stripped().reports(underThePolicy()),
      type('starttls-not-supported', { applied: true }),
    ],
    [
      'met',
      'with its lines in another order, and other blanks in them',
      stripped().reports(
        underThePolicy((lines) => lines.toReversed().map((line) => line.replace(': ', ' :'))),
      ),
      type('starttls-not-supported', { applied: true }),
    ],
    [
      'unmet',
      'of another domain',
      stripped().reports(about('other.test', notSupported)),
      { ...type('starttls-not-supported'), actual: /none of this domain/ },
    ],
    [
      'unmet',
      'not at all, and of an honest domain it was',
      stripped().reports().reporter(),
      { ...type('starttls-not-supported'), actual: /no report$/ },
    ],
    [
      'unmet',
      'not at all, nor of an honest domain',
      stripped().reports(),
      {
        ...type('starttls-not-supported'),
        actual: /nor one of an honest domain/,
        requirement: '8461-6-report-delivery-failure',
      },
    ],
    [
      'unmet',
      'not at all, the record sought where there is none',
      stripped()
        .see({
          kind: 'dns-query',
          name: '_tls.victim.xw1.test',
          type: 'TXT',
          transport: 'udp',
          answer: 'NXDOMAIN',
        })
        .reports(),
      {
        ...type('starttls-not-supported'),
        actual: /looked for at _tls\.victim/,
        requirement: '8460-3-txt-name',
      },
    ],
    [
      'unmet',
      'no report that can be read',
      stripped().reports({ policies: 1 }),
      type('starttls-not-supported'),
    ],
    ['unobserved', 'nobody asked for reports', stripped(), type('starttls-not-supported')],
    ['unsupported', 'not declared', stripped(), { ...type('starttls-not-supported'), ...silent }],
    // The prime step and this one: a good session each.
    [
      'met',
      'counted right',
      attacked()
        .connect()
        .tls()
        .reports(about('victim.test', {}, { good: 2 })),
      type('success', { counted: true }),
    ],
    [
      'unmet',
      'counted wrong',
      attacked()
        .connect()
        .tls()
        .reports(about('victim.test', {}, { good: 3 })),
      { ...type('success', { counted: true }), actual: /the path counted 1/ },
    ],
    [
      'met',
      'one report, sent to two places',
      stripped().reports(about('victim.test', notSupported), about('victim.test', notSupported)),
      type('starttls-not-supported', { counted: true }),
    ],
    [
      'met',
      'under TLSA records and a policy: the same sessions',
      stripped().reports({
        ...about('victim.test', notSupported),
        policies: [
          ...about('victim.test', notSupported).policies,
          ...about('victim.test', notSupported, { type: 'tlsa' }).policies,
        ],
      }),
      type('starttls-not-supported', { counted: true }),
    ],
    [
      'met',
      'whatever failed',
      stripped().reports(about('victim.test', notSupported)),
      type('failure'),
    ],
    [
      'met',
      'what is wrong with the report does not matter here',
      stripped().reports({
        ...about('victim.test', notSupported),
        'report-id': undefined,
        policies: about('victim.test', notSupported).policies[0],
      }),
      type('starttls-not-supported'),
    ],
    [
      'met',
      'failures counted right',
      stripped().reports(about('victim.test', notSupported)),
      type('starttls-not-supported', { counted: true }),
    ],
    [
      'met',
      "without the sender's own MX",
      stripped().connect('mx.sender.test').reports(about('victim.test', notSupported)),
      type('starttls-not-supported', { counted: true }),
    ],
  ]);
});

describe('reported, by where the report went', () => {
  const sent = (path?: string, host = 'tlsrpt.victim.xw1.test') =>
    stripped()
      .reports()
      .see({
        kind: 'report-received',
        host,
        ...(path !== undefined && { path }),
        contentType: 'application/tlsrpt+gzip',
        report: about('victim.xw1.test', notSupported),
      });
  const to = (uris: string | readonly string[], more: object = {}) => ({
    ...type('starttls-not-supported'),
    domain: { tlsrpt: [`v=TLSRPTv1; rua=${[uris].flat()[0]}`, ...[uris].flat().slice(1)] },
    ...more,
  });
  const [one, other] = ['https://tlsrpt.victim.test/a', 'https://tlsrpt.victim.test/b'];
  const record = (text: string, name = '_smtp._tls.victim.test') =>
    ({ name, type: 'TXT', text }) as const;
  says('reported', [
    ['met', 'to its path', sent('/a'), to(one)],
    ['met', 'as a whole URI', sent('https://tlsrpt.victim.xw1.test/a'), to(one)],
    ['met', 'to the second of two', sent('/b'), to(`${one} , ${other}`)],
    [
      'met',
      'to a URI that is written in two strings',
      sent('/a'),
      to([one.slice(0, 20), one.slice(20)]),
    ],
    ['met', 'to a path with a query', sent('/a?x=1'), to(`${one}?x=1`)],
    ['met', 'encoded in another way', sent('/%7Ea!b'), to(`${one.slice(0, -1)}~a%21b`)],
    ['met', 'to the root', sent('/'), to('https://tlsrpt.victim.test')],
    ['met', 'to a host of another name', sent('/a', 'inbox.victim.xw1.test'), to(one)],
    ['met', 'kept by an older version', sent(), to(one)],
    ['met', 'to a path of which the end is not known', sent(`/${'a'.repeat(1999)}`), to(one)],
    [
      'met',
      'to where another name has it, and this one has a record of its own',
      sent('/c'),
      to(one, {
        domain: {
          tlsrpt: `v=TLSRPTv1; rua=${one}`,
          records: [
            record('v=TLSRPTv1; rua=https://tlsrpt.victim.test/c', '_smtp._tls.mx1.victim.test'),
          ],
        },
      }),
    ],
    [
      'met',
      'where there is no record that counts',
      sent('/c'),
      to(one, { domain: { records: [record('v=TLSRPTv1; rua=https://tlsrpt.victim.test/b')] } }),
    ],
    ['met', 'where there is none at all', sent('/c'), to(one, { domain: { tlsrpt: false } })],
    [
      'unmet',
      'to another path',
      sent('/a,https://tlsrpt.victim.xw1.test/b'),
      to(`${one},${other}`, { requirement: 'own', actual: /^posted to tlsrpt.+\/a,https:/ }),
    ],
    ['unmet', 'without the query', sent('/a'), to(`${one}?x=1`, { actual: /^posted to/ })],
    ['unmet', 'where it is to be mailed', sent('/a'), to('mailto:a@victim.test')],
  ]);

  test('met: an attack answers for the record', () => {
    const rule = {
      name: '_smtp._tls.victim.test',
      type: 'TXT',
      records: [record('v=TLSRPTv1; rua=https://tlsrpt.victim.test/c')],
    };
    const under = [{ name: 'patch', options: { dns: { rules: [rule] } } }];
    const scenario = scenarioOf([send(), { ...send(), under } as Step]);
    const view = viewStep(trialOf(sent('/c'), scenario), 1);
    const wanted = { type: 'starttls-not-supported', counted: false, applied: false };
    expect(expectations.get('reported')!.judge(view, wanted).status).toBe('met');
  });
});

describe('reported, in a scenario about the record', () => {
  const reporting = (...reports: object[]) =>
    stripped()
      .reports(...reports)
      .reporter()
      .unprotected();
  const other = about('victim.test', { 'validation-failure': 1 });
  test.each<[string, string, string, EvidenceBuilder, object?]>([
    ['fail', '8460-3-concat', 'no report', reporting()],
    ['warn', '8460-4.3-starttls', 'another type', reporting(other)],
    [
      'warn',
      '8460-4.2.2-failure-count',
      'no failure',
      reporting(about('victim.test', {}, { good: 1 })),
      { type: 'failure' },
    ],
    [
      'warn',
      '8460-4.3-starttls',
      'more than there were',
      reporting(about('victim.test', { 'starttls-not-supported': 9 })),
      { type: 'starttls-not-supported', counted: true },
    ],
    ['warn', '8460-4.4-required-fields', 'of another domain', reporting(about('other.test', {}))],
  ])('%s, %s: %s', (grade, requirement, _, made, options) => {
    const asked = use('reported', options ?? { type: 'starttls-not-supported' }, {
      requirement: '8460-3-concat',
    });
    const trial = trialOf(made.health(), scenarioOf([prime, send(asked)]));
    const found = judge(trial, expectations).findings.filter(
      ({ expectation }) => expectation === 'reported',
    );
    expect(found).toMatchObject([{ grade, requirement }]);
  });

  test('what the scenario asks of the type stays as it is', () => {
    const asked = use(
      'reported',
      { type: 'starttls-not-supported' },
      {
        requirement: '8461-5-testing-report',
      },
    );
    const trial = trialOf(reporting(other).health(), scenarioOf([prime, send(asked)]));
    expect(judge(trial, expectations).findings).toContainEqual(
      expect.objectContaining({ grade: 'warn', requirement: '8461-5-testing-report' }),
    );
  });
});

describe('not-reported', () => {
  says('not-reported', [
    ['met', 'asked for, and none came', stripped().reports().reporter()],
    ['unobserved', 'none came, nor one of an honest domain', stripped().reports()],
    ['met', 'only good sessions', stripped().reports(about('victim.test', {}, { good: 1 }))],
    ['met', 'a failure of another domain', stripped().reports(about('other.test', notSupported))],
    ['unmet', 'a failure', stripped().reports(about('victim.test', notSupported))],
    [
      'met',
      'a failure that is blamed on no policy',
      stripped().reports(about('victim.test', notSupported, { type: 'no-policy-found' })),
    ],
    [
      'met',
      'failures of since the last report',
      stripped().reports().turnsAway().step(2).reports(about('victim.test', notSupported)),
    ],
    [
      'undecided',
      'more than those, of which the first were not told before',
      stripped()
        .reports()
        .turnsAway()
        .step(2)
        .reports(about('victim.test', { 'starttls-not-supported': 2 })),
    ],
    ['unobserved', 'nobody asked', stripped()],
    ['unsupported', 'not declared', evidence().step(0), silent],
    [
      'unmet',
      'nothing is wrong, and a report came at all',
      evidence()
        .step(0)
        .reports(about('victim.test', {}, { good: 1 })),
      { options: { atAll: true } },
    ],
    [
      'unmet',
      'one that went elsewhere is one',
      evidence()
        .step(0)
        .reports()
        .see({
          kind: 'report-received',
          host: 'tlsrpt.victim.xw1.test',
          path: '/elsewhere',
          contentType: '',
          report: about('victim.xw1.test', {}, { good: 1 }),
        }),
      { options: { atAll: true } },
    ],
    ['met', 'none at all', evidence().step(0).reports().reporter(), { options: { atAll: true } }],
  ]);

  describe('a failure in a step that changes nothing', () => {
    const told = about('victim.test', notSupported);
    const before = () =>
      evidence()
        .primed()
        .reports(about('victim.test', {}, { good: 1 }))
        .step(1)
        .submit();
    const then = () => stripped(before()).reports(told).step(2).submit();
    test.each<[string, string, EvidenceBuilder]>([
      ['unmet', 'a connection was left unused', then().connect()],
      ['unmet', 'another was, after EHLO', then().connect().ehlo('STARTTLS').quit()],
      ['met', 'it was not told of STARTTLS', then().connect().ehlo().quit()],
      ['met', 'a handshake failed', then().connect().ehlo().tls({ result: 'failed' })],
      ['met', 'the host is not permitted', then().connect('mx.elsewhere.test').ehlo().quit()],
    ])('%s: %s', (status, _, made) => {
      made.connect().ehlo().tls().delivered().status('delivered').reports(told);
      const steps = [send(), send(), { ...send(), under: [] } as Step];
      const view = viewStep(trialOf(made, scenarioOf(steps)), 2);
      expect(expectations.get('not-reported')!.judge(view, { atAll: false }).status).toBe(status);
    });

    test('met: in a step that leaves the attack as it was', () => {
      const made = stripped().reports(told).step(2).connect().quit().step(3).submit();
      made.connect().ehlo('STARTTLS').tls().delivered().status('delivered').reports(told);
      const goesOn: Step = { kind: 'advance', label: 'a', seconds: 3600, isOptional: false };
      const steps = [send(), send(), goesOn, { ...send(), under: [] } as Step];
      const view = viewStep(trialOf(made, scenarioOf(steps)), 3);
      expect(expectations.get('not-reported')!.judge(view, { atAll: false }).status).toBe('met');
    });
  });
});

describe('not-reported, of reports that were taken with 202', () => {
  const told = (good: number, bad: number, day = 22) => ({
    ...about('victim.xw1.test', bad > 0 ? { 'starttls-not-supported': bad } : {}, { good }),
    'date-range': {
      'start-datetime': `2026-11-${day}T00:00:00Z`,
      'end-datetime': `2026-11-${day}T23:59:59Z`,
    },
  });
  type Reports = readonly ReturnType<typeof told>[];
  /** Two good days, one good session and `failures` failed ones, and a good one. */
  const story = (
    {
      first,
      second,
      third,
      status = 202,
    }: Record<'first' | 'second' | 'third', Reports> & {
      status?: number;
    },
    failures = 1,
  ) => {
    const made = evidence().primed();
    const ask = (reports: Reports, status: number) => {
      made.reports();
      for (const report of reports)
        made.see({
          kind: 'report-received',
          host: 'tlsrpt.victim.xw1.test',
          status,
          contentType: 'application/tlsrpt+gzip',
          report,
        });
    };
    made.step(1).honest();
    ask(first, 200);
    made.step(2).honest();
    made.submit();
    for (let i = 0; i < failures; i++) made.turnsAway();
    made.status('deferred');
    ask(second, status);
    made.step(3).honest();
    ask(third, 200);
    return made;
  };
  const honest = { ...send(), under: [] } as Step;
  const verdictOn = (made: EvidenceBuilder, domain: Partial<typeof DEFAULT_DOMAIN> = {}) => {
    const change = { domain: { ...DEFAULT_DOMAIN, ...domain } };
    const scenario = scenarioOf([prime, honest, send(), honest], change);
    const view = viewStep(trialOf(made, scenario), 3);
    return expectations.get('not-reported')!.judge(view, { atAll: false });
  };
  const [day, anew, newer] = [told(2, 0), told(1, 1), told(1, 0)];
  test.each<[string, string, EvidenceBuilder]>([
    ['met', 'once', story({ first: [day], second: [anew], third: [newer] })],
    [
      'unmet',
      'again with what is new',
      story({ first: [day], second: [anew], third: [told(2, 1)] }),
    ],
    ['unmet', 'again as it was', story({ first: [day], second: [anew], third: [anew, newer] })],
    [
      'undecided',
      'by one that tells the day so far',
      story({ first: [day], second: [told(3, 1)], third: [told(4, 1)] }),
    ],
    [
      'undecided',
      'by one that may, of which nothing is known of before',
      story({ first: [], second: [anew], third: [told(2, 1)] }),
    ],
    [
      'undecided',
      'or another day had come',
      story({ first: [told(2, 0, 21)], second: [anew], third: [told(2, 1)] }),
    ],
    [
      'undecided',
      'one of two failures, and then the other',
      story({ first: [day], second: [anew], third: [told(1, 1)] }, 2),
    ],
    [
      'undecided',
      'refused the first time',
      story({ first: [day], second: [anew], third: [told(2, 1)], status: 503 }),
    ],
    [
      'unmet',
      'three times at once',
      story({ first: [day], second: [anew, anew, anew], third: [newer] }),
    ],
    [
      'met',
      'twice, as those that were taken with 200',
      story({ first: [day, day], second: [anew, anew], third: [newer, newer] }),
    ],
    [
      'met',
      'three times, and refused each time',
      story({ first: [day], second: [anew, anew, anew], third: [newer], status: 503 }),
    ],
  ])('%s: %s', (status, _, made) => expect(verdictOn(made).status).toBe(status));

  test('three times at once is told as what it is', () => {
    const made = story({ first: [day], second: [anew, anew, anew], third: [newer] });
    expect(verdictOn(made)).toMatchObject({
      actual: 'a report that was taken with 202 was sent 3 times',
      requirement: '8460-5.4-success-2xx',
    });
  });

  test('once to each of several places is once', () => {
    const made = story({ first: [day, day, day], second: [anew, anew, anew], third: [newer] });
    const tlsrpt = `v=TLSRPTv1; rua=${['a', 'b', 'c'].map((path) => `https://tlsrpt.victim.test/${path}`).join()}`;
    expect(verdictOn(made, { tlsrpt }).status).toBe('met');
  });
});

describe('report-valid', () => {
  const whole = (change: object = {}) => {
    const report = about('victim.xw1.test', notSupported);
    const [entry] = report.policies;
    const details = {
      ...entry!['failure-details'][0],
      'sending-mta-ip': '192.0.2.1',
      'receiving-mx-hostname': 'mx1.victim.test',
    };
    return { ...report, policies: [{ ...entry, 'failure-details': [details] }], ...change };
  };
  const came = (seen: object = { report: whole() }) =>
    stripped()
      .reports()
      .see({
        kind: 'report-received',
        host: 'reports.victim.test',
        contentType: 'application/tlsrpt+gzip',
        ...seen,
      });
  const named = (requirement: string) => ({ requirement });
  const of = (domain: unknown) => {
    const report = whole();
    const [entry] = report.policies;
    return {
      ...report,
      policies: [{ ...entry, policy: { ...entry!.policy, 'policy-domain': domain } }],
    };
  };
  says('report-valid', [
    ['met', 'one that is', came()],
    ['unmet', 'one that is, of another domain', came({ report: of('other.test') })],
    ['unmet', 'none, and it was asked for', stripped().reports()],
    ['unobserved', 'none, and nobody has asked', stripped()],
    [
      'unmet',
      'by another method',
      came({ method: 'PUT', report: whole() }),
      named('8460-3-https-post'),
    ],
    ['unmet', 'that is no JSON', came({ problem: 'Unexpected token' }), named('8460-4-ijson')],
    [
      'unmet',
      'behind a byte order mark',
      came({ marked: true, report: whole() }),
      { ...named('8460-4-ijson'), actual: /^text: expected no byte order mark, found one/ },
    ],
    [
      'unmet',
      'called something else',
      came({ contentType: 'application/json', report: whole() }),
      named('8460-5.4-media-type'),
    ],
    [
      'unmet',
      'packed, and called plain',
      came({ contentType: 'application/tlsrpt+json', zipped: true, report: whole() }),
      named('8460-5.4-media-type'),
    ],
    [
      'unmet',
      'not packed',
      came({ contentType: 'application/tlsrpt+json', report: whole() }),
      named('8460-5.2-gzip'),
    ],
    [
      'unmet',
      'the worst that is wrong with it',
      came({ contentType: 'application/json', report: whole({ policies: {} }) }),
      { ...named('8460-4-policies-array'), isMinor: false },
    ],
    [
      'unmet',
      'without the domain that has no policy, as large senders write it: no MUST',
      came({
        report: whole({
          policies: [
            {
              policy: { 'policy-type': 'no-policy-found' },
              summary: { 'total-successful-session-count': 1, 'total-failure-session-count': 0 },
            },
          ],
        }),
      }),
      { ...named('8460-4.4-required-fields'), isMinor: true },
    ],
    [
      'unmet',
      'under a domain in U-labels',
      came({ report: of('bücher.test') }),
      { ...named('8460-4.4-policy-domain-alabel'), isMinor: false },
    ],
    ...[undefined, null, '', 5].map(
      (domain) =>
        [
          'unmet',
          `under the domain ${domain}`,
          came({ report: of(domain) }),
          named('8460-4.4-required-fields'),
        ] as const,
    ),
    ...[undefined, null, []].map(
      (policies) =>
        [
          'unmet',
          `with policies: ${JSON.stringify(policies)}`,
          came({ report: whole({ policies }) }),
          named('8460-4.4-required-fields'),
        ] as const,
    ),
    [
      'unmet',
      'with a member missing',
      came({ report: whole({ 'report-id': undefined }) }),
      named('8460-4.4-required-fields'),
    ],
    [
      'unmet',
      'one of two',
      came().see({
        kind: 'report-received',
        host: 'reports.victim.test',
        contentType: '',
        report: 1,
      }),
      named('8460-4-ijson'),
    ],
    ['unsupported', 'of a sender that sends none', stripped(), silent],
  ]);
});

describe('report-valid, by mail', () => {
  const report = {
    ...about('victim.xw1.test', {}, { good: 1 }),
    'contact-info': 'tlsrpt@sender.test',
  };
  const header = {
    'content-type': 'multipart/report; report-type="tlsrpt"; boundary=a',
    subject: 'Report Domain: victim.xw1.test Submitter: sender.test Report-ID: <1@sender.test>',
    'tls-report-domain': 'victim.xw1.test',
    'tls-report-submitter': 'sender.test',
    'dkim-signature':
      'v=1; d=sender.test; s=key; h=from:tls-report-domain:tls-report-submitter; b=AAAA',
  };
  const signature = {
    domain: 'sender.test',
    selector: 'key',
    result: 'pass',
    key: 'v=DKIM1; s=tlsrpt; p=AAAA',
  };
  const [start, end] = ['2026-11-22T00:00:00Z', '2026-11-22T23:59:59Z'].map(
    (date) => Date.parse(date) / 1000,
  );
  const attachment = {
    mimeType: 'application/tlsrpt+gzip',
    filename: `sender.test!victim.xw1.test!${start}!${end}.json.gz`,
    isGzip: true,
  };
  const mailed = (
    { fields = {}, attached = {}, dkim = [signature], ...change }: Record<string, any> = {},
    seen: object = { report },
  ) =>
    evidence()
      .step(0)
      .reports()
      .see({
        kind: 'report-received',
        host: 'mx1.victim.xw1.test',
        contentType: 'application/tlsrpt+gzip',
        zipped: true,
        ...seen,
        mail: {
          from: 'tlsrpt@sender.test',
          to: ['tlsrpt@victim.xw1.test'],
          secure: false,
          headers: Object.entries({ ...header, ...fields }).flatMap(([key, value]) =>
            [value ?? []].flat().map((one) => ({ key, value: String(one) })),
          ),
          hasText: true,
          attachment: { ...attachment, ...attached },
          alike: 1,
          dkim,
          ...change,
        },
      });
  const byMail = { domain: { tlsrpt: 'v=TLSRPTv1; rua=mailto:tlsrpt@victim.test' } };
  const named = (requirement: string) => ({ ...byMail, requirement });
  says('report-valid', [
    ['met', 'as it should be', mailed(), byMail],
    [
      'met',
      'to a mailbox that is encoded, in capitals, one of two',
      mailed({ to: ['TLS-Reports@victim.xw1.test'] }),
      {
        domain: {
          tlsrpt: [
            'v=TLSRPTv1; rua=https://tlsrpt.victim.test/a,mailto:tls%2D',
            'reports@victim.test?subject=x',
          ],
        },
      },
    ],
    [
      'unmet',
      'to another mailbox',
      mailed({ to: ['postmaster@victim.xw1.test'] }),
      { ...named('8461-6-report-delivery-failure'), actual: /^mailed to postmaster@victim/ },
    ],
    [
      'unmet',
      'where it is to be posted',
      mailed(),
      { domain: { tlsrpt: true }, actual: /^mailed to tlsrpt@/ },
    ],
    [
      'unmet',
      'with no signature',
      mailed({ fields: { 'dkim-signature': undefined }, dkim: [] }),
      named('8460-3-dkim-valid'),
    ],
    [
      'unmet',
      'with no signature, and a member missing: the one that fails is told',
      mailed(
        { fields: { 'dkim-signature': undefined }, dkim: [] },
        { report: { ...report, 'report-id': undefined } },
      ),
      named('8460-3-dkim-valid'),
    ],
    [
      'unmet',
      'with no signature, and a report that is wrong a hundred times',
      mailed(
        { fields: { 'dkim-signature': undefined }, dkim: [] },
        { report: { ...report, policies: Array.from({ length: 100 }, () => ({})) } },
      ),
      named('8460-3-dkim-valid'),
    ],
    [
      'unmet',
      'with one that is not valid',
      mailed({ dkim: [{ ...signature, result: 'fail', why: 'bad signature' }] }),
      { ...named('8460-3-dkim-valid'), actual: /fail: "bad signature"/ },
    ],
    [
      'met',
      'with one that is not valid beside one that is',
      mailed({ dkim: [{ ...signature, result: 'fail' }, signature] }),
      byMail,
    ],
    [
      'unmet',
      'with a valid one of somebody else, and none of its own that is',
      mailed({
        dkim: [
          { ...signature, domain: 'other.test' },
          { ...signature, result: 'fail' },
        ],
      }),
      named('8460-3-dkim-valid'),
    ],
    [
      'unmet',
      'by a key for mail',
      mailed({ dkim: [{ ...signature, key: 'v=DKIM1; s=email; p=AAAA' }] }),
      named('8460-3-dkim-service'),
    ],
    [
      'unmet',
      'with the tag l',
      mailed({ fields: { 'dkim-signature': `${header['dkim-signature']}; l=10` } }),
      named('8460-3-dkim-no-l'),
    ],
    [
      'unmet',
      'as multipart/mixed',
      mailed({ fields: { 'content-type': 'multipart/mixed; boundary=a' } }),
      named('8460-5.3-multipart'),
    ],
    ['unmet', 'without words', mailed({ hasText: false }), named('8460-5.3-multipart')],
    ['unmet', 'twice', mailed({ alike: 2 }), named('8460-5.3-multipart')],
    [
      'unmet',
      'without a field',
      mailed({ fields: { 'tls-report-domain': undefined } }),
      named('8460-5.3-headers'),
    ],
    [
      'unmet',
      'in another name',
      mailed({ fields: { 'tls-report-submitter': 'mail.sender.test' } }),
      named('8460-5.3-submitter-match'),
    ],
    [
      'unmet',
      'under any subject',
      mailed({ fields: { subject: 'a report' } }),
      named('8460-5.3-subject'),
    ],
    [
      'unmet',
      'whose field names another domain: no MUST',
      mailed({ fields: { 'tls-report-domain': 'other.test' } }),
      { ...named('8460-5.3-headers'), isMinor: true },
    ],
    [
      'unmet',
      'under a name that is wrong',
      mailed({ attached: { filename: 'report.json.gz' } }),
      named('8460-5.1-filename'),
    ],
    [
      'unmet',
      'under no name',
      mailed({ attached: { filename: undefined } }),
      named('8460-5.1-filename'),
    ],
    [
      'unmet',
      'under an extension that is wrong',
      mailed({ attached: { filename: attachment.filename.replace('.gz', '') } }),
      named('8460-5.1-extension'),
    ],
    [
      'unmet',
      'that is not packed',
      mailed({
        attached: {
          mimeType: 'application/tlsrpt+json',
          filename: attachment.filename.replace('.gz', ''),
          isGzip: false,
        },
      }),
      named('8460-5.2-gzip'),
    ],
    [
      'unmet',
      'with nothing in it',
      mailed({ attachment: undefined }, { problem: 'a mail with no report in it' }),
      named('8460-4-ijson'),
    ],
  ]);

  describe('with two signatures', () => {
    const second = 'v=1; d=sender.test; s=other; h=from:tls-report-domain; b=AAAA';
    const failed = { ...signature, result: 'fail' };
    const firstIsValid = [signature, { ...failed, selector: 'other' }];
    const secondIsValid = [failed, { ...signature, selector: 'other' }];
    test.each<[string, string, object[], string]>([
      ['8460-3-dkim-no-l', 'the valid one has the tag l', secondIsValid, '; l=10'],
      ['none', 'the other one has it', firstIsValid, '; l=10'],
      ['8460-5.3-headers-signed', 'the valid one leaves a field out', secondIsValid, ''],
      ['none', 'the other one leaves it out', firstIsValid, ''],
    ])('%s: %s', (requirement, _, dkim, more) => {
      const fields = { 'dkim-signature': [header['dkim-signature'], `${second}${more}`] };
      const made = mailed({ fields, dkim });
      const judgement = judged('report-valid', made, {}, undefined, byMail.domain);
      expect(judgement.requirement ?? 'none').toBe(requirement);
      expect(judgement.status).toBe(requirement === 'none' ? 'met' : 'unmet');
    });
  });

  describe('by a key that is nowhere', () => {
    const unknown = { ...signature, key: undefined, result: 'neutral', why: 'no key' };
    const mistaken = { ...signature, result: 'fail', why: 'bad signature' };
    const unnamed = { attached: { filename: undefined } };
    const unsubmitted = { fields: { 'tls-report-domain': undefined } };
    test.each<[string, string, boolean, EvidenceBuilder, string?]>([
      ['unmet', 'and the lab has that of the sender', true, mailed({ dkim: [unknown] })],
      ['undecided', 'and the sender has brought its own', false, mailed({ dkim: [unknown] })],
      ['undecided', 'or by one that does not fit', false, mailed({ dkim: [mistaken, unknown] })],
      ['unmet', 'by one that does not fit alone', false, mailed({ dkim: [mistaken] })],
      ['met', 'and by one that is known', false, mailed({ dkim: [unknown, signature] })],
      ['undecided', 'what warns beside', false, mailed({ dkim: [unknown], ...unnamed })],
      [
        'unmet',
        'what fails beside',
        false,
        mailed({ dkim: [unknown], ...unsubmitted }),
        '8460-5.3-headers',
      ],
    ])('%s: %s', (status, _, dkim, made, requirement = '8460-3-dkim-valid') => {
      const scenario = scenarioOf([send()], { domain: { ...DEFAULT_DOMAIN, ...byMail.domain } });
      const trial = trialOf(made, scenario);
      const view = viewStep({ ...trial, sender: { ...trial.sender, dkim } }, 0);
      const judgement = expectations.get('report-valid')!.judge(view, {});
      expect(judgement.status).toBe(status);
      if (status !== 'met') expect(judgement.requirement).toBe(requirement);
    });
  });
});

describe('report-true', () => {
  const today = '2026-11-22T10:00:00Z';
  const made = (
    change: object = {},
    { policy = {}, details = {}, good = 0 }: Record<string, any> = {},
  ) => {
    const report = about('victim.test', notSupported, { good });
    const [entry] = report.policies;
    const lines = policyText('enforce', 604_800, ['mx1.victim.test']).trim().split('\r\n');
    return {
      ...report,
      policies: [
        {
          ...entry,
          policy: { ...entry!.policy, 'policy-string': lines, ...policy },
          'failure-details': [{ ...entry!['failure-details'][0], ...details }],
        },
      ],
      ...change,
    };
  };
  const came = (...reports: object[]) => {
    const builder = stripped().see({ kind: 'reports-asked-for', date: today });
    for (const report of reports) builder.report(report);
    return builder;
  };
  const at = 'mx1.victim.test';
  const tomorrow = made({
    'date-range': {
      'start-datetime': '2026-11-23T00:00:00Z',
      'end-datetime': '2026-11-23T23:59:59Z',
    },
  });
  says('report-true', [
    ['unmet', 'of the day after', came(tomorrow), { requirement: '8460-4.1-full-day' }],
    [
      'met',
      'of the day after, where the day was over once before',
      stripped()
        .see({ kind: 'reports-asked-for', date: today })
        .see({ kind: 'reports-asked-for', date: today })
        .report(tomorrow),
    ],
    ['met', 'as it was', came(made())],
    [
      'met',
      'with the ends of the session',
      came(made({}, { details: { 'receiving-mx-hostname': at, 'receiving-ip': '127.0.0.1' } })),
    ],
    [
      'unmet',
      'with an address where it never was',
      came(made({}, { details: { 'receiving-mx-hostname': at, 'receiving-ip': '192.0.2.1' } })),
      { requirement: '8460-4.4-receiving-ip' },
    ],
    [
      'unmet',
      'with a host where it never was',
      came(made({}, { details: { 'receiving-mx-hostname': 'mx.elsewhere.test' } })),
      { requirement: '8460-4.4-mx-hostname' },
    ],
    [
      'unmet',
      'of the day before',
      came(
        made({
          'date-range': {
            'start-datetime': '2026-11-21T00:00:00Z',
            'end-datetime': '2026-11-21T23:59:59Z',
          },
        }),
      ),
      { requirement: '8460-4.1-full-day' },
    ],
    [
      'unmet',
      'of a policy that was never served',
      came(made({}, { policy: { 'policy-string': ['version: STSv1', 'mode: none'] } })),
      { requirement: '8460-4.4-policy-string' },
    ],
    [
      'unmet',
      'with records that nobody answered',
      came(
        made(
          {},
          { policy: { 'policy-type': 'tlsa', 'policy-string': [`3 1 1 ${'ab'.repeat(32)}`] } },
        ),
      ),
      { requirement: '8460-4.4-policy-string' },
    ],
    [
      'unmet',
      'of another domain as well',
      came(made({ policies: [...made().policies, ...about('other.test', {}).policies] })),
      { requirement: '8460-4.4-required-fields' },
    ],
    [
      'unmet',
      'two under one id',
      came(made(), made({}, { good: 1 })),
      { requirement: '8460-4.4-required-fields' },
    ],
    ['met', 'the same one twice', came(made(), made())],
    [
      'unmet',
      'of more good sessions than there were sessions',
      came(made({}, { good: 9 })),
      { requirement: '8460-4.2.1-success-count' },
    ],
    ['unmet', 'none', came()],
    ['unobserved', 'none, and nobody has asked', stripped()],
    ['unsupported', 'of a sender that sends none', stripped(), silent],
  ]);
});
