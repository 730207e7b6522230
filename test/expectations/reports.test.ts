/** `reported`, `not-reported` and `report-valid`: RFC 8460, of senders that declare it. */

import { describe } from 'vitest';
import { policyText } from '../../harness/model/baseline.ts';
import { CAPABILITIES } from '../../harness/model/sender.ts';
import { type EvidenceBuilder, evidence } from '../evidence.ts';
import { attacked, says } from './table.ts';

const silent = { capabilities: CAPABILITIES.filter((capability) => capability !== 'tlsrpt') };
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
      'not at all',
      stripped().reports(),
      { ...type('starttls-not-supported'), actual: /no report/ },
    ],
    [
      'unmet',
      'no report that can be read',
      stripped().reports({ policies: 1 }),
      type('starttls-not-supported'),
    ],
    ['undecided', 'nobody asked for reports', stripped(), type('starttls-not-supported')],
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

describe('not-reported', () => {
  says('not-reported', [
    ['met', 'asked for, and none came', stripped().reports()],
    ['met', 'only good sessions', stripped().reports(about('victim.test', {}, { good: 1 }))],
    ['met', 'a failure of another domain', stripped().reports(about('other.test', notSupported))],
    ['unmet', 'a failure', stripped().reports(about('victim.test', notSupported))],
    [
      'met',
      'a failure that is blamed on no policy',
      stripped().reports(about('victim.test', notSupported, { type: 'no-policy-found' })),
    ],
    ['undecided', 'nobody asked', stripped()],
    ['unsupported', 'not declared', evidence().step(0), silent],
    [
      'unmet',
      'nothing is wrong, and a report came at all',
      evidence()
        .step(0)
        .reports(about('victim.test', {}, { good: 1 })),
      { options: { atAll: true } },
    ],
    ['met', 'none at all', evidence().step(0).reports(), { options: { atAll: true } }],
  ]);
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
  const of = (domain: string) => {
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
    ['undecided', 'none, and nobody has asked', stripped()],
    ['unmet', 'by another method', came({ problem: 'method PUT' }), named('8460-3-https-post')],
    ['unmet', 'that is no JSON', came({ problem: 'Unexpected token' }), named('8460-4-ijson')],
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
      named('8460-4-policies-array'),
    ],
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
