/** The policy that a sender held, by what it was given. */

import { describe, expect, test } from 'vitest';
import { heldPolicy } from '../../harness/model/held-policy.ts';
import { type EvidenceBuilder, evidence } from '../evidence.ts';

const DOMAIN = 'victim.xw1.test';
const DAY = 86_400;
const cold = () => evidence().step(0).submit();
const held = ({ observations }: EvidenceBuilder) =>
  heldPolicy(observations, DOMAIN, { at: observations.at(-1)!.at + 1 });
const aged = (seconds: number) => ({ kind: 'time-advanced', seconds }) as const;
const text = (mode: string, more = '') =>
  `version: STSv1\nmode: ${mode}\nmx: mx1.victim.xw1.test\nmax_age: 86400\n${more}`;

describe('a policy is held', () => {
  test.each<[string, EvidenceBuilder, string | undefined]>([
    ['once it was fetched after a look at its record', cold().txt().fetch(), 'enforce'],
    ['not without a look', cold().fetch(), undefined],
    ['not from another host', cold().txt().fetch({ host: 'mta-sts.xw1.test' }), undefined],
    ['not by HEAD', cold().txt().fetch({ method: 'HEAD' }), undefined],
    ['not in part', cold().txt().fetch({ complete: false }), undefined],
    [
      'not from a host that proved nothing',
      cold().txt().fetch({ authenticated: false }),
      undefined,
    ],
    ['not under another status', cold().txt().fetch({ status: 203 }), undefined],
    ['not when it is none', cold().txt().fetch({ body: 'mode: enforce\n' }), undefined],
    [
      'and another in its place',
      cold()
        .txt()
        .fetch()
        .fetch({ body: text('none') }),
      'none',
    ],
    [
      'and not another that is none',
      cold().txt().fetch().fetch({ body: 'mode: none\n' }),
      'enforce',
    ],
    [
      'until max_age',
      cold()
        .txt()
        .fetch({ body: text('enforce') })
        .see(aged(DAY - 60)),
      'enforce',
    ],
    [
      'and no longer',
      cold()
        .txt()
        .fetch({ body: text('enforce') })
        .see(aged(DAY)),
      undefined,
    ],
    [
      'from the last fetch on',
      cold()
        .txt()
        .fetch({ body: text('enforce') })
        .see(aged(DAY - 60))
        .fetch({ body: text('enforce') })
        .see(aged(DAY - 60)),
      'enforce',
    ],
  ])('%s', (_what, made, mode) => expect(held(made)?.policy.mode).toBe(mode));
});

test('what has one time came neither before nor after', () => {
  const { observations } = cold().txt().fetch();
  const fetched = observations.at(-1)!;
  expect(heldPolicy(observations, DOMAIN, fetched)).toBeUndefined();
  expect(heldPolicy(observations, DOMAIN, { at: fetched.at + 1 })).toBeDefined();
});

describe('it is in doubt whether it was replaced', () => {
  test.each<[string, Parameters<EvidenceBuilder['fetch']>[0]]>([
    ['by a page of another media type', { body: text('none'), contentType: 'text/html' }],
    ['by a page without one', { body: text('none'), contentType: undefined }],
    ['by an answer that a client may refuse', { body: text('none'), inDoubt: true }],
    ['by a file behind a byte order mark', { body: `\uFEFF${text('none')}` }],
    ['by a file with a line that is no field', { body: text('none', 'hello\n') }],
    ['by a max_age beyond the bound', { body: text('none').replace('86400', '99999999') }],
  ])('%s', (_what, change) => {
    expect(held(cold().txt().fetch().fetch(change))).toMatchObject({
      policy: { mode: 'enforce' },
      rivals: [{}],
    });
    expect(held(cold().txt().fetch(change))).toBeUndefined();
  });
});

test('a file with bytes that are no UTF-8 may be passed over, and U+FFFD is a letter like any other', () => {
  const body = text('none', 'x: \uFFFD\n');
  const invalid = held(cold().txt().fetch().fetch({ body, invalidUtf8: true }));
  expect(invalid).toMatchObject({ policy: { mode: 'enforce' }, rivals: [{ mode: 'none' }] });
  expect(held(cold().txt().fetch().fetch({ body }))?.policy.mode).toBe('none');
});
