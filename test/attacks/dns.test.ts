/** Attacks on DNS: what each makes of the plan, and nothing else. */

import { describe, expect, test } from 'vitest';
import { baselinePlan, DEFAULT_DOMAIN, DEFAULT_POLICY } from '../../harness/model/baseline.ts';
import { PlanError } from '../../harness/model/plan-changes.ts';
import {
  changes,
  commute,
  type Edit,
  record,
  refuses,
  replace,
  type Use,
  under,
  world,
} from './world.ts';

const STS = '_mta-sts.victim.test';
const rule =
  (...rules: readonly unknown[]): Edit =>
  (plan) => {
    plan.dns.rules = rules;
  };
const attackerMx = { name: 'victim.test', type: 'MX', preference: 0, exchange: 'mx.attacker.test' };

describe('signatures are broken where there are some', () => {
  const signed = baselinePlan({ ...DEFAULT_DOMAIN, dane: true }, DEFAULT_POLICY);
  const TLSA = { name: '_25._tcp.mx1.victim.test', type: 'TLSA' };
  test.each([
    ['signatures-expired', { ...TLSA, dnssec: 'expired' }],
    ['ds-removed', { name: 'victim.test', type: 'DS', answer: 'nodata', dnssec: 'proven' }],
  ])('%s', async (how, made) => {
    expect((await under(signed, ['break-dnssec', { how }])).dns.rules).toEqual([made]);
    await expect(under(world, ['break-dnssec', { how }])).rejects.toThrow(
      'nothing in this plan is signed',
    );
  });
});

describe('each attack changes the plan so', () => {
  const rows: readonly [Use, Edit][] = [
    [
      ['break-dnssec', { how: 'denial-missing', name: 'mx1.victim.test', type: 'A' }],
      rule({ name: 'mx1.victim.test', type: 'A', answer: 'nodata', dnssec: 'no-denial' }),
    ],
    [
      [
        'dns-answer',
        { name: 'mx1.victim.test', type: 'A', answer: 'servfail', nth: [1], delayMs: 50, ad: true },
      ],
      rule({
        name: 'mx1.victim.test',
        type: 'A',
        answer: 'servfail',
        nth: [1],
        delayMs: 50,
        ad: true,
      }),
    ],
    [
      [
        'dns-answer',
        {
          name: STS,
          type: '*',
          records: [{ name: STS, type: 'TXT', text: ['v=STSv1; ', 'id=2;'], ttl: 9 }],
        },
      ],
      rule({
        name: STS,
        type: '*',
        records: [{ name: STS, type: 'TXT', text: ['v=STSv1; ', 'id=2;'], ttl: 9 }],
      }),
    ],
    ['hide-sts-record', rule({ name: STS, type: 'TXT', answer: 'nxdomain' })],
    [['hide-sts-record', { how: 'drop' }], rule({ name: STS, type: 'TXT', answer: 'drop' })],
    [
      ['replace-sts-record', { record: 'v=STSv2; id=1;' }],
      (plan) => replace(plan, STS, 'TXT', { name: STS, type: 'TXT', text: 'v=STSv2; id=1;' }),
    ],
    [
      ['replace-sts-record', { record: ['v=STSv1; ', 'id=1;'] }],
      (plan) => replace(plan, STS, 'TXT', { name: STS, type: 'TXT', text: ['v=STSv1; ', 'id=1;'] }),
    ],
    [
      ['add-sts-record', { record: 'unrelated' }],
      (plan) => plan.dns.records.push({ name: STS, type: 'TXT', text: 'unrelated' }),
    ],
    [
      'delegate-sts-record',
      (plan) => {
        record(plan, STS, 'TXT').name = 'sts.provider.test';
        plan.dns.records.push({ name: STS, type: 'CNAME', target: 'sts.provider.test' });
      },
    ],
    [
      ['delegate-sts-record', { through: ['a.test', 'b.test'], chase: false }],
      (plan) => {
        record(plan, STS, 'TXT').name = 'b.test';
        plan.dns.records.push(
          { name: STS, type: 'CNAME', target: 'a.test' },
          { name: 'a.test', type: 'CNAME', target: 'b.test' },
        );
        plan.dns.rules = [
          { name: 'a.test', type: 'TXT', answer: 'cname-only' },
          { name: STS, type: 'TXT', answer: 'cname-only' },
        ];
      },
    ],
    ['hide-mx', rule({ name: 'victim.test', type: 'MX', answer: 'servfail' })],
    [['hide-mx', { how: 'nodata' }], rule({ name: 'victim.test', type: 'MX', answer: 'nodata' })],
    [
      'swap-mx',
      (plan) => {
        plan.mxHosts['mx.attacker.test'] = { tls: {} };
        replace(plan, 'victim.test', 'MX', attackerMx);
      },
    ],
    [
      ['swap-mx', { keep: true, certificate: 'expired' }],
      (plan) => {
        plan.mxHosts['mx.attacker.test'] = { tls: { certificate: 'expired' } };
        const honest = plan.dns.records.filter(
          (one: any) => one.name === 'victim.test' && one.type === 'MX',
        );
        replace(plan, 'victim.test', 'MX', attackerMx, ...honest);
      },
    ],
    [
      [
        'swap-mx',
        {
          to: 'mx.evil.test',
          preference: 5,
          certificate: 'self-signed',
          certificateFor: 'mx1.victim.test',
        },
      ],
      (plan) => {
        plan.mxHosts['mx.evil.test'] = {
          tls: { certificate: 'self-signed', certificateFor: 'mx1.victim.test' },
        };
        plan.dns.records.push({ name: 'mx.evil.test', type: 'A', host: 'mx.evil.test' });
        replace(plan, 'victim.test', 'MX', {
          ...attackerMx,
          preference: 5,
          exchange: 'mx.evil.test',
        });
      },
    ],
    [
      'spoof-mx-address',
      (plan) => {
        plan.mxHosts['mx.attacker.test'] = { tls: {} };
        for (const name of ['mx1.victim.test', 'mx2.victim.test'])
          replace(plan, name, 'A', { name, type: 'A', host: 'mx.attacker.test' });
      },
    ],
    [
      [
        'spoof-mx-address',
        {
          mx: 'mx2.victim.test',
          to: 'mx.evil.test',
          certificate: 'wrong-name',
          certificateFor: 'victim.test',
        },
      ],
      (plan) => {
        plan.mxHosts['mx.evil.test'] = {
          tls: { certificate: 'wrong-name', certificateFor: 'victim.test' },
        };
        plan.dns.records.push({ name: 'mx.evil.test', type: 'A', host: 'mx.evil.test' });
        replace(plan, 'mx2.victim.test', 'A', {
          name: 'mx2.victim.test',
          type: 'A',
          host: 'mx.evil.test',
        });
      },
    ],
  ];
  test.each(rows)('%j', (use, edit) => changes([use], edit));
});

