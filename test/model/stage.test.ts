/** Stages: what is worked out of a scenario before there is any sender. */

import { describe, expect, test } from 'vitest';
import { DEFAULT_DOMAIN, DEFAULT_POLICY } from '../../harness/model/baseline.ts';
import type { Change } from '../../harness/model/changes.ts';
import { announcedId } from '../../harness/model/offered-policy.ts';
import type { Step, Use } from '../../harness/model/scenario.ts';
import { keepsWaiting, type Stage } from '../../harness/model/stage.ts';
import { prime, recover, scenarioOf, send, use, vocabulary } from '../evidence.ts';

function under(name: string, options: object = {}): Use {
  return { name, options: vocabulary.attacks.get(name)!.options.parse(options) };
}
const attacked = (...attacks: Use[]): Step =>
  ({ ...send(use('enforced')), under: attacks }) as Step;
const last = (...steps: Step[]): Stage => scenarioOf(steps).stages.at(-1)!;
const told = (changes: readonly Change[]) =>
  changes.map((change) =>
    change.kind === 'question'
      ? `${change.type} ${change.name}`
      : `${change.host} ${change.points.map(({ nth, at }) => [at, nth].join(' ').trim()).join(', ')}`,
  );
const FORGED = [under('replace-sts-record', { record: 'v=STSv1; id=x;' })];

describe('of several recipient domains', () => {
  const domain = { ...DEFAULT_DOMAIN, others: { 'other.test': ['mx.other.test'] } };
  const step = (also: readonly string[]) =>
    ({ ...attacked(under('strip-starttls')), also }) as Step;

  test('what lies on the way to each has to be met, and to no other', () => {
    const changesOf = (also: readonly string[]) =>
      told(scenarioOf([step(also)], { domain }).stages[0]!.changes);
    expect(changesOf([])).toEqual(['mx1.victim.test EHLO']);
    expect(changesOf(['other.test'])).toEqual(['mx1.victim.test EHLO', 'mx.other.test EHLO']);
  });
});

describe('what has to be met', () => {
  test.each<[string, Use[], string[]]>([
    ['nothing in an honest world', [], []],
    ['the EHLO that is stripped', [under('strip-starttls')], ['mx1.victim.test EHLO']],
    [
      'the handshake',
      [under('mx-certificate', { profile: 'expired' })],
      ['mx1.victim.test handshake'],
    ],
    [
      'REQUIRETLS, which is offered inside TLS',
      [under('patch', { mxHosts: { 'mx1.victim.test': { requiretls: true } } })],
      ['mx1.victim.test EHLO-inside'],
    ],
    ['the reply to STARTTLS', [under('refuse-starttls')], ['mx1.victim.test STARTTLS']],
    ['the MX', [under('block-mx')], ['mx1.victim.test address']],
    ['the MX record, and the new host', [under('swap-mx')], ['MX victim.test']],
    ['the TXT record', [under('hide-sts-record')], ['TXT _mta-sts.victim.test']],
    [
      'the record, and the handshake with the policy host',
      [...FORGED, under('policy-host-certificate', { profile: 'expired' })],
      ['TXT _mta-sts.victim.test', 'mta-sts.victim.test handshake'],
    ],
    [
      'the record, and the page',
      [...FORGED, under('policy-status', { status: 404 })],
      ['TXT _mta-sts.victim.test', 'mta-sts.victim.test request'],
    ],
    [
      'the IPv6 address, where there is one',
      [
        under('dns-answer', {
          name: 'mx1.victim.test',
          type: 'AAAA',
          records: [{ name: 'mx1.victim.test', type: 'AAAA', host: 'mx.attacker.test' }],
        }),
      ],
      ['AAAA mx1.victim.test'],
    ],
    [
      'no IPv6 address, where there is none',
      [under('dns-answer', { name: 'mx1.victim.test', type: 'AAAA', answer: 'servfail' })],
      [],
    ],
    [
      'the page, as often as it takes',
      [...FORGED, under('policy-answer', { nth: [2], coding: 'gzip' })],
      ['TXT _mta-sts.victim.test', 'mta-sts.victim.test request 2'],
    ],
    [
      'a reply byte by byte',
      [under('mx-reply', { to: 'EHLO', pace: { everyMs: 1 }, when: 'after-tls' })],
      ['mx1.victim.test EHLO-inside'],
    ],
    [
      'the reply to STARTTLS, byte by byte',
      [under('mx-reply', { to: 'STARTTLS', bytes: '220' })],
      ['mx1.victim.test STARTTLS'],
    ],
    [
      'content that is cut short',
      [under('patch', { mxHosts: { '*': { afterTls: { cutContentAfter: 9 } } } })],
      ['mx1.victim.test .'],
    ],
    ['no policy host under an id that is known', [under('policy-status', { status: 404 })], []],
    [
      'whatever is patched',
      [under('patch', { mxHosts: { 'mx1.victim.test': { greeting: { text: '554 no' } } } })],
      ['mx1.victim.test connection'],
    ],
  ])('%s', (_what, attacks, expected) =>
    expect(told(last(prime, attacked(...attacks)).changes)).toEqual(expected),
  );

  test('what is published is news until it is met', () => {
    const policy = { ...DEFAULT_POLICY, id: 'second', mx: ['mx2.victim.test'] };
    const domain = { ...DEFAULT_DOMAIN, mx: [{ host: 'mx2.victim.test', preference: 10 }] };
    const publish: Step = { kind: 'publish', label: '', policy, domain };
    expect(told(last(prime, publish, recover).news)).toEqual(
      expect.arrayContaining([
        'TXT _mta-sts.victim.test',
        'mta-sts.victim.test request',
        'MX victim.test',
      ]),
    );
  });
});

describe('the negative control', () => {
  test('is the same world without a policy', () => {
    const { unprotected, plan } = last(prime, attacked(under('strip-starttls')));
    expect(announcedId(plan!, 'victim.test')).toBe(DEFAULT_POLICY.id);
    expect(announcedId(unprotected!.plan, 'victim.test')).toBeUndefined();
    expect(unprotected!.plan.mxHosts).toEqual(plan!.mxHosts);
    expect(unprotected!.before).toBeDefined();
  });
  test('is none where the MX is as it was', () =>
    expect(last(prime, attacked(under('hide-sts-record'))).unprotected).toBeUndefined());
});

test('an honest delivery before is the control of all that follows', () => {
  expect(last(prime, attacked()).control).toBeUndefined();
  expect(last(attacked()).control).toBeDefined();
});

test.each<[boolean, Use]>([
  [true, under('hide-sts-record', { how: 'drop' })],
  [true, under('policy-transfer', { transfer: 'slow' })],
  [true, under('break-mx-handshake', { how: 'stall' })],
  [true, under('forge-mx-flight', { upTo: 'certificate', then: 'stall' })],
  [true, under('mx-reply', { to: 'STARTTLS', bytes: '' })],
  [true, under('mx-reply', { to: 'EHLO', bytes: ['250-no ', 'end'] })],
  [false, under('mx-reply', { to: 'EHLO', bytes: ['250-', { repeat: 'x' }] })],
  [false, under('mx-reply', { to: 'EHLO', bytes: '250-no end', then: 'close' })],
  [false, under('strip-starttls')],
])('the sender is kept waiting: %s, by %j', (waits, attack) =>
  expect(keepsWaiting(last(prime, attacked(attack)))).toBe(waits),
);
