/** Attacks on the path and the MX host: what each makes of the plan, and nothing else. */

import { describe, expect, test } from 'vitest';
import type { MxPlan } from '../../harness/model/plan.ts';
import { mxOnConnection, PlanError } from '../../harness/model/plan-changes.ts';
import { changes, commute, type Edit, refuses, type Use, under, world } from './world.ts';

const both =
  (mx: MxPlan): Edit =>
  (plan) => {
    plan.mxHosts['mx1.victim.test'] = mx;
    plan.mxHosts['mx2.victim.test'] = mx;
  };
const first =
  (mx: MxPlan): Edit =>
  (plan) => {
    plan.mxHosts['mx1.victim.test'] = mx;
  };
const mx1 = { mx: 'mx1.victim.test' };
/**
 * `then`, the plan's word, kept from being an own property of a literal: linters take that for a
 * promise.
 */
const next = (then: string) => ({ then }) as object;

/** Whoever strips the line refuses the command too. */
const refused = { starttls: { reply: { text: '502 5.5.1 Command not implemented' } } };

describe('each attack changes the plan so', () => {
  const rows: readonly [Use, Edit][] = [
    ['strip-starttls', both({ beforeTls: { ehlo: { remove: ['STARTTLS'] } }, ...refused })],
    [
      ['strip-starttls', { how: 'overwrite', ...mx1 }],
      first({ beforeTls: { ehlo: { overwrite: { STARTTLS: 'XXXXXXXX' } } }, ...refused }),
    ],
    [
      ['strip-starttls', { how: 'overwrite-partly', mx: ['mx1.victim.test'] }],
      first({ beforeTls: { ehlo: { overwrite: { STARTTLS: 'XXXXXXXA' } } }, ...refused }),
    ],
    [
      ['strip-starttls', { nth: [2], ...mx1 }],
      first({
        connections: [
          { nth: [2], change: { beforeTls: { ehlo: { remove: ['STARTTLS'] } }, ...refused } },
        ],
      }),
    ],
    [
      'refuse-starttls',
      both({
        starttls: { reply: { text: '454 4.7.0 TLS not available due to temporary reason' } },
      }),
    ],
    [
      ['refuse-starttls', { reply: ['502-no', '502 no'], ...next('close'), ...mx1 }],
      first({ starttls: { reply: { text: ['502-no', '502 no'], ...next('close') } } }),
    ],
    ['break-mx-handshake', both({ tls: { handshake: 'alert' } })],
    [['break-mx-handshake', { how: 'garbage', ...mx1 }], first({ tls: { handshake: 'garbage' } })],
    ['plaintext-after-220', both({ starttls: next('plaintext') })],
    [
      ['inject-after-220', { lines: ['250 2.0.0 ok'] }],
      both({ starttls: { inject: ['250 2.0.0 ok'] } }),
    ],
    [['mx-certificate', { profile: 'expired' }], both({ tls: { certificate: 'expired' } })],
    [
      [
        'mx-certificate',
        { profile: 'right', certificateFor: 'mx2.victim.test', withoutSni: 'self-signed', ...mx1 },
      ],
      first({
        tls: {
          certificate: 'right',
          certificateFor: 'mx2.victim.test',
          certificateWithoutSni: 'self-signed',
        },
      }),
    ],
    [['mx-tls', { maxVersion: 'TLSv1' }], both({ tls: { maxVersion: 'TLSv1' } })],
    [['mx-tls', { minVersion: 'TLSv1.3', ...mx1 }], first({ tls: { minVersion: 'TLSv1.3' } })],
    [
      ['mx-tls', { ciphers: ['AES128-SHA'], groups: ['P-256'], recordBytes: 8 }],
      both({ tls: { ciphers: ['AES128-SHA'], groups: ['P-256'], recordBytes: 8 } }),
    ],
    [
      ['break-mx-handshake', { alert: 'unrecognized_name' }],
      both({ tls: { handshake: 'alert', alert: 'unrecognized_name' } }),
    ],
    [
      ['forge-mx-flight', { sentinel: true, ...mx1 }],
      first({ tls: { flight: { sentinel: true } } }),
    ],
    [
      ['change-capabilities', { before: { add: ['XFOO'] } }],
      both({ beforeTls: { ehlo: { add: ['XFOO'] } } }),
    ],
    [
      [
        'change-capabilities',
        {
          before: { remove: ['SIZE'] },
          after: { add: ['STARTTLS'], overwrite: { '8BITMIME': 'X' } },
          ...mx1,
        },
      ],
      first({
        beforeTls: { ehlo: { remove: ['SIZE'] } },
        afterTls: { ehlo: { add: ['STARTTLS'], overwrite: { '8BITMIME': 'X' } } },
      }),
    ],
    [
      ['mx-reply', { to: 'mail', text: '451 4.3.0 later' }],
      both({
        beforeTls: { replies: { MAIL: { text: '451 4.3.0 later' } } },
        afterTls: { replies: { MAIL: { text: '451 4.3.0 later' } } },
      }),
    ],
    [
      ['mx-reply', { to: '.', ...next('reset'), when: 'after-tls', ...mx1 }],
      first({ afterTls: { replies: { '.': next('reset') } } }),
    ],
    [
      ['mx-reply', { to: 'RCPT', delayMs: 10, when: 'before-tls', nth: [1, 3], ...mx1 }],
      first({
        connections: [1, 3].map((nth) => ({
          nth: [nth],
          change: { beforeTls: { replies: { RCPT: { delayMs: 10 } } } },
        })),
      }),
    ],
    [
      ['mx-reply', { to: 'starttls', bytes: ['220 ', 'go\n'], ...mx1 }],
      first({ starttls: { reply: { bytes: ['220 ', 'go\n'] } } }),
    ],
    [
      ['mx-greeting', { bytes: '220 mx\0\r\n', pace: { everyMs: 5 } }],
      both({ greeting: { bytes: '220 mx\0\r\n', pace: { bytes: 1, everyMs: 5 } } }),
    ],
    [
      ['mx-greeting', { text: '554 5.3.2 go away', ...next('close') }],
      both({ greeting: { text: '554 5.3.2 go away', ...next('close') } }),
    ],
    [
      'refuse-ehlo',
      both({
        beforeTls: { replies: { EHLO: { text: '502 5.5.1 command not implemented' } } },
        starttls: { reply: { text: '502 5.5.1 Command not implemented' } },
      }),
    ],
    [
      ['refuse-ehlo', { text: '500 what', ...mx1 }],
      first({
        beforeTls: { replies: { EHLO: { text: '500 what' } } },
        starttls: { reply: { text: '502 5.5.1 Command not implemented' } },
      }),
    ],
    ['block-mx', both({ reach: 'refused' })],
    [
      ['block-mx', { how: 'reset', nth: [1], ...mx1 }],
      first({ connections: [{ nth: [1], change: { reach: 'reset' } }] }),
    ],
  ];
  test.each(rows)('%j', (use, edit) => changes([use], edit));
});