describe('attacks compose', () => {
  test('the last rule wins', async () => {
    const plan = await under(
      world,
      'hide-sts-record',
      ['hide-sts-record', { how: 'servfail' }],
      'hide-mx',
    );
    expect(plan.dns.rules.map(({ name, answer }) => [name, answer])).toEqual([
      ['victim.test', 'servfail'],
      [STS, 'servfail'],
      [STS, 'nxdomain'],
    ]);
  });

  test.each<readonly Use[]>([
    [['replace-sts-record', { record: 'x' }]],
    [
      ['replace-sts-record', { record: 'x' }],
      ['add-sts-record', { record: 'y' }],
    ],
    ['offer-policy'],
  ])('a delegated record is the one that is changed: %j %j', async (...uses) => {
    const texts = (plan: typeof world, name: string) =>
      plan.dns.records.filter((one) => one.name === name && one.type === 'TXT');
    const after = await under(world, 'delegate-sts-record', ...uses);
    expect(texts(after, STS)).toEqual([]);
    expect(texts(after, 'sts.provider.test')).toEqual(
      texts(await under(world, ...uses), STS).map((one) => ({ ...one, name: 'sts.provider.test' })),
    );
  });

  test('a delegation of a delegation goes on from its end', async () => {
    const plan = await under(world, 'delegate-sts-record', [
      'delegate-sts-record',
      { through: ['far.test'] },
    ]);
    expect(plan).toStrictEqual(
      await under(world, ['delegate-sts-record', { through: ['sts.provider.test', 'far.test'] }]),
    );
  });

  test.each<[Use, Use]>([
    ['hide-sts-record', 'swap-mx'],
    ['swap-mx', 'offer-policy'],
    ['hide-mx', 'delegate-sts-record'],
    ['spoof-mx-address', ['mx-certificate', { profile: 'expired', mx: 'mx.attacker.test' }]],
    [['swap-mx', { to: 'mx.attacker.test', certificate: 'expired' }], 'strip-starttls'],
  ])('in either order: %j %j', commute);
});

test('a host that the plan lacks is a PlanError with those it has', async () => {
  const spoofed = under(world, [
    'spoof-mx-address',
    { mx: ['mx1.victim.test', 'mx9.victim.test'] },
  ]);
  await expect(spoofed).rejects.toThrow(PlanError);
  await expect(spoofed).rejects.toThrow(
    'no MX host mx9.victim.test in this plan; it has mx1.victim.test, mx2.victim.test, ',
  );
});

test.each<[string, unknown]>([
  ['dns-answer', {}],
  ['dns-answer', { name: 'a.test', type: 'A', records: [{ name: 'a.test', type: 'A' }] }],
  [
    'dns-answer',
    {
      name: 'a.test',
      type: 'A',
      records: [{ name: 'a.test', type: 'TLSA', usage: 3, selector: 1, matching: 1, data: 'xyz' }],
    },
  ],
  ['hide-sts-record', { how: 'honest' }],
  ['hide-sts-record', { when: 'now' }],
  ['replace-sts-record', {}],
  ['add-sts-record', {}],
  ['delegate-sts-record', { through: [] }],
  ['swap-mx', { preference: -1 }],
])('%s refuses %j', refuses);
