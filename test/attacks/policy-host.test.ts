/** Attacks on the policy host: what each makes of the plan, and nothing else. */

import { describe, expect, test } from 'vitest';
import { POLICY_HOST, POLICY_PATH } from '../../harness/model/plan.ts';
import { PlanError, pageOnRequest } from '../../harness/model/plan-changes.ts';
import { changes, commute, type Edit, refuses, replace, type Use, under, world } from './world.ts';

const STS = '_mta-sts.victim.test';
const honest = world.policyHosts[POLICY_HOST]!.pages[POLICY_PATH]!;
const host =
  (edit: Edit): Edit =>
  (plan) =>
    edit(plan.policyHosts[POLICY_HOST]);
const page =
  (changed: object): Edit =>
  (plan) =>
    Object.assign(plan.policyHosts[POLICY_HOST].pages[POLICY_PATH], changed);
const tls = (plan: object): Edit => host((it) => Object.assign(it, { tls: plan }));
const reach = (how: string): Edit => host((it) => Object.assign(it, { reach: how }));
const redirect = (status: number, location: string) => ({
  status,
  headers: { location },
  body: '',
});
const announces = (plan: any, id: string) =>
  replace(plan, STS, 'TXT', { name: STS, type: 'TXT', text: `v=STSv1; id=${id};` });
const policy = (...lines: readonly string[]) => lines.map((line) => `${line}\r\n`).join('');

