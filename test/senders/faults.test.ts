import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../harness/lab/lab.ts';
import {
  type CertificateProfile,
  type DnsAnswer,
  type LabPlan,
  type MxPlan,
  type PagePlan,
  POLICY_HOST,
  POLICY_PATH,
  type PolicyHostPlan,
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
import type { DomainSpec, PolicySpec } from '../../harness/model/scenario.ts';
import { FAULTS, type FaultName, referenceSender } from '../../harness/senders/reference/index.ts';
import { type Driver, drive } from './driver.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

type Attack = (plan: LabPlan) => LabPlan;

interface Trap {
  /** Where the sender is primed first: how that honest world differs. */
  readonly prime?: Attack;
  readonly before?: (driver: Driver) => unknown;
  readonly policy?: Partial<PolicySpec>;
  readonly domain?: Partial<DomainSpec>;
  readonly attack?: Attack;
  readonly to?: string;
  /** What to look at; default: the status of the message, and where it arrived how. */
  readonly look?: (driver: Driver) => unknown;
  readonly honest: unknown;
  readonly faulty: unknown;
}

const both =
  (...attacks: readonly Attack[]): Attack =>
  (plan) =>
    attacks.reduce((changed, attack) => attack(changed), plan);
const mx1 = (change: MxPlan) => (plan: LabPlan) =>
  changeMx(plan, `mx1.${VICTIM}`, (mx) => ({ ...mx, ...change }));
const shows = (certificate: CertificateProfile) => mx1({ tls: { certificate } });
const strip = mx1({ beforeTls: { ehlo: { remove: ['STARTTLS'] } } });
const policyHost = (change: Partial<PolicyHostPlan>) => (plan: LabPlan) =>
  changePolicyHost(plan, (host) => ({ ...host, ...change }));
const page = (change: Partial<PagePlan>) => (plan: LabPlan) =>
  changePage(plan, (honest) => ({ ...honest, ...change }));
const txt =
  (...texts: readonly (string | readonly string[])[]) =>
  (plan: LabPlan) =>
    replaceRecords(
      plan,
      STS_NAME,
      'TXT',
      texts.map((text) => ({ name: STS_NAME, type: 'TXT', text })),
    );
const txtAnswer = (answer: DnsAnswer) => (plan: LabPlan) =>
  addDnsRule(plan, { name: STS_NAME, type: 'TXT', answer });
const lines = (mx: string, mode = 'enforce', eol = '\r\n') =>
  [`version: STSv1`, `mode: ${mode}`, `mx: ${mx}`, 'max_age: 604800', ''].join(eol);
const body = (text: string) => page({ body: text });
const oneMx = (host: string) => ({ mx: [{ host, preference: 10 }] });
const also = (name: string) => ({
  records: [{ name, type: 'MX' as const, preference: 10, exchange: `mx1.${VICTIM}` }],
});
const TWO_MX = {
  mx: [10, 20].map((preference, index) => ({ host: `mx${index + 1}.${VICTIM}`, preference })),
};
const movePolicy: Attack = (plan) => {
  const moved = plan.policyHosts[POLICY_HOST]!.pages[POLICY_PATH]!;
  const redirect = { status: 302, headers: { location: '/elsewhere' }, body: '' };
  return policyHost({ pages: { [POLICY_PATH]: redirect, '/elsewhere': moved } })(plan);
};

const OPT_OUT = { id: 'new', mode: 'none' } as const;
const WARM = { prime: (plan: LabPlan) => plan };
const DEFERRED = 'deferred';
const IN_CLEAR = `delivered at mx1.${VICTIM} in clear`;
const IN_TLS = `delivered at mx1.${VICTIM} authenticated`;
const UNAUTHENTICATED = `delivered at mx1.${VICTIM} over TLS`;
const HELD = { honest: DEFERRED, faulty: IN_CLEAR };
const FREE = { honest: IN_CLEAR, faulty: DEFERRED };
/** The attacker offers `none` through the defect, so that ignoring it means to go on enforcing. */
const FLIP = { ...WARM, policy: OPT_OUT, ...HELD };
const verbs = (driver: Driver) => driver.seenOf('smtp-command').map(({ verb }) => verb);
const details = async (driver: Driver) => {
  await driver.report();
  const [received] = driver.seenOf('report-received');
  return (received?.report as any)?.policies[0]['failure-details'][0];
};

const TRAPS: Readonly<Record<FaultName, Trap>> = {
  'takes-first-of-several-txt': {
    attack: both(strip, txt('v=STSv1; id=1;', 'v=STSv1; id=2;')),
    ...FREE,
  },
  'counts-unrelated-txt': { attack: both(strip, txt('v=STSv1; id=1;', 'v=spf1 -all')), ...HELD },
  'no-txt-concatenation': { attack: both(strip, txt(['v=STSv1; id=a', 'b;'])), ...HELD },
  'txt-case-insensitive': { attack: both(strip, txt('v=stsv1; id=1;')), ...FREE },
  'accepts-invalid-id': { attack: both(strip, txt('v=STSv1; id=a-b;')), ...FREE },
  'fetches-without-record': { attack: both(strip, txt('v=spf1 -all')), ...FREE },
  'policy-from-parent-domain': {
    ...WARM,
    to: `sub.${VICTIM}`,
    domain: also(`sub.${VICTIM}`),
    attack: strip,
    ...FREE,
  },
  'never-refetches': { ...WARM, policy: OPT_OUT, attack: strip, ...FREE },
  'refetches-only-when-id-grows': {
    ...WARM,
    policy: { ...OPT_OUT, id: 'a' },
    attack: strip,
    ...FREE,
  },

  'follows-redirects': { ...FLIP, attack: both(strip, movePolicy) },
  'accepts-any-policy-host-certificate': {
    ...FLIP,
    attack: both(strip, policyHost({ tls: { certificate: 'self-signed' } })),
  },
  'policy-host-cn-fallback': {
    ...FLIP,
    attack: both(strip, policyHost({ tls: { certificate: 'common-name-only' } })),
  },
  'no-sni-to-policy-host': {
    attack: both(strip, policyHost({ tls: { certificateWithoutSni: 'wrong-name' } })),
    ...HELD,
  },
  'fetches-plain-http': {
    ...FLIP,
    attack: both(strip, policyHost({ plainHttp: true, tls: { certificate: 'self-signed' } })),
  },
  'accepts-any-2xx': { ...FLIP, attack: both(strip, page({ status: 203 })) },
  'ignores-content-type': {
    ...FLIP,
    attack: both(strip, page({ headers: { 'content-type': 'text/html' } })),
  },
  'uses-truncated-body': {
    ...FLIP,
    attack: both(strip, body(lines('a.b', 'none').repeat(2)), page({ transfer: 'truncated' })),
  },
  'http-cache': {
    prime: page({ headers: { etag: '"1"', 'cache-control': 'max-age=600' } }),
    policy: OPT_OUT,
    attack: strip,
    ...FREE,
  },

  'last-duplicate-key-wins': {
    ...FLIP,
    attack: both(strip, body(`${lines(`mx1.${VICTIM}`)}mode: none\r\n`)),
  },
  'rejects-unknown-keys': {
    attack: both(strip, body(`${lines(`mx1.${VICTIM}`)}key: value\r\n`)),
    ...HELD,
  },
  'rejects-lf': { attack: both(strip, body(lines(`mx1.${VICTIM}`, 'enforce', '\n'))), ...HELD },
  'keeps-cr': { attack: strip, ...HELD },

  'forgets-cache-when-txt-gone': { ...WARM, attack: both(strip, txtAnswer('nodata')), ...HELD },
  'forgets-cache-on-servfail': { ...WARM, attack: both(strip, txtAnswer('servfail')), ...HELD },
  'forgets-cache-when-fetch-fails': {
    ...WARM,
    policy: { id: 'new' },
    attack: both(strip, page({ status: 500 })),
    ...HELD,
  },
  'forgets-cache-on-multiple-txt': {
    ...WARM,
    attack: both(strip, txt('v=STSv1; id=1;', 'v=STSv1; id=2;')),
    ...HELD,
  },
  'forgets-cache-on-restart': {
    ...WARM,
    before: ({ sender }) => sender.restart?.(),
    attack: both(strip, policyHost({ reach: 'refused' })),
    ...HELD,
  },
  'ignores-max-age': {
    ...WARM,
    before: ({ sender }) => sender.advance?.(604_801, []),
    attack: both(strip, txt()),
    ...FREE,
  },
  'caches-by-mx': { ...WARM, to: 'other.test', domain: also('other.test'), attack: strip, ...FREE },
  'defers-when-discovery-fails': {
    attack: policyHost({ reach: 'refused' }),
    honest: IN_TLS,
    faulty: DEFERRED,
  },

  'ignores-mx-list': {
    domain: oneMx('mx9.victim.test'),
    policy: { mx: [`mx1.${VICTIM}`] },
    honest: DEFERRED,
    faulty: 'delivered at mx9.victim.test authenticated',
  },
  'wildcard-matches-deep': {
    domain: oneMx('a.mx.victim.test'),
    policy: { mx: [`*.${VICTIM}`] },
    honest: DEFERRED,
    faulty: 'delivered at a.mx.victim.test authenticated',
  },
  'wildcard-matches-apex': {
    domain: oneMx('mx.victim.test'),
    policy: { mx: [`*.mx.${VICTIM}`] },
    honest: DEFERRED,
    faulty: 'delivered at mx.victim.test authenticated',
  },
  'matches-suffix': {
    domain: oneMx('xmx1.victim.test'),
    policy: { mx: [`mx1.${VICTIM}`] },
    honest: DEFERRED,
    faulty: 'delivered at xmx1.victim.test authenticated',
  },
  'wildcard-never-matches': { policy: { mx: ['*.victim.test'] }, honest: IN_TLS, faulty: DEFERRED },
  'mx-match-case-sensitive': {
    policy: { mx: ['MX1.victim.test'] },
    honest: IN_TLS,
    faulty: DEFERRED,
  },

  'plaintext-when-starttls-missing': { attack: strip, ...HELD },
  'plaintext-after-454': {
    attack: mx1({ starttls: { reply: { text: '454 4.7.0 no' } } }),
    ...HELD,
  },
  'plaintext-after-failed-handshake': { attack: mx1({ tls: { handshake: 'alert' } }), ...HELD },
  'no-mx-certificate-check': {
    attack: shows('self-signed'),
    honest: DEFERRED,
    faulty: UNAUTHENTICATED,
  },
  'mx-cn-fallback': {
    attack: shows('common-name-only'),
    honest: DEFERRED,
    faulty: UNAUTHENTICATED,
  },
  'certificate-matches-policy-not-host': {
    domain: TWO_MX,
    attack: shows('other-listed-mx'),
    honest: `delivered at mx2.${VICTIM} authenticated`,
    faulty: UNAUTHENTICATED,
  },
  'accepts-expired-certificate': {
    attack: shows('expired'),
    honest: DEFERRED,
    faulty: UNAUTHENTICATED,
  },
  'accepts-client-auth-certificate': {
    attack: shows('client-auth-only'),
    honest: DEFERRED,
    faulty: UNAUTHENTICATED,
  },
  'refuses-wildcard-certificates': { attack: shows('wildcard'), honest: IN_TLS, faulty: DEFERRED },
  'refuses-rsa-keys': { attack: shows('right-rsa'), honest: IN_TLS, faulty: DEFERRED },
  'refuses-intermediates': {
    attack: shows('right-intermediate'),
    honest: IN_TLS,
    faulty: DEFERRED,
  },
  'refuses-empty-subject': { attack: shows('empty-subject'), honest: IN_TLS, faulty: DEFERRED },
  'no-tls12': { attack: mx1({ tls: { maxVersion: 'TLSv1.2' } }), honest: IN_TLS, faulty: DEFERRED },
  'no-tls13': { attack: mx1({ tls: { minVersion: 'TLSv1.3' } }), honest: IN_TLS, faulty: DEFERRED },
  'no-sni-to-mx': {
    attack: mx1({ tls: { certificateWithoutSni: 'wrong-name' } }),
    honest: IN_TLS,
    faulty: DEFERRED,
  },
  'mail-before-check': {
    attack: shows('self-signed'),
    look: verbs,
    honest: ['EHLO', 'STARTTLS', 'QUIT'],
    faulty: ['EHLO', 'STARTTLS', 'EHLO', 'MAIL', 'RSET', 'QUIT'],
  },
  'no-opportunistic-tls': { policy: { mode: 'absent' }, honest: IN_TLS, faulty: IN_CLEAR },

  'enforces-testing': { policy: { mode: 'testing' }, attack: strip, ...FREE },
  'enforces-none': { policy: { mode: 'none' }, attack: strip, ...FREE },

  'keeps-pre-tls-replies': {
    attack: mx1({ starttls: { inject: ['250-x', '250 y'] } }),
    honest: IN_TLS,
    faulty: DEFERRED,
  },
  'keeps-pre-tls-capabilities': {
    attack: mx1({ beforeTls: { ehlo: { remove: ['SIZE'], add: ['SIZE 1'] } } }),
    honest: IN_TLS,
    faulty: 'bounced at mx.sender.test authenticated',
  },
  'no-ehlo-after-tls': {
    look: verbs,
    honest: ['EHLO', 'STARTTLS', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'QUIT'],
    faulty: ['EHLO', 'STARTTLS', 'MAIL', 'RCPT', 'DATA', 'QUIT'],
  },

  'only-first-mx': {
    domain: TWO_MX,
    attack: strip,
    honest: `delivered at mx2.${VICTIM} authenticated`,
    faulty: DEFERRED,
  },
  'falls-back-to-address-record': {
    domain: { records: [{ name: VICTIM, type: 'A', host: 'mx.attacker.test' }] },
    attack: strip,
    honest: DEFERRED,
    faulty: 'delivered at mx.attacker.test authenticated',
  },
  'bounces-at-once': {
    attack: strip,
    honest: DEFERRED,
    faulty: 'bounced at mx.sender.test authenticated',
  },
  'no-recheck-before-bounce': {
    attack: strip,
    look: async (driver) => {
      await driver.sender.advance?.(5 * 86_400 + 1, []);
      driver.arrange({ policy: OPT_OUT, attack: strip });
      return (await driver.flush()).split(':')[0];
    },
    honest: 'delivered',
    faulty: 'bounced',
  },
  'loses-mail': {
    attack: strip,
    look: async ({ sender }) => (await sender.queued?.())?.length,
    honest: 1,
    faulty: 0,
  },

  'reports-nothing': {
    attack: strip,
    look: async (driver) => (await details(driver)) !== undefined,
    honest: true,
    faulty: false,
  },
  'reports-wrong-type': {
    attack: strip,
    look: async (driver) => (await details(driver))['result-type'],
    honest: 'starttls-not-supported',
    faulty: 'dane-required',
  },
  'reports-wrong-count': {
    attack: strip,
    look: async (driver) => (await details(driver))['failed-session-count'],
    honest: 1,
    faulty: 2,
  },
};

async function spring(trap: Trap, fault?: FaultName): Promise<unknown> {
  await using driver = await drive(lab, referenceSender({ fault }));
  if (trap.prime) {
    driver.arrange({ domain: trap.domain, attack: trap.prime });
    expect(await driver.send()).toMatch(/^delivered/);
  }
  await trap.before?.(driver);
  driver.arrange(trap);
  const [status] = (await driver.send(trap.to)).split(':');
  return trap.look ? await trap.look(driver) : [status, ...driver.arrivals()].join(' at ');
}

describe.concurrent('a fault', () => {
  it.each(Object.entries(TRAPS))(
    'shows where the honest sender does well: %s',
    async (fault, trap) => {
      expect(await spring(trap)).toEqual(trap.honest);
      expect(await spring(trap, fault as FaultName)).toEqual(trap.faulty);
    },
  );

  const folder = new URL('../../harness/senders/reference/', import.meta.url);
  const sources = readdirSync(folder).filter((file) => file !== 'faults.ts');
  const source = sources.map((file) => readFileSync(new URL(file, folder), 'utf8')).join('\n');
  it.each(Object.keys(FAULTS))('is one guard in one place: %s', (name) => {
    expect(source.split(`'${name}'`)).toHaveLength(2);
  });
});
