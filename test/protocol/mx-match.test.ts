import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isMxPattern, isPermittedMx, matchesMx } from '../../harness/protocol/mx-match.ts';
import { anyText } from './any-text.ts';

test.each([
  [
    '8461-4.1-exact',
    'mx1.d.test',
    {
      match: ['mx1.d.test'],
      not: ['amx1.d.test', 'mx1.d.test.evil', 'x.mx1.d.test', 'd.test', ''],
    },
  ],
  ['8461-4.1-case', 'MX1.d.Test', { match: ['mx1.D.tEST'], not: ['m\u03a71.d.test'] }],
  ['8461-4.1-case', 'k.test', { match: ['K.test'], not: ['\u212a.test'] }],
  ['8461-4.1-trailing-dot', 'mx1.d', { match: ['mx1.d.'], not: ['mx1.d..', '.mx1.d'] }],
  // Undecided: a pattern outside the grammar whose meaning is plain.
  ['8461-4.1-trailing-dot', 'mx1.d.', { match: ['mx1.d', 'mx1.d.'], not: ['x.mx1.d'] }],
  ['8461-4.1-wildcard-one-label', '*.d', { match: ['mail.d', 'MAIL.D.', 'm_1.d'], not: [] }],
  ['8461-4.1-wildcard-not-apex', '*.d', { match: [], not: ['d', '.d', 'd.'] }],
  ['8461-4.1-wildcard-not-deep', '*.d', { match: [], not: ['a.b.d', '.a.d'] }],
  ['8461-4.1-exact', '*.d', { match: [], not: ['mail.ad', 'mail.d.evil', 'mail'] }],
  ['8461-4.1-wildcard-leftmost-only', 'm*.d', { match: [], not: ['mail.d', 'm*.d', 'm.d'] }],
  ['8461-4.1-wildcard-leftmost-only', 'mail.*.d', { match: [], not: ['mail.x.d', 'mail.*.d'] }],
  ['8461-4.1-wildcard-leftmost-only', '*.*.d', { match: [], not: ['a.b.d', 'a.*.d'] }],
  ['8461-4.1-wildcard-leftmost-only', '**.d', { match: [], not: ['a.d', 'a.b.d'] }],
  ['8461-4.1-wildcard-leftmost-only', '*', { match: [], not: ['d', '*', ''] }],
  ['8461-4.1-wildcard-leftmost-only', '*.', { match: [], not: ['d', 'd.', '*', ''] }],
  ['8461-3.2-mx-syntax', '192.0.2.1', { match: [], not: ['192.0.2.1'] }],
  ['8461-4.1-idn', 'xn--bro-hoa.d', { match: ['XN--BRO-HOA.d'], not: ['büro.d'] }],
  ['8461-3.2-mx-alabel', 'büro.d', { match: [], not: ['büro.d', 'xn--bro-hoa.d'] }],
])('%s: %s', (_requirement, pattern, { match, not }: { match: string[]; not: string[] }) => {
  for (const host of match) expect([host, matchesMx(pattern, host)]).toEqual([host, true]);
  for (const host of not) expect([host, matchesMx(pattern, host)]).toEqual([host, false]);
});

test('any pattern of the policy will do, and none permits none (8461-4.1-mx-match)', () => {
  expect(isPermittedMx(['mx1.d', '*.e'], 'b.e')).toBe(true);
  expect(isPermittedMx(['mx1.d', '*.e'], 'mx2.d')).toBe(false);
  expect(isPermittedMx([], 'mx1.d')).toBe(false);
});

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/);
const domain = fc
  .array(label, { minLength: 1, maxLength: 4 })
  .map((labels) => [...labels, 'test'].join('.'));
const mixedCase = (name: string) => fc.mixedCase(fc.constant(name));

test('case and trailing dot never matter', () => {
  const cases = fc
    .tuple(domain, fc.boolean())
    .chain(([name, dot]) => fc.tuple(mixedCase(name), mixedCase(dot ? `${name}.` : name)));
  fc.assert(fc.property(cases, ([pattern, host]) => matchesMx(pattern, host)));
});

test('"*.d" matches the hosts with exactly one label before d', () => {
  fc.assert(
    fc.property(domain, fc.array(label, { maxLength: 3 }), (name, before) => {
      expect(matchesMx(`*.${name}`, [...before, name].join('.'))).toBe(before.length === 1);
    }),
  );
});

test('a pattern without a star matches one name only', () => {
  fc.assert(fc.property(domain, domain, (a, b) => matchesMx(a, b) === (a === b)));
});

test('any two texts are compared without throwing, and only a pattern matches', () => {
  const text = fc.oneof(anyText, fc.stringMatching(/^[*.aü-]{0,6}$/));
  fc.assert(
    fc.property(
      text,
      text,
      (a, b) => !matchesMx(a, b) || isMxPattern(a.toLowerCase().replace(/\.$/, '')),
    ),
  );
});

test('long texts are compared in linear time', () => {
  for (const text of ['a'.repeat(500_000), 'a.'.repeat(250_000), '*.'.repeat(250_000)])
    expect(matchesMx(text, text)).toBe(false);
});
