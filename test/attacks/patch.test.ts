/** The patch: laid over the plan, in the plan's words. And what every attack file has to be. */

import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { POLICY_HOST, POLICY_PATH, REPORT_HOST } from '../../harness/model/plan.ts';
import { PlanError } from '../../harness/model/plan-changes.ts';
import {
  attackNamed,
  changes,
  commute,
  type Edit,
  refuses,
  replace,
  type Use,
  under,
  world,
} from './world.ts';

const honest = world.policyHosts[POLICY_HOST]!.pages[POLICY_PATH]!;

describe('a patch changes the plan so', () => {
  const rows: readonly [string, unknown, Edit][] = [
    [
      'records replace those of their name and type, others are added',
      {
        dns: {
          records: [
            { name: 'victim.test', type: 'MX', preference: 1, exchange: 'mx2.victim.test' },
            {
              name: 'victim.test',
              type: 'MX',
              preference: 2,
              exchange: 'mx1.victim.test',
              ttl: 60,
            },
          ],
          addRecords: [
            { name: 'victim.test', type: 'MX', preference: 3, exchange: 'mx.attacker.test' },
          ],
        },
      },
      (plan) =>
        replace(
          plan,
          'victim.test',
          'MX',
          { name: 'victim.test', type: 'MX', preference: 1, exchange: 'mx2.victim.test' },
          { name: 'victim.test', type: 'MX', preference: 2, exchange: 'mx1.victim.test', ttl: 60 },
          { name: 'victim.test', type: 'MX', preference: 3, exchange: 'mx.attacker.test' },
        ),
    ],
    [
      'pages merge, new ones are made',
      {
        policyHosts: {
          [POLICY_HOST]: {
            reach: 'reset',
            pages: {
              [POLICY_PATH]: { status: 404, headers: { etag: null } },
              '/x': { status: 204 },
            },
          },
        },
      },
      (plan) => {
        plan.policyHosts[POLICY_HOST] = {
          reach: 'reset',
          pages: {
            [POLICY_PATH]: { ...honest, status: 404, headers: { etag: null } },
            '/x': { status: 204, body: '' },
          },
        };
      },
    ],
    [
      '* is every MX host of the domain',
      {
        mxHosts: {
          '*': { greeting: { text: '220 x' } },
          'mx1.victim.test': { greeting: { delayMs: 5 } },
        },
      },
      (plan) => {
        plan.mxHosts['mx1.victim.test'] = { greeting: { text: '220 x', delayMs: 5 } };
        plan.mxHosts['mx2.victim.test'] = { greeting: { text: '220 x' } };
      },
    ],
    [
      'connections, arrays whole',
      {
        mxHosts: {
          'mx1.victim.test': {
            tls: { maxVersion: 'TLSv1.2' },
            connections: [{ nth: [1, 2], change: { reach: 'silent' } }],
          },
        },
      },
      (plan) => {
        plan.mxHosts['mx1.victim.test'] = {
          tls: { maxVersion: 'TLSv1.2' },
          connections: [{ nth: [1, 2], change: { reach: 'silent' } }],
        };
      },
    ],
    [
      'report host',
      { reportHosts: { [REPORT_HOST]: { status: 500, tls: { certificate: 'expired' } } } },
      (plan) => {
        plan.reportHosts[REPORT_HOST] = { status: 500, tls: { certificate: 'expired' } };
      },
    ],
    [
      'hosts are made where that is said, each with its address',
      {
        dns: { addRecords: [{ name: 'mx7.test', type: 'A', host: 'mx1.victim.test' }] },
        policyHosts: { 'mta-sts.new.test': { create: true, plainHttp: true } },
        mxHosts: { 'mx7.test': { create: true }, 'mx8.test': { create: true, reach: 'silent' } },
        reportHosts: {
          'r.test': { create: true, status: 404 },
          [REPORT_HOST]: { create: true, status: 410 },
        },
      },
      (plan) => {
        plan.dns.records.push({ name: 'mx7.test', type: 'A', host: 'mx1.victim.test' });
        for (const name of ['mta-sts.new.test', 'mx8.test', 'r.test'])
          plan.dns.records.push({ name, type: 'A', host: name });
        plan.policyHosts['mta-sts.new.test'] = { pages: {}, plainHttp: true };
        Object.assign(plan.mxHosts, { 'mx7.test': {}, 'mx8.test': { reach: 'silent' } });
        Object.assign(plan.reportHosts, {
          'r.test': { status: 404 },
          [REPORT_HOST]: { status: 410 },
        });
      },
    ],
  ];
  test.each(rows)('%s', (_, patch, edit) => changes([['patch', patch]], edit));

  test('its rules go before those there are, in the order written', async () => {
    const rules = [
      { name: 'a.test', type: 'A', answer: 'drop' },
      { name: 'b.test', type: '*', delayMs: 5, nth: [1], ad: false },
    ];
    const plan = await under(world, 'hide-mx', ['patch', { dns: { rules } }]);
    expect(plan.dns.rules).toStrictEqual([
      ...rules,
      { name: 'victim.test', type: 'MX', answer: 'servfail' },
    ]);
  });

  test('arrays replace, so that it can take back what an attack did', async () => {
    const plan = await under(world, 'strip-starttls', [
      'patch',
      { mxHosts: { '*': { beforeTls: { ehlo: { remove: [] } } } } },
    ]);
    expect(plan.mxHosts['mx1.victim.test']).toMatchObject({ beforeTls: { ehlo: { remove: [] } } });
  });

  test('it reaches the connections that an attack set apart, and replaces them where it names them', async () => {
    const stripped: Use = ['strip-starttls', { nth: [2], mx: 'mx1.victim.test' }];
    const connection2 = async (patch: object) =>
      (await under(world, stripped, ['patch', { mxHosts: { 'mx1.victim.test': patch } }])).mxHosts[
        'mx1.victim.test'
      ]!.connections;
    const strip = { beforeTls: { ehlo: { remove: ['STARTTLS'] } } };
    expect(await connection2({ reach: 'open' })).toStrictEqual([
      { nth: [2], change: { ...strip, reach: 'open', starttls: expect.anything() } },
    ]);
    expect(await connection2({ connections: [] })).toStrictEqual([]);
  });

  test('in either order with an attack on something else', () =>
    commute(
      ['patch', { mxHosts: { '*': { tls: { maxVersion: 'TLSv1.2' } } } }],
      ['strip-starttls', { nth: [1] }],
    ));
});

