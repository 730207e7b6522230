/** Laying one plan over another, and changes of single connections. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LabPlan, MxPlan } from '../../harness/model/plan.ts';
import {
  changeMx,
  editEhlo,
  mxNames,
  mxOnConnection,
  overlayMx,
} from '../../harness/model/plan-changes.ts';

const planOf = (mx: MxPlan): LabPlan => ({
  dns: { records: [], rules: [] },
  policyHosts: {},
  mxHosts: { 'mx1.victim.test': mx },
  reportHosts: {},
});

describe('overlayMx', () => {
  test.each<[string, MxPlan, MxPlan, MxPlan]>([
    [
      'mappings merge',
      { tls: { certificate: 'expired' } },
      { tls: { maxVersion: 'TLSv1.2' } },
      { tls: { certificate: 'expired', maxVersion: 'TLSv1.2' } },
    ],
    ['scalars replace', { reach: 'silent' }, { reach: 'open' }, { reach: 'open' }],
    [
      'arrays replace',
      { starttls: { inject: ['a', 'b'] } },
      { starttls: { inject: [] } },
      { starttls: { inject: [] } },
    ],
    [
      'an array replaces a string',
      { greeting: { text: '220 a' } },
      { greeting: { text: ['220-a', '220 b'] } },
      { greeting: { text: ['220-a', '220 b'] } },
    ],
    [
      'undefined is left out',
      { reach: 'silent' },
      { reach: undefined, greeting: { text: '220 a', delayMs: undefined } },
      { reach: 'silent', greeting: { text: '220 a' } },
    ],
  ])('%s', (_, base, change, laid) => {
    expect(overlayMx(base, change)).toStrictEqual(laid);
  });
});

test('* stands for neither the sender nor the attacker', () => {
  const mxHosts = {
    'mx1.victim.test': {},
    'mx.sender.test': {},
    'mx.attacker.test': {},
    'a.provider.test': {},
  };
  expect(mxNames({ ...planOf({}), mxHosts }, '*')).toEqual(['mx1.victim.test', 'a.provider.test']);
});

test('changes compose connection by connection, whichever connections they are for', () => {
  const nth = fc.option(fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { minLength: 1 }), {
    nil: undefined,
  });
  const change = fc.oneof(
    fc
      .constantFrom('SIZE', 'STARTTLS', 'DSN')
      .map(
        (word) => (mx: MxPlan) => editEhlo(mx, 'beforeTls', { remove: [word], add: [`X${word}`] }),
      ),
    fc
      .constantFrom('expired', 'self-signed')
      .map((certificate) => (mx: MxPlan) => overlayMx(mx, { tls: { certificate } })),
    fc
      .constantFrom('reset', 'silent')
      .map((reach) => (mx: MxPlan) => overlayMx(mx, { reach: reach as 'reset' | 'silent' })),
  );
  const start: MxPlan = {
    reach: 'open',
    connections: [{ nth: [2, 3], change: { tls: { handshake: 'alert' } } }],
  };
  fc.assert(
    fc.property(fc.array(fc.record({ nth, change }), { maxLength: 6 }), (steps) => {
      const plan = steps.reduce(
        (made, step) => changeMx(made, '*', step.change, step.nth),
        planOf(start),
      );
      for (const one of [1, 2, 3, 4, 5]) {
        const meant = steps.filter((step) => step.nth === undefined || step.nth.includes(one));
        expect(mxOnConnection(plan.mxHosts['mx1.victim.test']!, one)).toStrictEqual(
          meant.reduce<MxPlan>((mx, step) => step.change(mx), mxOnConnection(start, one)),
        );
      }
    }),
  );
});
