import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  POLICY_TYPES,
  parseTlsReport,
  RESULT_TYPES,
} from '../../harness/protocol/tlsrpt-report.ts';

const detail = {
  'result-type': 'starttls-not-supported',
  'sending-mta-ip': '192.0.2.1',
  'receiving-mx-hostname': 'mx1.victim.test',
  'failed-session-count': 3,
};
const policy = {
  'policy-type': 'sts',
  'policy-string': ['version: STSv1', 'mode: enforce', 'mx: mx1.victim.test', 'max_age: 86400'],
  'policy-domain': 'victim.test',
  'mx-host': ['mx1.victim.test'],
};
const summary = { 'total-successful-session-count': 0, 'total-failure-session-count': 3 };
const report = {
  'organization-name': 'Sender',
  'date-range': {
    'start-datetime': '2026-11-01T00:00:00Z',
    'end-datetime': '2026-11-01T23:59:59Z',
  },
  'contact-info': 'tlsrpt@sender.test',
  'report-id': '2026-11-01-1',
  policies: [{ policy, summary, 'failure-details': [detail] }],
};

/**
 * The report with one value put, or with `undefined` taken out, at a path such as
 * `policies.0.summary`.
 */
function changed(path: string, value: unknown): unknown {
  const copy = JSON.parse(JSON.stringify(report));
  const keys = path.split('.');
  const last = keys.pop()!;
  keys.reduce((object, key) => object[key], copy)[last] = value;
  return JSON.parse(JSON.stringify(copy));
}

const APPLIED = 'policies.0.policy';
const DETAIL = 'policies.0.failure-details.0';

describe('reports that are one', () => {
  const noPolicy = { 'policy-type': 'no-policy-found' };
  test.each<[string, unknown]>([
    ['as it should be', report],
    ['8460-4.2-success-only-report', changed('policies.0.failure-details', undefined)],
    ['8460-4.2-success-only-report', changed('policies.0.failure-details', [])],
    ['8460-4.4-policy-type', changed(APPLIED, noPolicy)],
    [
      '8460-4.4-policy-type',
      changed(APPLIED, {
        'policy-type': 'tlsa',
        'policy-string': ['3 1 1 ab'],
        'policy-domain': 'mx1.d',
      }),
    ],
    ['8460-4.4-mx-host-array', changed(`${APPLIED}.mx-host`, 'mx1.victim.test')],
    ['8460-4.4-sending-ip', changed(`${DETAIL}.sending-mta-ip`, undefined)],
    ['an unknown result type', changed(`${DETAIL}.result-type`, 'moon-phase')],
    ['an unknown member', changed('extra', { a: 1 })],
    [
      'an offset and a fraction',
      changed('date-range.start-datetime', '2026-11-01t01:00:00.5+01:00'),
    ],
  ])('%s', (_why, json) => {
    expect(parseTlsReport(json)).toEqual({ ok: true, value: json });
  });

  test.each(RESULT_TYPES.filter((type) => type.startsWith('sts-')))(
    '%s: the sender had no policy to show',
    (type) => {
      const json = changed('policies.0', {
        policy: { 'policy-type': 'sts', 'policy-domain': 'd' },
        summary,
        'failure-details': [{ ...detail, 'result-type': type }],
      });
      expect(parseTlsReport(json).ok).toBe(true);
    },
  );
});

