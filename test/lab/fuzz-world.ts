/**
 * The world that `npm run fuzz` throws things at: honest hosts and odd ones, so that every way
 * through the lab is taken.
 */

import { qualify } from '../../harness/model/names.ts';
import type { LabPlan, MxPlan, PolicyHostPlan } from '../../harness/model/plan.ts';
import { POLICY_PATH } from '../../harness/model/plan.ts';

export const TOKEN = 'fuzz';

/** A name, or a whole plan, as it is called in this world. */
export const called = <T>(value: T): T => qualify(value, TOKEN);

export const HONEST_MX = 'mx1.victim.test';
export const HONEST_POLICY_HOST = 'mta-sts.victim.test';
export const REPORTS = 'tlsrpt.victim.test';

export const POLICY =
  'version: STSv1\r\nmode: enforce\r\nmx: mx1.victim.test\r\nmax_age: 604800\r\n';

export const MX_HOSTS: Readonly<Record<string, MxPlan>> = {
  [HONEST_MX]: {},
  'injected.victim.test': {
    starttls: { inject: ['250 injected'] },
    beforeTls: { ehlo: { add: ['X-MORE'], remove: ['SIZE'] } },
  },
  'plaintext.victim.test': {
    starttls: { then: 'plaintext' },
    beforeTls: { replies: { '.': { text: '451 later' }, MAIL: { text: '250 ok' } } },
  },
  'alert.victim.test': { tls: { handshake: 'alert' } },
  'stall.victim.test': {
    tls: { handshake: 'stall' },
    beforeTls: { replies: { RCPT: { then: 'stall' } } },
  },
  'late.victim.test': {
    greeting: { delayMs: 5 },
    beforeTls: { replies: { EHLO: { delayMs: 5 }, RSET: { then: 'reset' } } },
  },
  'selfsigned.victim.test': {
    tls: { certificate: 'self-signed' },
    afterTls: { replies: { DATA: { then: 'reset' }, MAIL: { then: 'close' } } },
  },
};

export const POLICY_HOSTS: Readonly<Record<string, PolicyHostPlan>> = {
  [HONEST_POLICY_HOST]: { pages: { [POLICY_PATH]: { body: POLICY } } },
  'slow.victim.test': { pages: { [POLICY_PATH]: { body: POLICY, transfer: 'slow' } } },
  'truncated.victim.test': { pages: { [POLICY_PATH]: { body: POLICY, transfer: 'truncated' } } },
  'none.victim.test': { pages: { [POLICY_PATH]: { body: POLICY, transfer: 'none' } } },
  'garbage.victim.test': { tls: { handshake: 'garbage' }, pages: {} },
};

const HOSTS = [...Object.keys(MX_HOSTS), ...Object.keys(POLICY_HOSTS), REPORTS];

export const PLAN: LabPlan = {
  dns: {
    records: [
      ...HOSTS.map((name) => ({ name, type: 'A', host: name }) as const),
      { name: 'victim.test', type: 'MX', preference: 10, exchange: HONEST_MX },
      { name: '_mta-sts.victim.test', type: 'TXT', text: 'v=STSv1; id=1;' },
      { name: 'long.victim.test', type: 'TXT', text: 'x'.repeat(3000) },
      { name: 'alias.victim.test', type: 'CNAME', target: 'victim.test' },
      {
        name: '_25._tcp.mx1.victim.test',
        type: 'TLSA',
        usage: 3,
        selector: 1,
        matching: 1,
        data: '00ff',
      },
    ],
    rules: [
      { name: 'drop.victim.test', type: '*', answer: 'drop' },
      { name: 'late.victim.test', type: 'TXT', delayMs: 3 },
      { name: 'truncate.victim.test', type: '*', answer: 'truncate' },
      { name: 'servfail.victim.test', type: '*', answer: 'servfail', ad: true },
    ],
  },
  policyHosts: POLICY_HOSTS,
  mxHosts: MX_HOSTS,
  reportHosts: { [REPORTS]: {} },
};

export const NAMES = [
  'victim.test',
  '_mta-sts.victim.test',
  'long.victim.test',
  'alias.victim.test',
  '_25._tcp.mx1.victim.test',
  'drop.victim.test',
  'late.victim.test',
  'truncate.victim.test',
  'servfail.victim.test',
  'nobody.test',
  'example.com',
  ...HOSTS,
];

export const ANSWERED_NAMES = NAMES.filter((name) => !name.startsWith('drop.'));
