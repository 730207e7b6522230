import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatStsPolicy,
  MAX_AGE_LIMIT_SECONDS,
  parseStsPolicy,
  parseStsPolicyLeniently,
  STS_MODES,
} from '../../harness/protocol/sts-policy.ts';
import { anyText } from './any-text.ts';

/**
 * The policy that every row departs from: led by other lines, whose keys then come first, or
 * without one of its own.
 */
const REST = 'version: STSv1\nmode: enforce\nmx: mx1.d\nmax_age: 86400\n';
const policy = {
  version: 'STSv1',
  mode: 'enforce',
  maxAgeSeconds: 86400,
  mx: ['mx1.d'],
  extensions: [],
};
const led = (lines: string) => `${lines}\n${REST}`;
const without = (key: string) => REST.replace(new RegExp(`^${key}:.*\n`, 'm'), '');

describe('policies that are one', () => {
  test.each([
    ['8461-3.2-line-terms', REST, {}],
    ['8461-3.2-line-terms', REST.replaceAll('\n', '\r\n'), {}],
    ['8461-3.2-line-terms', REST.replace('\n', '\r\n'), {}],
    ['8461-3.2-final-newline', REST.trimEnd(), {}],
    ['8461-3.2-final-newline', 'version: STSv1\nmax_age: 86400\nmx: mx1.d\nmode: enforce', {}],
    [
      '8461-3.2-order-free',
      'max_age: 86400\r\nmx: mx1.d\r\nmode: enforce\r\nversion: STSv1\r\n',
      {},
    ],
    ['8461-3.2-trailing-wsp', REST.replaceAll('\n', ' \t \r\n'), {}],
    ['8461-3.2-trailing-wsp', `${REST}x: y\t`, { extensions: [['x', 'y']] }],
    ['8461-3.2-key-delim', REST.replaceAll(': ', ':'), {}],
    ['8461-3.2-key-delim', REST.replaceAll(': ', ': \t  '), {}],
    ['8461-3.2-mode-required', led('mode: testing'), { mode: 'testing' }],
    [
      '8461-3.2-none-without-mx',
      'version: STSv1\nmode: none\nmax_age: 86400\n',
      { mode: 'none', mx: [] },
    ],
    ['8461-3.2-none-without-mx', led('mode: none'), { mode: 'none' }],
    [
      '8461-3.2-mx-multiple',
      `mx: a.d\n${REST}mx: *.e.d\nx: y\nmx: a.d`,
      { mx: ['a.d', 'mx1.d', '*.e.d', 'a.d'], extensions: [['x', 'y']] },
    ],
    ['8461-3.2-mx-alabel', led('mx: xn--bro-hoa.D'), { mx: ['xn--bro-hoa.D', 'mx1.d'] }],
    [
      '8461-3.2-max-age-bound',
      led(`max_age: ${MAX_AGE_LIMIT_SECONDS}`),
      { maxAgeSeconds: MAX_AGE_LIMIT_SECONDS },
    ],
    ['8461-3.2-max-age-bound', led('max_age: 0000086401'), { maxAgeSeconds: 86401 }],
    // Undecided: no lifetime at all.
    ['8461-3.2-max-age-bound', led('max_age: 0'), { maxAgeSeconds: 0 }],
    [
      '8461-3.2-unknown-keys',
      led('x-note: café au lait 🔒\nfuture.key_1:a: b=c;'),
      {
        extensions: [
          ['x-note', 'café au lait 🔒'],
          ['future.key_1', 'a: b=c;'],
        ],
      },
    ],
    ['8461-3.2-key-case', led('Mode: none'), { extensions: [['Mode', 'none']] }],
    ['8461-3.2-duplicate-keys', `${REST}mode: none\nmax_age: 1\nversion: STSv2\n`, {}],
    ['8461-3.2-duplicate-keys', `${REST}mode: Bogus\nmax_age: never\n`, {}],
    ['8461-3.2-duplicate-keys', led('mode: none\nmax_age: 1'), { mode: 'none', maxAgeSeconds: 1 }],
    ['8461-3.2-duplicate-keys', led('x: 1\nx: 2'), { extensions: [['x', '1']] }],
  ])('%s: %j', (_requirement, body, difference) => {
    expect(parseStsPolicy(body)).toEqual({ ok: true, value: { ...policy, ...difference } });
  });
});

