import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatTlsrptRecord,
  parseTlsrptRecord,
  selectTlsrptRecord,
} from '../../harness/protocol/tlsrpt-record.ts';
import { anyText } from './any-text.ts';

const mail = { uri: 'mailto:a@d', transport: 'mailto' };
const https = { uri: 'https://r.d/x', transport: 'https' };

describe('records that are one', () => {
  test.each([
    ['8460-3-version', 'v=TLSRPTv1; rua=mailto:a@d', [mail], []],
    ['8460-3-version', 'v=TLSRPTv1;rua=mailto:a@d; ', [mail], []],
    ['8460-3-version', 'v=TLSRPTv1 ; rua=mailto:a@d ;', [mail], []],
    ['8460-3-rua-list', 'v=TLSRPTv1; rua=mailto:a@d , \thttps://r.d/x', [mail, https], []],
    ['8460-3-rua-list', 'v=TLSRPTv1; rua=mailto:a@d,https://r.d/x', [mail, https], []],
    [
      '8460-3-rua-list',
      'v=TLSRPTv1; rua=mailto:a%2cb%21@d',
      [{ uri: 'mailto:a%2cb%21@d', transport: 'mailto' }],
      [],
    ],
    [
      '8460-3-rua-schemes',
      'v=TLSRPTv1; rua=HTTPS://r.d/?a=b',
      [{ uri: 'HTTPS://r.d/?a=b', transport: 'https' }],
      [],
    ],
    [
      '8460-3-rua-schemes',
      'v=TLSRPTv1; rua=http://r.d/x',
      [{ uri: 'http://r.d/x', transport: 'unsupported' }],
      [],
    ],
    [
      '8460-3-rua-schemes',
      'v=TLSRPTv1; rua=ftp://r.d,https://r.d/x',
      [{ uri: 'ftp://r.d', transport: 'unsupported' }, https],
      [],
    ],
    ['8460-3-unknown-fields', 'v=TLSRPTv1; foo=bar; rua=mailto:a@d', [mail], [['foo', 'bar']]],
    ['8460-3-unknown-fields', 'v=TLSRPTv1; rua=mailto:a@d; RUA=x', [mail], [['RUA', 'x']]],
    // Undecided: RFC 8460 does not speak of repeated fields.
    ['8460-3-rua-required', 'v=TLSRPTv1; rua=mailto:a@d; rua=https://r.d/x', [mail], []],
  ])('%s: %j', (_requirement, text, rua, extensions) => {
    expect(parseTlsrptRecord(text)).toEqual({
      ok: true,
      value: { version: 'TLSRPTv1', rua, extensions },
    });
  });
});

describe('records that are none', () => {
  test.each([
    ['8460-3-version', 'v=tlsrptv1;rua=mailto:a@d', 'version', 1],
    ['8460-3-version', 'rua=mailto:a@d;v=TLSRPTv1', 'version', 1],
    ['8460-3-version', 'v=TLSRPTv10;rua=mailto:a@d', 'version', 1],
    ['8460-3-rua-required', 'v=TLSRPTv1;', 'rua-missing', undefined],
    ['8460-3-rua-required', 'v=TLSRPTv1; Rua=mailto:a@d', 'rua-missing', undefined],
    ['8460-3-rua-required', 'v=TLSRPTv1; rua=', 'rua-uri', 17],
    ['8460-3-rua-list', 'v=TLSRPTv1; rua=a@d', 'rua-uri', 17],
    ['8460-3-rua-list', 'v=TLSRPTv1; rua= mailto:a@d', 'rua-uri', 17],
    ['8460-3-rua-list', 'v=TLSRPTv1; rua=mailto:a@d ', 'rua-uri', 27],
    ['8460-3-rua-list', 'v=TLSRPTv1; rua=mailto:a@d, ', 'rua-uri', 29],
    ['8460-3-rua-list', 'v=TLSRPTv1; rua=mailto:a@d,,mailto:b@d', 'rua-uri', 28],
    ['8460-3-rua-list', 'v=TLSRPTv1; rua=mailto:a@d,  mailto:b!@d', 'rua-uri', 38],
    ['8460-3-rua-list', 'v=TLSRPTv1; rua=https://r.d/a b', 'rua-uri', 30],
    ['8460-3-rua-list', 'v=TLSRPTv1; rua=https://r.d/%2', 'rua-uri', 29],
    ['8460-3-rua-list', 'v=TLSRPTv1; rua=https://ü.d/', 'rua-uri', 25],
    ['8460-3-unknown-fields', 'v=TLSRPTv1; rua=mailto:a@d; x=a=b', 'extension-value', 32],
    ['8460-3-unknown-fields', 'v=TLSRPTv1; rua=mailto:a@d; x', 'field-syntax', 29],
    ['8460-3-unknown-fields', 'v=TLSRPTv1; rua=mailto:a@d; -x=1', 'field-name', 29],
  ])('%s: %j breaks %s', (_requirement, text, rule, column) => {
    const result = parseTlsrptRecord(text);
    expect(result.ok ? result : result.violation).toMatchObject({ rule, section: 'RFC 8460 §3' });
    expect(!result.ok && result.violation.column).toBe(column);
  });
});