describe('each attack changes the plan so', () => {
  const rows: readonly [Use, Edit][] = [
    ['block-policy-host', reach('refused')],
    [['block-policy-host', { how: 'silent' }], reach('silent')],
    ['break-policy-handshake', tls({ handshake: 'alert' })],
    [['break-policy-handshake', { how: 'stall' }], tls({ handshake: 'stall' })],
    [['policy-host-certificate', { profile: 'expired' }], tls({ certificate: 'expired' })],
    [
      [
        'policy-host-certificate',
        { profile: 'right', certificateFor: 'victim.test', withoutSni: 'self-signed' },
      ],
      tls({
        certificate: 'right',
        certificateFor: 'victim.test',
        certificateWithoutSni: 'self-signed',
      }),
    ],
    [['policy-host-tls', { maxVersion: 'TLSv1.1' }], tls({ maxVersion: 'TLSv1.1' })],
    [
      ['policy-host-tls', { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' }],
      tls({ minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' }),
    ],
    [['policy-status', { status: 404 }], page({ status: 404, headers: {} })],
    [
      ['policy-status', { status: 503, keepBody: false, headers: { 'retry-after': '60' } }],
      page({ status: 503, headers: { 'retry-after': '60' }, body: '' }),
    ],
    [
      'redirect-policy',
      host((it) => {
        it.pages = {
          [POLICY_PATH]: redirect(301, 'https://mta-sts.victim.test/policy.txt'),
          '/policy.txt': honest,
        };
      }),
    ],
    [
      ['redirect-policy', { status: 308, to: 'other-host' }],
      (plan) => {
        plan.policyHosts[POLICY_HOST].pages[POLICY_PATH] = redirect(
          308,
          `https://mta-sts.attacker.test${POLICY_PATH}`,
        );
        plan.policyHosts['mta-sts.attacker.test'] = { pages: { [POLICY_PATH]: honest } };
      },
    ],
    [
      ['redirect-policy', { to: 'http' }],
      host((it) => {
        it.pages = {
          [POLICY_PATH]: redirect(301, 'http://mta-sts.victim.test/policy.txt'),
          '/policy.txt': honest,
        };
        it.plainHttp = true;
      }),
    ],
    ['policy-content-type', page({ headers: { 'content-type': 'text/html' } })],
    [
      ['policy-headers', { headers: { 'Content-Type': 'text/html' } }],
      page({ headers: { 'content-type': 'text/html' } }),
    ],
    [['policy-content-type', { type: null }], page({ headers: { 'content-type': null } })],
    [
      ['policy-headers', { headers: { 'cache-control': 'max-age=1', etag: null } }],
      page({ headers: { 'cache-control': 'max-age=1', etag: null } }),
    ],
    [['policy-transfer', { transfer: 'truncated' }], page({ transfer: 'truncated' })],
    [
      ['policy-answer', { coding: 'gzip', informational: [103], taken: 'never' }],
      page({ coding: 'gzip', informational: [103], taken: 'never' }),
    ],
    [
      ['policy-answer', { status: 503, nth: [1, 2] }],
      page({ requests: [1, 2].map((nth) => ({ nth: [nth], change: { ...honest, status: 503 } })) }),
    ],
    [['policy-body', { text: '' }], page({ body: '' })],
    [
      'offer-policy',
      (plan) => {
        page({
          body: policy('version: STSv1', 'mode: none', 'mx: mx.attacker.test', 'max_age: 604800'),
        })(plan);
        announces(plan, 'attacker1');
      },
    ],
    [
      [
        'offer-policy',
        {
          mode: 'enforce',
          id: 'x2',
          mx: ['*.attacker.test', 'mx1.victim.test'],
          maxAgeSeconds: 60,
        },
      ],
      (plan) => {
        page({
          body: policy(
            'version: STSv1',
            'mode: enforce',
            'mx: *.attacker.test',
            'mx: mx1.victim.test',
            'max_age: 60',
          ),
        })(plan);
        announces(plan, 'x2');
      },
    ],
    [
      ['offer-policy', { mode: 'testing', announce: false }],
      page({
        body: policy('version: STSv1', 'mode: testing', 'mx: mx.attacker.test', 'max_age: 604800'),
      }),
    ],
    ['serve-plain-http', host((it) => Object.assign(it, { plainHttp: true }))],
  ];
  test.each(rows)('%j', (use, edit) => changes([use], edit));

  test('what is for all requests is for those that have an answer of their own as well', async () => {
    const first = ['policy-answer', { transfer: 'chunked', nth: [1] }] as const;
    const { policyHosts } = await under(world, first, ['policy-body', { text: 'theirs' }]);
    const served = policyHosts['mta-sts.victim.test']!.pages[POLICY_PATH]!;
    expect([1, 2].map((nth) => pageOnRequest(served, nth))).toMatchObject([
      { transfer: 'chunked', body: 'theirs' },
      { body: 'theirs' },
    ]);
  });
});

describe('attacks compose', () => {
  test.each<[Use, Use]>([
    ['offer-policy', ['policy-host-certificate', { profile: 'self-signed' }]],
    ['offer-policy', ['policy-status', { status: 404 }]],
    ['offer-policy', 'serve-plain-http'],
    ['offer-policy', 'block-policy-host'],
    ['policy-content-type', ['policy-headers', { headers: { etag: 'x' } }]],
    [
      ['policy-host-certificate', { profile: 'expired' }],
      ['policy-host-tls', { maxVersion: 'TLSv1.2' }],
    ],
    ['break-policy-handshake', ['policy-host-certificate', { profile: 'expired' }]],
    [
      ['policy-transfer', { transfer: 'truncated' }],
      ['policy-body', { text: 'x' }],
    ],
    ['block-policy-host', 'strip-starttls'],
  ])('in either order: %j %j', commute);

  test("a redirect leads to the page that was there: after offer-policy, the attacker's", async () => {
    const offered = await under(world, 'offer-policy');
    for (const [to, name, path] of [
      ['same-host', POLICY_HOST, '/policy.txt'],
      ['other-host', 'mta-sts.attacker.test', POLICY_PATH],
      ['http', POLICY_HOST, '/policy.txt'],
    ] as const) {
      const plan = await under(offered, ['redirect-policy', { to }]);
      expect(plan.policyHosts[name]!.pages[path], to).toEqual(
        offered.policyHosts[POLICY_HOST]!.pages[POLICY_PATH],
      );
    }
  });

  test('a redirect to another host makes that host, with its address, where there is none', async () => {
    const { 'mta-sts.attacker.test': _, ...policyHosts } = world.policyHosts;
    const records = world.dns.records.filter((one) => one.name !== 'mta-sts.attacker.test');
    const plan = await under({ ...world, policyHosts, dns: { ...world.dns, records } }, [
      'redirect-policy',
      { to: 'other-host' },
    ]);
    expect(plan.policyHosts['mta-sts.attacker.test']).toEqual({ pages: { [POLICY_PATH]: honest } });
    expect(plan.dns.records.at(-1)).toEqual({
      name: 'mta-sts.attacker.test',
      type: 'A',
      host: 'mta-sts.attacker.test',
    });
  });

  test('headers of one attack are kept by the next', async () => {
    const plan = await under(world, 'policy-content-type', [
      'policy-status',
      { status: 429, headers: { 'retry-after': '1' } },
    ]);
    expect(plan.policyHosts[POLICY_HOST]!.pages[POLICY_PATH]!.headers).toEqual({
      'content-type': 'text/html',
      'retry-after': '1',
    });
  });
});

test('a plan without the policy host is a PlanError with the hosts it has', async () => {
  const { [POLICY_HOST]: _, ...policyHosts } = world.policyHosts;
  const blocked = under({ ...world, policyHosts }, 'block-policy-host');
  await expect(blocked).rejects.toThrow(PlanError);
  await expect(blocked).rejects.toThrow(
    'no policy host mta-sts.victim.test in this plan; it has mta-sts.attacker.test',
  );
});

test.each<[string, unknown]>([
  ['block-policy-host', { how: 'open' }],
  ['break-policy-handshake', { how: 'complete' }],
  ['policy-host-certificate', {}],
  ['policy-host-tls', {}],
  ['policy-host-tls', { minVersion: 'SSLv3' }],
  ['policy-status', {}],
  ['policy-status', { status: 100 }],
  ['redirect-policy', { status: 200 }],
  ['redirect-policy', { to: 'elsewhere' }],
  ['policy-headers', {}],
  ['policy-transfer', {}],
  ['policy-answer', {}],
  ['policy-answer', { nth: [1] }],
  ['policy-answer', { informational: [101] }],
  ['policy-body', {}],
  ['offer-policy', { mode: 'absent' }],
  ['serve-plain-http', { port: 80 }],
])('%s refuses %j', refuses);