describe('reports that are none', () => {
  test.each<[string, unknown, string, string]>([
    ['8460-4-ijson', 'text', 'member-type', 'the report must be an object'],
    ['8460-4-ijson', null, 'member-type', 'the report must be an object'],
    ['8460-4-ijson', [report], 'member-type', 'the report must be an object'],
    ['8460-4.4', changed('organization-name', ''), 'member-type', 'organization-name must'],
    ['8460-4.4', changed('contact-info', undefined), 'member-type', 'contact-info must'],
    ['8460-4.4', changed('report-id', 7), 'member-type', 'report-id must'],
    ['8460-4.4', changed('date-range', undefined), 'member-type', 'date-range must'],
    [
      '8460-4.4',
      changed('date-range.end-datetime', '2026-11-01'),
      'date-range',
      'date-range.end-datetime must',
    ],
    [
      '8460-4.4',
      changed('date-range.start-datetime', '2026-13-01T00:00:00Z'),
      'date-range',
      'date-range.start-datetime must',
    ],
    [
      '8460-4-policies-array',
      changed('policies', report.policies[0]),
      'member-type',
      'policies must',
    ],
    ['8460-4-policies-array', changed('policies', []), 'policies-empty', 'policies must'],
    ['8460-4-policies-array', changed('policies.0', 1), 'member-type', 'policies[0] must'],
    ['8460-4.4-policy-type', changed(APPLIED, undefined), 'member-type', 'policies[0].policy must'],
    [
      '8460-4.4-policy-type',
      changed(`${APPLIED}.policy-type`, 'STS'),
      'policy-type',
      'policies[0].policy.policy-type must',
    ],
    [
      '8460-4.4-policy-string',
      changed(`${APPLIED}.policy-string`, 'version: STSv1'),
      'member-type',
      'policies[0].policy.policy-string must',
    ],
    [
      '8460-4.4-policy-string',
      changed(`${APPLIED}.policy-string`, undefined),
      'member-type',
      'policies[0].policy.policy-string must',
    ],
    [
      '8460-4.4-policy-string',
      changed(`${APPLIED}.policy-string`, [['nested']]),
      'member-type',
      'policies[0].policy.policy-string must',
    ],
    [
      '8460-4.4',
      changed(`${APPLIED}.policy-domain`, undefined),
      'member-type',
      'policies[0].policy.policy-domain must',
    ],
    [
      '8460-4.4-mx-host-array',
      changed(`${APPLIED}.mx-host`, undefined),
      'member-type',
      'policies[0].policy.mx-host must',
    ],
    [
      '8460-4.4-mx-host-array',
      changed(`${APPLIED}.mx-host`, [1]),
      'member-type',
      'policies[0].policy.mx-host must',
    ],
    [
      '8460-4.4-counts-int',
      changed('policies.0.summary', []),
      'member-type',
      'policies[0].summary must',
    ],
    [
      '8460-4.4-counts-int',
      changed('policies.0.summary.total-failure-session-count', '3'),
      'member-type',
      'policies[0].summary.total-failure',
    ],
    [
      '8460-4.4-counts-int',
      changed('policies.0.summary.total-successful-session-count', -1),
      'member-type',
      'policies[0].summary.total-succ',
    ],
    [
      '8460-4.4-counts-int',
      changed(`${DETAIL}.failed-session-count`, 0),
      'member-type',
      'policies[0].failure-details[0].failed-session-count must',
    ],
    [
      '8460-4.4-counts-int',
      changed(`${DETAIL}.failed-session-count`, 1.5),
      'member-type',
      'policies[0].failure-details[0].failed-session-count must',
    ],
    [
      '8460-4.3',
      changed('policies.0.failure-details', { '0': detail }),
      'member-type',
      'policies[0].failure-details must',
    ],
    ['8460-4.3', changed(DETAIL, 'oops'), 'member-type', 'policies[0].failure-details[0] must'],
    [
      '8460-4.3',
      changed(`${DETAIL}.result-type`, undefined),
      'member-type',
      'policies[0].failure-details[0].result-type must',
    ],
    [
      '8460-4.4-mx-hostname',
      changed(`${DETAIL}.receiving-mx-hostname`, ['mx1']),
      'member-type',
      'policies[0].failure-details[0].receiving-mx',
    ],
  ])('%s: %j breaks %s', (_requirement, json, rule, message) => {
    const result = parseTlsReport(json);
    expect(result).toMatchObject({
      ok: false,
      violation: { rule, message: expect.stringContaining(message) },
    });
  });
});

test('no value makes it throw', () => {
  const odd = fc.anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true });
  const places = fc.constantFrom(
    'policies',
    'policies.0',
    APPLIED,
    'policies.0.failure-details',
    DETAIL,
    'date-range',
    `${DETAIL}.result-type`,
  );
  fc.assert(fc.property(odd, (value) => 'ok' in parseTlsReport(value)));
  fc.assert(
    fc.property(
      places,
      fc.jsonValue(),
      (path, value) => 'ok' in parseTlsReport(changed(path, value)),
    ),
  );
});

test('the types are the closed sets of RFC 8460 §4.3 and §4.4', () => {
  expect(RESULT_TYPES).toHaveLength(11);
  expect(POLICY_TYPES).toEqual(['tlsa', 'sts', 'no-policy-found']);
});