describe('attacks compose', () => {
  const strip: Use = 'strip-starttls';
  const stripOn2: Use = ['strip-starttls', { nth: [2] }];
  test.each<[Use, Use]>([
    [strip, ['mx-certificate', { profile: 'expired' }]],
    [stripOn2, ['mx-certificate', { profile: 'expired' }]],
    [stripOn2, ['mx-certificate', { profile: 'expired', nth: [1, 2] }]],
    [stripOn2, ['mx-reply', { to: 'EHLO', delayMs: 5 }]],
    [
      ['refuse-starttls', { nth: [1] }],
      ['inject-after-220', { lines: ['250 x'] }],
    ],
    ['plaintext-after-220', 'refuse-starttls'],
    ['refuse-ehlo', strip],
    ['refuse-ehlo', ['mx-reply', { to: 'HELO', text: '421 bye' }]],
    [
      ['mx-tls', { maxVersion: 'TLSv1.2' }],
      ['mx-certificate', { profile: 'expired' }],
    ],
    ['block-mx', 'hide-sts-record'],
  ])('in either order: %j %j', commute);

  test('edits of one EHLO reply add up', async () => {
    const plan = await under(
      world,
      ['change-capabilities', { before: { remove: ['SIZE'], add: ['A'] } }],
      strip,
      [
        'change-capabilities',
        { before: { remove: ['SIZE', 'DSN'], add: ['B'], overwrite: { PIPELINING: 'X' } } },
      ],
    );
    expect(plan.mxHosts['mx1.victim.test']).toStrictEqual({
      beforeTls: {
        ehlo: {
          remove: ['SIZE', 'STARTTLS', 'DSN'],
          add: ['A', 'B'],
          overwrite: { PIPELINING: 'X' },
        },
      },
      ...refused,
    });
  });

  test('lines injected add up', async () => {
    const plan = await under(
      world,
      ['inject-after-220', { lines: ['250 a'] }],
      ['inject-after-220', { lines: ['250 b'] }],
    );
    expect(plan.mxHosts['mx1.victim.test']).toStrictEqual({
      starttls: { inject: ['250 a', '250 b'] },
    });
  });

  test('connection by connection', async () => {
    const plan = await under(
      world,
      ['change-capabilities', { before: { remove: ['SIZE'] } }],
      stripOn2,
      ['mx-certificate', { profile: 'expired', nth: [3] }],
      ['mx-tls', { maxVersion: 'TLSv1.2' }],
    );
    const on = (nth: number) => mxOnConnection(plan.mxHosts['mx1.victim.test']!, nth);
    const tls = { maxVersion: 'TLSv1.2' } as const;
    expect(on(1)).toStrictEqual({ beforeTls: { ehlo: { remove: ['SIZE'] } }, tls });
    expect(on(2)).toStrictEqual({
      beforeTls: { ehlo: { remove: ['SIZE', 'STARTTLS'] } },
      ...refused,
      tls,
    });
    expect(on(3)).toStrictEqual({
      beforeTls: { ehlo: { remove: ['SIZE'] } },
      tls: { certificate: 'expired', ...tls },
    });
    expect(on(4)).toStrictEqual(on(1));
  });
});