describe('policies that are none', () => {
  test.each([
    ['8461-3.2-version-required', without('version'), 'version-missing', undefined, undefined],
    ['8461-3.2-version-required', led('version: STSv2'), 'version', 1, 10],
    ['8461-3.2-version-required', led('version: stsv1'), 'version', 1, 10],
    ['8461-3.2-mode-required', without('mode'), 'mode-missing', undefined, undefined],
    ['8461-3.2-mode-required', led('mode: report'), 'mode', 1, 7],
    ['8461-3.2-mode-required', led('mode: Enforce'), 'mode', 1, 7],
    ['8461-3.2-mode-required', led('mode: enforced'), 'mode', 1, 7],
    ['8461-3.2-mode-required', led('mode: '), 'mode', 1, 7],
    ['8461-3.2-mode-required', led('mode: enforce\u00a0'), 'mode', 1, 7],
    [
      '8461-3.2-key-case',
      `Mode: enforce\n${without('mode')}`,
      'mode-missing',
      undefined,
      undefined,
    ],
    ['8461-3.2-max-age-required', without('max_age'), 'max-age-missing', undefined, undefined],
    ['8461-3.2-max-age-bound', led('max_age: -1'), 'max-age', 1, 10],
    ['8461-3.2-max-age-bound', led('max_age: 1.5'), 'max-age', 1, 10],
    ['8461-3.2-max-age-bound', led('max_age: 1e3'), 'max-age', 1, 10],
    ['8461-3.2-max-age-bound', led('max_age: abc'), 'max-age', 1, 10],
    ['8461-3.2-max-age-bound', led('max_age: 00000000001'), 'max-age', 1, 10],
    // Undecided: erratum 7282.
    ['8461-3.2-max-age-bound', led('max_age: 31557601'), 'max-age-bound', 1, 10],
    ['8461-3.2-max-age-bound', led('max_age: 9999999999'), 'max-age-bound', 1, 10],
    ['8461-3.2-mx-required', without('mx'), 'mx-missing', undefined, undefined],
    ['8461-3.2-mx-required', `nmx: mx1.d\n${without('mx')}`, 'mx-missing', undefined, undefined],
    ['8461-3.2-mx-per-line', led('mx: a.d, b.d'), 'mx-pattern', 1, 5],
    ['8461-3.2-mx-per-line', led('mx: a.d b.d'), 'mx-pattern', 1, 5],
    ['8461-3.2-mx-alabel', led('mx: büro.d'), 'mx-pattern', 1, 5],
    // Undecided: one bad pattern among good ones.
    ['8461-3.2-mx-syntax', `${REST}mx:`, 'mx-pattern', 5, 4],
    ['8461-3.2-mx-syntax', led('mx: *'), 'mx-pattern', 1, 5],
    ['8461-3.2-mx-syntax', led('mx: *x.d'), 'mx-pattern', 1, 5],
    ['8461-3.2-mx-syntax', led('mx: a.*.d'), 'mx-pattern', 1, 5],
    ['8461-3.2-mx-syntax', led('mx: **.d'), 'mx-pattern', 1, 5],
    ['8461-3.2-mx-syntax', led('mx: *.*.d'), 'mx-pattern', 1, 5],
    ['8461-3.2-mx-syntax', led('mx: .d'), 'mx-pattern', 1, 5],
    ['8461-3.2-mx-syntax', led('mx: a_b.d'), 'mx-pattern', 1, 5],
    ['8461-3.2-mx-syntax', led('mx: 192.0.2.1'), 'mx-pattern', 1, 5],
    ['8461-3.2-mx-syntax', led('mx: [192.0.2.1]'), 'mx-pattern', 1, 5],
    // Undecided: a trailing dot.
    ['8461-4.1-trailing-dot', led('mx: mx1.d.'), 'mx-pattern', 1, 5],
    ['8461-3.2-line-terms', REST.replaceAll('\n', '\r'), 'version', 1, 10],
    ['8461-3.2-line-terms', REST.replace('enforce\n', 'enforce\r\r\n'), 'mode', 2, 7],
    ['8461-3.2-line-terms', `${REST}x: y\r`, 'extension-value', 5, 5],
    ['8461-3.2-key-delim', led('mx : mx1.d'), 'field-name', 1, 1],
    ['8461-3.2-key-delim', led(' mx: mx1.d'), 'field-name', 1, 1],
    ['8461-3.2-unknown-keys', led('x:'), 'extension-value', 1, 3],
    ['8461-3.2-unknown-keys', led('x: a\tb'), 'extension-value', 1, 5],
    ['8461-3.2-unknown-keys', led('x: a\0'), 'extension-value', 1, 5],
    ['8461-3.2-unknown-keys', led('x: \ud83d'), 'extension-value', 1, 4],
    ['8461-3.2-unknown-keys', led('_x: a'), 'field-name', 1, 1],
    ['8461-3.2-unknown-keys', led('é: a'), 'field-name', 1, 1],
    ['8461-3.2-unknown-keys', led(`${'n'.repeat(33)}: a`), 'field-name', 1, 1],
    ['8461-3.2-syntax-invalid', '<html>\n</html>', 'field-syntax', 1, 1],
    ['8461-3.2-syntax-invalid', `${REST}mo`, 'field-syntax', 5, 1],
    ['8461-3.2-syntax-invalid', `\ufeff${REST}`, 'field-name', 1, 1],
    // Undecided: blank lines.
    ['8461-3.2-syntax-invalid', '', 'blank-line', 1, 1],
    ['8461-3.2-syntax-invalid', '\n', 'blank-line', 1, 1],
    ['8461-3.2-syntax-invalid', REST.replace('\n', '\r\n \r\n'), 'blank-line', 2, 1],
    ['8461-3.2-syntax-invalid', `${REST}\n`, 'blank-line', 5, 1],
    ['8461-3.2-syntax-invalid', `${REST}\r\n`, 'blank-line', 5, 1],
  ])('%s: %j breaks %s', (_requirement, body, rule, line, column) => {
    const result = parseStsPolicy(body);
    expect(result.ok ? result : result.violation).toMatchObject({ rule, section: 'RFC 8461 §3.2' });
    expect(!result.ok && [result.violation.line, result.violation.column]).toEqual([line, column]);
  });
});

