import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, printableJson, printableLines } from '../../harness/protocol/printable.ts';

const shows = (text: string, expected: string) =>
  it(`${JSON.stringify(text)} is shown as ${expected}`, () =>
    expect(printable(text)).toBe(expected));

/** Strings of whole and broken UTF-16, rich in what does harm. */
const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '\x1b[31m',
        '\x9b2J',
        '\r\n',
        '::error::x',
        '::',
        '##[',
        '##vso[',
        '#',
        '\u202e',
        '\ud800',
        '\udc00',
        '\u{e0041}',
        ' ',
      ),
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    ),
  )
  .map((parts) => parts.join(''));

const acts = (text: string) =>
  /[\p{C}\p{Zl}\p{Zp}]/u.test(text) || /^\s*::[a-z]/i.test(text) || /##\w*\[/.test(text);

describe('printable', () => {
  describe('leaves text alone', () => {
    shows('250 2.0.0 Ok: queued', '250 2.0.0 Ok: queued');
    shows('Zürich ✓ 東京 🔒', 'Zürich ✓ 東京 🔒');
    shows('C:\\n', 'C:\\n');
    shows('::1', '::1');
    shows('id ## [x] #1', 'id ## [x] #1');
  });

  describe('escapes what a terminal obeys', () => {
    shows('\x1b[2J\x1b]0;owned\x07', '\\x1b[2J\\x1b]0;owned\\x07');
    shows('\x9b31m', '\\x9b31m');
    shows('a\r\nb\tc\0\x7f', 'a\\r\\nb\\tc\\x00\\x7f');
  });

  describe('escapes what cannot be seen or is shown elsewhere', () => {
    shows('\u202egnp.exe', '\\u202egnp.exe');
    shows('a\u2066b\u2069', 'a\\u2066b\\u2069');
    shows('pay\u200bpal\ufeff', 'pay\\u200bpal\\ufeff');
    shows('\u2028\u2029', '\\u2028\\u2029');
    shows('\u{e0041}', '\\u{e0041}');
    shows('\ud800x\udc00', '\\ud800x\\udc00');
    shows('\u3164\ufe0f', '\\u3164\\ufe0f');
  });

  describe('takes the edge off workflow commands', () => {
    shows('::error file=a::b', '\\x3a:error file=a::b');
    shows(' \u00a0::stop-commands::t', ' \u00a0\\x3a:stop-commands::t');
    shows('x ##[error]y', 'x \\x23#[error]y');
    shows('##vso[task.setvariable]', '\\x23#vso[task.setvariable]');
    shows('\n::error::x', '\\n::error::x');
  });

  it('cuts to the limit and says so', () => {
    expect(printable('abcdef', 6)).toBe('abcdef');
    expect(printable('abcdefg', 6)).toBe('abcde…');
    expect(printable('abcd🔒g', 6)).toBe('abcd…');
    expect(printable('\x1b'.repeat(100), 10)).toBe('\\x1b\\x1b\\…');
    expect(printable('x'.repeat(1000))).toHaveLength(300);
  });

  it('lets nothing through that acts, whatever comes', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 2, max: 400 }), (text, limit) => {
        const shown = printable(text, limit);
        expect(acts(shown), shown).toBe(false);
        expect(shown.length).toBeLessThanOrEqual(limit);
        expect(printable(shown, limit), 'once is enough').toBe(shown);
      }),
    );
  });
});

describe('printableJson', () => {
  it('is the same value, and holds nothing that acts', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const json = printableJson({ text, list: [text] });
        expect(JSON.parse(json)).toEqual({ text, list: [text] });
        expect(json.split('\n').filter(acts)).toEqual([]);
      }),
    );
  });

  it('keeps line breaks between members, and what has a shape', () => {
    expect(printableJson({ a: '\x9b🔒\u{e0041}' })).toBe('{\n  "a": "\\u009b🔒\\udb40\\udc41"\n}');
  });
});

it('printableLines escapes line by line, and leaves line ends and tabs', () => {
  expect(printableLines('a\x1b[1m\n\tb\u202e\n')).toBe('a\\x1b[1m\n\tb\\u202e\n');
});
