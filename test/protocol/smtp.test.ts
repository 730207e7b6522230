import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Violation } from '../../harness/protocol/parsed.ts';
import {
  createReplyReader,
  formatReply,
  parseCommand,
  parseEhlo,
  parsePath,
  parseReplyLine,
  type Reply,
  type ReplyLimits,
} from '../../harness/protocol/smtp.ts';
import { anyText } from './any-text.ts';

describe('reply lines', () => {
  test.each([
    ['250 ok', { code: 250, last: true, text: 'ok' }],
    ['250-ok', { code: 250, last: false, text: 'ok' }],
    ['250', { code: 250, last: true, text: '' }],
    ['250 ', { code: 250, last: true, text: '' }],
    ['250-', { code: 250, last: false, text: '' }],
    ['454 4.7.0\tnot now', { code: 454, last: true, text: '4.7.0\tnot now' }],
    ['550 \u00fc', { code: 550, last: true, text: '\u00fc' }],
  ])('%j', (line, value) => {
    expect(parseReplyLine(line)).toEqual({ ok: true, value });
  });

  test.each([
    ['', 'reply-code', 1],
    ['25', 'reply-code', 1],
    [' 250 ok', 'reply-code', 1],
    ['150 ok', 'reply-code', 1],
    ['600 ok', 'reply-code', 1],
    ['260 ok', 'reply-code', 1],
    ['hello', 'reply-code', 1],
    ['2500 ok', 'reply-separator', 4],
    ['250\tok', 'reply-separator', 4],
    ['250_ok', 'reply-separator', 4],
    ['250 o\0k', 'control-character', 6],
    ['250 \x1b[2J', 'control-character', 5],
    ['250 a\rb', 'control-character', 6],
  ])('%j breaks %s', (line, rule, column) => {
    expect(parseReplyLine(line)).toMatchObject({
      ok: false,
      violation: { rule, section: 'RFC 5321 §4.2', column },
    });
  });
});