test.each<[string, object]>([
  ['strip-starttls', {}],
  ['refuse-starttls', {}],
  ['break-mx-handshake', {}],
  ['plaintext-after-220', {}],
  ['inject-after-220', { lines: ['250 x'] }],
  ['mx-certificate', { profile: 'expired' }],
  ['mx-tls', { maxVersion: 'TLSv1' }],
  ['change-capabilities', { after: { add: ['X'] } }],
  ['mx-reply', { to: 'MAIL', text: '451 x' }],
  ['mx-greeting', { text: '421 x' }],
  ['refuse-ehlo', {}],
  ['block-mx', {}],
])('%s takes one host, some, or all of the domain, and knows no other', async (name, options) => {
  const touched = async (mx: unknown) => {
    const plan = await under(world, [name, { ...options, ...(mx !== undefined && { mx }) }]);
    return Object.keys(plan.mxHosts).filter((host) => plan.mxHosts[host] !== world.mxHosts[host]);
  };
  expect(await touched(undefined)).toEqual(['mx1.victim.test', 'mx2.victim.test']);
  expect(await touched('*')).toEqual(['mx1.victim.test', 'mx2.victim.test']);
  expect(await touched('mx2.victim.test')).toEqual(['mx2.victim.test']);
  expect(await touched(['mx.attacker.test', 'mx1.victim.test'])).toEqual([
    'mx1.victim.test',
    'mx.attacker.test',
  ]);
  await expect(touched('mx9.victim.test')).rejects.toThrow(PlanError);
  await expect(touched('mx9.victim.test')).rejects.toThrow(
    'no MX host mx9.victim.test in this plan; it has mx1.victim.test, mx2.victim.test, mx.sender.test, mx.attacker.test',
  );
});

test.each<[string, unknown]>([
  ['strip-starttls', { how: 'hide' }],
  ['strip-starttls', { nth: [0] }],
  ['strip-starttls', { nth: [] }],
  ['refuse-starttls', next('explode')],
  ['break-mx-handshake', { how: 'complete' }],
  ['plaintext-after-220', { how: 'x' }],
  ['inject-after-220', {}],
  ['inject-after-220', { lines: [] }],
  ['mx-certificate', {}],
  ['mx-tls', {}],
  ['change-capabilities', {}],
  ['change-capabilities', { before: { drop: ['X'] } }],
  ['mx-reply', { text: '250 x' }],
  ['mx-reply', { to: 'MAIL' }],
  ['mx-reply', { to: 'EHLO', bytes: '250 \u0100' }],
  ['mx-reply', { to: 'EHLO', bytes: [{ repeat: '' }] }],
  ['mx-greeting', {}],
  ['refuse-ehlo', { mx: 1 }],
  ['block-mx', { how: 'refused', nth: [1] }],
  ['block-mx', { how: 'open' }],
])('%s refuses %j', refuses);