describe('the record that counts', () => {
  const good = 'v=TLSRPTv1; rua=mailto:a@d';
  test.each([
    ['8460-3-multi-discard', [], 'no-record'],
    ['8460-3-multi-discard', ['junk', good], 'mailto:a@d'],
    ['8460-3-multi-discard', ['v=TLSRPTv10; rua=mailto:b@d', good], 'mailto:a@d'],
    ['8460-3-multi-discard', [good, 'v=TLSRPTv1;'], 'multiple-records'],
    ['8460-3-multi-discard', ['v=TLSRPTv1 ; rua=mailto:a@d'], 'no-record'],
    ['8460-3-rua-required', ['v=TLSRPTv1;'], 'rua-missing'],
  ])('%s: %j gives %s', (_requirement, txts: string[], expected) => {
    const result = selectTlsrptRecord(txts);
    expect(result.ok ? result.value.rua[0]?.uri : result.violation.rule).toBe(expected);
  });
});

const uri = fc.stringMatching(
  /^(mailto:|https:\/\/|x-y:|HTTPS:)([A-Za-z0-9._~:/?#@$&'()*+=-]|%[0-9A-F]{2}){0,20}$/,
);
const extensions = fc.uniqueArray(
  fc.tuple(
    fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{4,31}$/),
    fc.stringMatching(/^[\x21-\x3a\x3c\x3e-\x7e]{1,20}$/),
  ),
  {
    selector: ([name]) => name,
    maxLength: 4,
  },
);

test('what is written is read back', () => {
  fc.assert(
    fc.property(fc.array(uri, { minLength: 1, maxLength: 4 }), extensions, (rua, others) => {
      const result = selectTlsrptRecord([formatTlsrptRecord({ rua, extensions: others })]);
      expect(
        result.ok && {
          uris: result.value.rua.map((each) => each.uri),
          others: result.value.extensions,
        },
      ).toEqual({
        uris: rua,
        others,
      });
    }),
  );
});

test('no text makes it throw, and what it accepts has somewhere to go', () => {
  const text = fc.oneof(
    anyText,
    fc.stringMatching(/^v=TLSRPTv1; ?rua=[mailto:%,;! \ta-f=]{0,20}$/),
  );
  fc.assert(
    fc.property(text, (record) => {
      const result = parseTlsrptRecord(record);
      if (result.ok) expect(result.value.rua.length).toBeGreaterThan(0);
      else expect(result.violation.rule).toMatch(/^[a-z-]+$/);
    }),
  );
});

test.each([' ', ',', ';', 'a', 'a:', '%', '%20', ' ,', ' \t'])(
  'a long run of %j is read in linear time',
  (piece) => {
    const run = piece.repeat(500_000 / piece.length);
    for (const text of [run, `v=TLSRPTv1; rua=${run}`, `v=TLSRPTv1; rua=mailto:${run}!`])
      expect(parseTlsrptRecord(text)).toHaveProperty('ok');
  },
);