describe('the reply reader', () => {
  test.each<[string, string, Reply[], string]>([
    ['one reply', '220 mx ready\r\n', [{ code: 220, lines: ['mx ready'] }], ''],
    [
      'many lines',
      '250-mx\r\n250-SIZE 1\r\n250 STARTTLS\r\n',
      [{ code: 250, lines: ['mx', 'SIZE 1', 'STARTTLS'] }],
      '',
    ],
    ['a last line without text', '250-mx\r\n250\r\n', [{ code: 250, lines: ['mx', ''] }], ''],
    [
      'two replies at once',
      '220 go\r\n250 ok\r\n',
      [
        { code: 220, lines: ['go'] },
        { code: 250, lines: ['ok'] },
      ],
      '',
    ],
    [
      'injected text not yet a reply',
      '220 go\r\n250-x\r\n250 AUT',
      [{ code: 220, lines: ['go'] }],
      '250-x\r\n250 AUT',
    ],
    ['an unfinished line end', '220 go\r', [], '220 go\r'],
  ])('%s', (_why, text, replies, pending) => {
    const reader = createReplyReader();
    expect(reader.push(text)).toEqual(replies);
    expect(reader.pending()).toBe(pending);
    expect(reader.violation()).toBeUndefined();
  });

  test.each<[string, string, ReplyLimits, number, string, number]>([
    ['reply-code', '220 a\r\nGET / HTTP/1.1\r\n', {}, 1, 'reply-code', 2],
    ['a blank line', '\r\n', {}, 0, 'reply-code', 1],
    ['bare LF', '220 a\r\n250 ok\n250 ok\r\n', {}, 1, 'bare-lf', 2],
    ['bare CR', '250 a\rb\r\n', {}, 0, 'control-character', 1],
    ['another code', '250-a\r\n250-b\r\n251 c\r\n', {}, 0, 'code-changes', 3],
    ['a long line', `250 ${'x'.repeat(7)}\r\n`, { maxLineLength: 12 }, 0, 'line-too-long', 1],
    [
      'a long line without an end',
      `220 a\r\n250 ${'x'.repeat(20)}`,
      { maxLineLength: 12 },
      1,
      'line-too-long',
      2,
    ],
    ['a long reply', '250-a\r\n250-b\r\n250 c\r\n', { maxLines: 2 }, 0, 'too-many-lines', 3],
  ])('%s stops it', (_why, text, limits, replies, rule, line) => {
    const reader = createReplyReader(limits);
    expect(reader.push(text)).toHaveLength(replies);
    expect(reader.violation()).toMatchObject({ rule, line });
    expect(reader.push('\r\n250 ok\r\n')).toEqual([]);
    expect(reader.violation()).toMatchObject({ rule, line });
  });

  test('the longest line and the longest reply are still read', () => {
    const reader = createReplyReader({ maxLineLength: 12, maxLines: 2 });
    expect(reader.push('250-123456\r\n250 123456\r\n250 1\r\n')).toHaveLength(2);
  });

  const code = fc.constantFrom(220, 250, 354, 454, 550);
  const text = fc.oneof(
    fc.constantFrom('STARTTLS', '', ' ', '-'),
    fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,12}$/),
  );
  const reply = fc.record({ code, lines: fc.array(text, { minLength: 1, maxLength: 4 }) });

  test('what is written is read back', () => {
    fc.assert(
      fc.property(fc.array(reply), (replies) => {
        const reader = createReplyReader();
        expect(reader.push(replies.map(formatReply).join(''))).toEqual(replies);
        expect(reader.pending()).toBe('');
      }),
    );
  });

  test('however the text is cut, replies and violation are the same', () => {
    const piece = fc.oneof(
      { weight: 8, arbitrary: reply.map(formatReply) },
      fc.constantFrom('250-', '\n', '\r', '\r\n', '251 x\r\n', 'junk\r\n', '9'),
    );
    const cases = fc.tuple(
      fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')),
      fc.array(fc.nat(120), { maxLength: 8 }),
      fc.record({
        maxLineLength: fc.integer({ min: 8, max: 20 }),
        maxLines: fc.integer({ min: 1, max: 4 }),
      }),
    );
    fc.assert(
      fc.property(cases, ([stream, cuts, limits]) => {
        const whole = read([stream], limits);
        expect(read(cutAt(stream, cuts), limits)).toEqual(whole);
        expect(read([...stream], limits)).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });

  test('no text makes it throw', () => {
    fc.assert(fc.property(fc.array(anyText), (pieces) => Array.isArray(read(pieces, {}).replies)));
  });

  test('many small pieces and one endless line are read in linear time', () => {
    const reader = createReplyReader({ maxLineLength: 400_000 });
    for (let count = 0; count < 300_000; count++) reader.push(count === 0 ? '250 ' : 'x');
    expect(reader.push('\r\n')).toHaveLength(1);
    expect(createReplyReader().push('250 ok\r\n'.repeat(200_000))).toHaveLength(200_000);
    expect(read(['x'.repeat(1_000_000)], {}).violation?.rule).toBe('line-too-long');
  });
});

test('a reply without lines is written as one empty line', () => {
  expect(formatReply({ code: 250, lines: [] })).toBe('250 \r\n');
  expect(formatReply({ code: 250, lines: ['a', ''] })).toBe('250-a\r\n250 \r\n');
});

test.each([
  ['EHLO mx.sender.test\r\n', 'EHLO', 'mx.sender.test'],
  ['ehlo  a ', 'EHLO', 'a'],
  ['mail FROM:<a@b> SIZE=1', 'MAIL', 'FROM:<a@b> SIZE=1'],
  ['StartTLS', 'STARTTLS', ''],
  ['.', '.', ''],
  ['', '', ''],
  ['\u017ftarttls', '\u017fTARTTLS', ''],
])('command %j', (line, verb, argument) => {
  expect(parseCommand(line)).toEqual({ verb, argument });
});

describe('the reply to EHLO', () => {
  test.each<[string, number, string[], [string, string][]]>([
    [
      '5321-4.2-multiline',
      250,
      ['mx1 hello', 'SIZE 100', 'starttls'],
      [
        ['SIZE', '100'],
        ['STARTTLS', ''],
      ],
    ],
    ['parameters as sent', 250, ['mx1', 'auth plain Login '], [['AUTH', 'plain Login']]],
    ['the greeting offers nothing', 250, ['STARTTLS'], []],
    ['first occurrence', 250, ['mx1', 'SIZE 1', 'size 2'], [['SIZE', '1']]],
    [
      'overwritten',
      250,
      ['mx1', 'XXXXXXXA', '********', '', '-X', 'AUTH=LOGIN'],
      [['XXXXXXXA', '']],
    ],
    ['a long s is no s', 250, ['mx1', '\u017fTARTTLS'], []],
    ['refused', 550, ['mx1', 'STARTTLS'], []],
  ])('%s', (_why, code, lines, expected) => {
    expect([...parseEhlo({ code, lines })]).toEqual(expected);
  });
});

describe('paths', () => {
  test.each<[string, string, [string, string][]]>([
    ['FROM:<a@b> SIZE=1', 'a@b', [['SIZE', '1']]],
    ['FROM:<>', '', []],
    ['to:<Postmaster>', 'Postmaster', []],
    ['FROM: <a@b>', 'a@b', []],
    [
      'FROM:<a@b> RequireTLS  BODY=8BITMIME ENVID=a=b ',
      'a@b',
      [
        ['REQUIRETLS', ''],
        ['BODY', '8BITMIME'],
        ['ENVID', 'a=b'],
      ],
    ],
    ['FROM:<a@b> SIZE=1 size=2', 'a@b', [['SIZE', '1']]],
    ['TO:<@x.test,@y.test:a@b>', 'a@b', []],
    ['FROM:<"a>b\\"c"@d> X', '"a>b\\"c"@d', [['X', '']]],
    ['FROM:<a@[192.0.2.1]>', 'a@[192.0.2.1]', []],
  ])('%j', (argument, address, parameters) => {
    expect(parsePath(argument)).toEqual({
      ok: true,
      value: { address, parameters: new Map(parameters) },
    });
  });

  test.each([
    ['', 'path', 1],
    ['a@b', 'path', 1],
    ['FROM:a@b', 'path', 1],
    ['FROM:<a@b', 'path', 1],
    ['FROM:<"a@b>', 'path', 1],
    ['X FROM:<a@b>', 'path', 1],
    ['FROM:<a@b>SIZE=1', 'parameter', 11],
    ['FROM:<a@b> SIZE=1 -x', 'parameter', 19],
    ['FROM:<a@b>  =1', 'parameter', 13],
  ])('%j breaks %s', (argument, rule, column) => {
    expect(parsePath(argument)).toMatchObject({ ok: false, violation: { rule, column } });
  });
});

test('no text makes command, EHLO or path parser throw', () => {
  const text = fc.oneof(anyText, fc.stringMatching(/^(FROM|TO):[<>"\\@: =a-]{0,12}$/));
  fc.assert(
    fc.property(text, (line) => {
      expect(parseCommand(line).verb).not.toMatch(/[a-z ]/);
      expect([...parseEhlo({ code: 250, lines: ['mx', line] }).keys()].join()).toMatch(
        /^[A-Z0-9-]*$/,
      );
      expect(parsePath(line)).toHaveProperty('ok');
    }),
  );
});

test.each([' ', '\t', '"', '\\', '<', '=', ' a=', '-'])(
  'a long run of %j is read in linear time',
  (piece) => {
    const run = piece.repeat(500_000 / piece.length);
    expect(parseReplyLine(`250 ${run}`).ok).toBe(true);
    for (const text of [run, `x${run}x`]) expect(parseCommand(text)).toHaveProperty('verb');
    for (const text of [run, `FROM:${run}<`, `FROM:<${run}`, `FROM:<a>${run}`])
      expect(parsePath(text)).toHaveProperty('ok');
  },
);

function read(
  pieces: readonly string[],
  limits: ReplyLimits,
): { replies: Reply[]; violation: Violation | undefined } {
  const reader = createReplyReader(limits);
  const replies = pieces.flatMap((piece) => reader.push(piece));
  return { replies, violation: reader.violation() };
}

function cutAt(text: string, cuts: readonly number[]): string[] {
  const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
  return places.slice(1).map((end, index) => text.slice(places[index], end));
}
