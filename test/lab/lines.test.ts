import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readLines } from '../../harness/lab/lines.ts';

const LONGEST_LINE = 16_384;

/** TLS records, with an LF in the length and in what follows. */
const HELLO = '\x16\x03\x01\x00\x0a\x01\n\r\nABCD\n\x00';
const ALERT = '\x15\x03\x03\x00\x02\x02\x28';

/**
 * What a server reads that takes DATA for the beginning of content, of bytes that come in these
 * pieces.
 */
async function readAll(pieces: readonly Buffer[]): Promise<string[]> {
  const stream = new PassThrough();
  const reader = readLines(stream);
  const fed = feed(stream, pieces);
  const read: string[] = [];
  for (let line = await reader.line(); line !== undefined; line = await reader.line()) {
    read.push(`line ${line}`);
    if (line !== 'DATA') continue;
    let passed = '';
    const content = await reader.content(10, async (text) => {
      await new Promise(setImmediate);
      passed += text;
    });
    expect(content.bytes).toBe(passed.length);
    expect(content.text).toBe(passed.slice(0, 10));
    read.push(`${content.whole ? 'content' : 'cut off'} ${passed}`);
  }
  await fed;
  return [...read, `rest ${reader.detach().toString('latin1')}`];
}

async function feed(stream: PassThrough, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) {
    if (!stream.write(piece)) await once(stream, 'drain');
    await new Promise(setImmediate);
  }
  stream.end();
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [
    0,
    ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b),
    bytes.length,
  ];
  return places
    .slice(1)
    .map((end, i) => bytes.subarray(places[i], end))
    .filter((piece) => piece.length > 0);
}

describe('however the bytes are cut', () => {
  const piece = fc.constantFrom(
    '\r',
    '\n',
    '.',
    '\r\n',
    '\r\n.\r\n',
    '\n.\n',
    '..',
    'DATA\r\n',
    'DATA\n',
    'NOOP\r\n',
    'x',
    '\xff\x00',
    '\x16\x03\x01',
    '\x00\x04',
    HELLO,
    ALERT,
    'y'.repeat(LONGEST_LINE - 1),
    'z'.repeat(40_000),
  );
  const text = fc
    .array(piece, { maxLength: 30 })
    .map((parts) => Buffer.from(parts.join(''), 'latin1'));

  test('the same lines and the same content are read', () =>
    fc.assert(
      fc.asyncProperty(
        text,
        fc.array(fc.nat({ max: 1e6 }), { maxLength: 12 }),
        async (bytes, at) => {
          expect(await readAll(cut(bytes, at))).toEqual(await readAll(cut(bytes, [])));
        },
      ),
      { numRuns: 150 },
    ));

  test('byte by byte as well', async () => {
    const bytes = Buffer.from(
      'EHLO a\r\nDATA\r\n.\r\nDATA\n\r\n.\r\r\n.\r\nQUIT\nno end',
      'latin1',
    );
    const expected = [
      'line EHLO a',
      'line DATA',
      'content .\r\n',
      'line DATA',
      'content \r\n.\r\r\n.\r\n',
      'line QUIT',
      'rest no end',
    ];
    expect(await readAll(cut(bytes, []))).toEqual(expected);
    expect(await readAll([...bytes].map((byte) => Buffer.from([byte])))).toEqual(expected);
  });
});

describe('lines', () => {
  const long = 'x'.repeat(LONGEST_LINE);
  test.each<[string, string, string[]]>([
    ['nothing', '', []],
    ['empty ones, by CRLF or LF', '\r\n\n', ['', '']],
    ['with a CR inside', 'a\rb\r\n', ['a\rb']],
    ['of any bytes', '\xe4\xff\r\n', ['\xe4\xff']],
    ['as long as can be with its CR', `${long.slice(1)}\r\n`, [long.slice(1)]],
    ['longer than that: cut', `${long}\r\n`, [long, '']],
    ['behind TLS records', `${HELLO}${ALERT}MAIL FROM:<>\r\n`, [HELLO, ALERT, 'MAIL FROM:<>']],
    [
      'in a record that is never whole',
      `\x16\x03\x01\x00\x40\x01\nMAIL FROM:<>\r\n`,
      ['\x16\x03\x01\x00\x40\x01', 'MAIL FROM:<>'],
    ],
    ['that begin like a record too long', '\x16\x03\x01\xff\xff\r\n', ['\x16\x03\x01\xff\xff']],
    ['cut after a CR: which is kept', `${long.slice(1)}\ry\n`, [`${long.slice(1)}\r`, 'y']],
  ])('%s', async (_what, text, lines) => {
    expect(await readAll([Buffer.from(text, 'latin1')])).toEqual([
      ...lines.map((line) => `line ${line}`),
      'rest ',
    ]);
  });
});

describe('content', () => {
  test.each<[string, string]>([
    ['.\r\n', 'content .\r\n'],
    ['..\r\n.\r\n', 'content ..\r\n.\r\n'],
    ['a\r\n.\r\n', 'content a\r\n.\r\n'],
    ['a\n.\n\r\n.\r\n', 'content a\n.\n\r\n.\r\n'],
    ['\r\n.\r\n', 'content \r\n.\r\n'],
    ['a\r\n.', 'cut off a\r\n.'],
    ['', 'cut off '],
  ])('%j', async (text, expected) => {
    expect((await readAll([Buffer.from(`DATA\r\n${text}`, 'latin1')])).slice(1, -1)).toEqual([
      expected,
    ]);
  });

  test('while the sink has not had enough time, little more than a line’s bound is taken in', async () => {
    const stream = new PassThrough({ highWaterMark: 1024 });
    const reader = readLines(stream);
    let release!: () => void;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const content = reader.content(0, () => gate);
    let taken = 0;
    while (stream.write('x'.repeat(1024)) || stream.readableFlowing) {
      taken += 1024;
      if (taken > 1e8) break;
      await new Promise(setImmediate);
    }
    expect(taken).toBeLessThan(2 * 64 * LONGEST_LINE);
    release();
    stream.end('\r\n.\r\n');
    expect(await content).toMatchObject({ whole: true });
  });
});

test('detach gives back what nobody has read, and leaves the rest to whoever comes next', async () => {
  const stream = new PassThrough();
  const reader = readLines(stream);
  stream.write('STARTTLS\r\nearly\r\n');
  expect(await reader.line()).toBe('STARTTLS');
  expect(reader.hasMore).toBe(true);
  expect(reader.detach().toString()).toBe('early\r\n');
  stream.write('hello');
  const next = readLines(stream);
  stream.end('\r\n');
  expect(await next.line()).toBe('hello');
  expect(await next.line()).toBeUndefined();
});

test('a stream that is over before it is read has no lines', async () => {
  const gone = new PassThrough();
  gone.destroy();
  await once(gone, 'close');
  expect(await readLines(gone).line()).toBeUndefined();
  const ended = new PassThrough();
  ended.resume().end();
  await once(ended, 'end');
  expect((await readLines(ended).content(1, () => {})).whole).toBe(false);
});