test.each<[string, string, string]>([
  [
    'policyHosts',
    'no policy host x.test in this plan; it has mta-sts.victim.test, mta-sts.attacker.test',
    'x.test',
  ],
  ['mxHosts', 'no MX host x.test in this plan; it has mx1.victim.test, ', 'x.test'],
  ['reportHosts', 'no report host x.test in this plan; it has tlsrpt.victim.test', 'x.test'],
])(
  '%s: a host that the plan lacks is a PlanError with those it has',
  async (kind, message, name) => {
    const patched = under(world, ['patch', { [kind]: { [name]: {} } }]);
    await expect(patched).rejects.toThrow(PlanError);
    await expect(patched).rejects.toThrow(message);
  },
);

test.each<[string, unknown]>([
  ['patch', {}],
  ['patch', { hosts: {} }],
  ['patch', { dns: { records: [{ name: 'a.test', type: 'AAAA', host: 'x' }] } }],
  ['patch', { mxHosts: { '*': { tls: { handshake: 'maybe' } } } }],
  ['patch', { mxHosts: { '*': { connections: [{ nth: [1], change: { connections: [] } }] } } }],
  ['patch', { policyHosts: { [POLICY_HOST]: { pages: { '/': { transfer: 'fast' } } } } }],
])('%s refuses %j', refuses);

describe('every attack file', () => {
  const names = readdirSync(new URL('../../harness/attacks/', import.meta.url))
    .map((file) => file.replace(/\.ts$/, ''))
    .filter((name) => name !== 'which-mx');

  test.each(names)('%s', async (name) => {
    const attack = await attackNamed(name);
    const schema = z.toJSONSchema(attack.options as z.ZodType, { io: 'input' }) as {
      properties: Record<string, { description?: string }>;
    };
    expect(attack.summary).toMatch(/^[A-Z].*[^.]$/);
    if (attack.shorthand !== undefined)
      expect(Object.keys(schema.properties)).toContain(attack.shorthand);
    if (name === 'patch') return;
    for (const [option, { description }] of Object.entries(schema.properties))
      expect(description, option).toMatch(/\w/);
  });
});