test('a policy is written as the RFC shows one', () => {
  expect(formatStsPolicy({ mode: 'testing', maxAgeSeconds: 60, mx: ['a.d', '*.d'] })).toBe(
    'version: STSv1\r\nmode: testing\r\nmx: a.d\r\nmx: *.d\r\nmax_age: 60\r\n',
  );
});

const name = fc
  .stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/)
  .filter((key) => !['version', 'mode', 'mx', 'max_age'].includes(key));
const value = anyText.filter(
  (text) =>
    /^[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?$/.test(text) && text.isWellFormed(),
);
const policies = fc.record({
  version: fc.constant('STSv1' as const),
  mode: fc.constantFrom(...STS_MODES),
  maxAgeSeconds: fc.integer({ min: 0, max: MAX_AGE_LIMIT_SECONDS }),
  mx: fc.array(fc.stringMatching(/^(\*\.)?[a-z0-9]([a-z0-9-]{0,9}[a-z0-9])?\.test$/), {
    minLength: 1,
    maxLength: 4,
  }),
  extensions: fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 4 }),
});

test('what is written is read back', () => {
  fc.assert(
    fc.property(policies, fc.constantFrom('\n' as const, '\r\n' as const), (written, eol) => {
      expect(parseStsPolicy(formatStsPolicy(written, { eol }))).toEqual({
        ok: true,
        value: written,
      });
    }),
  );
});

test('no text makes it throw, and what it accepts is whole', () => {
  const lines = fc.array(
    fc.constantFrom(
      'version: STSv1',
      'mode: none',
      'mode: enforce',
      'mx: a.d',
      'mx: *',
      'max_age: 1',
      'x: y',
      '',
      '\r',
    ),
  );
  const body = fc.oneof(
    anyText,
    lines.map((all) => all.join('\n')),
  );
  fc.assert(
    fc.property(body, (text) => {
      const result = parseStsPolicy(text);
      if (result.ok) expect(result.value.mode === 'none' || result.value.mx.length > 0).toBe(true);
      else expect(result.violation.rule).toMatch(/^[a-z-]+$/);
    }),
  );
});

test.each([' ', '\r', '\n', ':', 'a', 'mx: a.d\n', 'mx:', '*.', ' \t', '\u00e9', 'a-'])(
  'a long run of %j is read in linear time',
  (piece) => {
    const run = piece.repeat(500_000 / piece.length);
    for (const text of [run, `x: a${run}b`, `mx: ${run}`, `mode:${run}x`, `max_age: 1${run}`])
      expect(parseStsPolicy(text)).toHaveProperty('ok');
  },
);

test.each(['\n', '\r\n'])('read leniently, whatever its lines end with: %j', (eol) => {
  const body = `\uFEFF${led('a stray line\n\nmx: no pattern')}`.replaceAll('\n', eol);
  expect(parseStsPolicyLeniently(body)).toMatchObject({ ok: true, value: policy });
});
