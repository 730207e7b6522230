/** What is made to harm its reader: bombs, depth, members that stand there twice, control characters. */

import { deflateRawSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable } from '../../harness/protocol/printable.ts';
import { checkFile } from '../../harness/tlsrpt/check-file.ts';
import { DEEPEST, MOST_VALUES, readJson } from '../../harness/tlsrpt/json.ts';
import { Refusal } from '../../harness/tlsrpt/refusal.ts';
import { summarise } from '../../harness/tlsrpt/summary.ts';
import {
  LARGEST_FILE_BYTES,
  LARGEST_TEXT_BYTES,
  MOST_GROWTH,
} from '../../harness/tlsrpt/unpack.ts';
import { anyText } from '../protocol/any-text.ts';
import { changed, check, GOOD, mailOf, replaced } from './reports.ts';

describe('refused, with the reason', () => {
  it.each([
    ['50 MB', Buffer.alloc(50_000_000, 0x20), 'larger than 10 MiB'],
    [
      'a gzip bomb',
      gzipSync(Buffer.alloc(50_000_000, 0x20)),
      /^a gzip bomb: \d+ bytes that unpack to more than \d+ bytes$/,
    ],
    ['a gzip bomb in a mail', mailOf({ report: Buffer.alloc(50_000_000, 0x20) }), /^a gzip bomb/],
    [
      'gzip that is cut off',
      gzipSync(GOOD).subarray(0, 200),
      /^broken gzip: unexpected end of file/,
    ],
    [
      'gzip again and again',
      gzipSync(gzipSync(gzipSync(GOOD))),
      'packed with gzip again and again',
    ],
    [
      'a ZIP archive',
      Buffer.concat([Buffer.from('PK\x03\x04'), deflateRawSync(GOOD)]),
      /^it is a ZIP archive/,
    ],
    ['nothing', '', 'it is empty'],
    [
      'gzip of an image',
      gzipSync(Buffer.from('89504e470d0a1a0a', 'hex')),
      'what is packed with gzip is neither JSON, nor gzip, nor a mail',
    ],
    ['gzip of a mail', gzipSync(mailOf()), 'what should be the report is a mail'],
    ['a mail in a mail', mailOf({ report: mailOf() }), 'what should be the report is a mail'],
    [
      'an image',
      Buffer.from('89504e470d0a1a0a', 'hex'),
      'it is neither JSON, nor gzip, nor a mail',
    ],
    ['UTF-16', Buffer.from(`\ufeff${GOOD}`, 'utf16le'), 'it is not UTF-8, but UTF-16 or UTF-32'],
    ['Latin-1', Buffer.from(GOOD.replace('Company-X', 'Müller'), 'latin1'), 'not UTF-8'],
    ['an array', '[]', /^this is JSON, but no report: it is an array/],
    ['some other JSON', '{"name":"x"}', /^this is JSON, but no report: it has none of the members/],
    [
      'JSON that is cut off',
      GOOD.slice(0, -1),
      /^this is no JSON: line \d+, column \d+: expected "," or "\]|\}", found its end$/,
    ],
    ['two texts', `${GOOD}{}`, /expected nothing more, found "\{"$/],
    ['a control character', replaced('Company-X', 'a\0b'), /^this is no JSON: line 2/],
    [
      'deep nesting',
      `{"policies":${'['.repeat(100_000)}`,
      /^nested deeper than 32 levels: policies\[0\]\[0\]/,
    ],
    [
      'a member twice',
      replaced('"report-id"', '"organization-name"'),
      'the member organization-name stands there twice: readers differ on which of them counts',
    ],
    [
      'a member twice, one of them escaped',
      replaced('"failure-reason-code"', '"result\\u002dtype"'),
      /^the member policies\[0\]\.failure-details\[2\]\.result-type stands there twice/,
    ],
    [
      'a member twice, by another case of Object',
      '{"report-id":"1","__proto__":1,"__proto__":2}',
      /^the member __proto__ stands there twice/,
    ],
  ] as const)('%s', async (_, bytes, reason) => {
    const result = await checkFile(Buffer.from(bytes), 'file');
    expect(result).toEqual({
      kind: 'refused',
      reason: typeof reason === 'string' ? reason : expect.stringMatching(reason),
      section: 'section' in result ? result.section : undefined,
    });
  });

  it('too many values', () => {
    expect(() => readJson(`[${'1,'.repeat(MOST_VALUES)}1]`)).toThrow(/^more than 250000 values/);
    expect(readJson(`[${'1,'.repeat(MOST_VALUES - 2)}1]`)).toHaveLength(MOST_VALUES - 1);
  });

  it('what lies within the bounds is read', async () => {
    expect(
      await check(`${GOOD}${' '.repeat(LARGEST_FILE_BYTES - Buffer.byteLength(GOOD))}`),
    ).toEqual([]);
    const large = changed(({ policies: [{ 'failure-details': details }] }) => {
      details[0]['failure-reason-code'] = 'x'.repeat(900_000);
    });
    expect(large.length).toBeGreaterThan(MOST_GROWTH * gzipSync(large).length);
    expect(await check(gzipSync(large))).toEqual([]);
    expect(LARGEST_TEXT_BYTES).toBeGreaterThan(LARGEST_FILE_BYTES);
    const deep = `${'['.repeat(DEEPEST)}${']'.repeat(DEEPEST)}`;
    expect(readJson(deep)).toBeDefined();
  });
});

describe('JSON is read as JSON.parse reads it', () => {
  const asParsed = (text: string) => {
    try {
      return { value: JSON.stringify(JSON.parse(text)) };
    } catch {
      return { value: undefined };
    }
  };
  const asRead = (text: string) => {
    try {
      return { value: JSON.stringify(readJson(text)) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { value: undefined };
    }
  };

  it('whatever the value', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        expect(asRead(text)).toEqual(asParsed(text));
      }),
    );
  });

  it('whatever is broken in it', () => {
    const token = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"b"',
      '"\\u12',
      '1',
      '-',
      '.5',
      'e+',
      '01',
      'true',
      'nul',
      ' ',
      '\n',
      '\u00a0',
      '"\\x"',
      '"\t"',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 9 }), (tokens) => {
        const text = tokens.join('');
        const read = asRead(text);
        // What JSON.parse hides is refused here.
        if (read.value === undefined && /"(a|b)".*"\1"/s.test(text)) return;
        expect(read).toEqual(asParsed(text));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('fuzz', () => {
  /** A report in which any value has been replaced by any other. */
  const mutated = fc
    .tuple(
      fc.nat(40),
      fc.oneof(fc.jsonValue({ maxDepth: 3 }), anyText, fc.double(), fc.constant(undefined)),
      fc.boolean(),
    )
    .map(([which, value, adds]) => {
      const report = JSON.parse(GOOD);
      let at = which;
      const visit = (node: any): void => {
        for (const key of Object.keys(node)) {
          if (at-- === 0) {
            if (adds) node[`${key}x`] = value;
            else node[key] = value;
            return;
          }
          if (typeof node[key] === 'object' && node[key] !== null) visit(node[key]);
        }
      };
      visit(report);
      return JSON.stringify(report);
    });

  const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  /** A file with some bytes of it replaced. */
  const bitten = (whole: Buffer) =>
    fc
      .tuple(fc.nat(whole.length), noise)
      .map(([at, bytes]) =>
        Buffer.concat([whole.subarray(0, at), bytes, whole.subarray(at + bytes.length)]),
      );

  it('nothing makes it throw, and nothing of the report acts on a terminal', async () => {
    const file = fc.oneof(
      mutated.map((text) => Buffer.from(text)),
      mutated.map((text) => gzipSync(text)),
      mutated.map((text) => mailOf({ report: Buffer.from(text) })),
      bitten(Buffer.from(GOOD)),
      bitten(gzipSync(GOOD)),
      bitten(mailOf()),
      noise,
      anyText.map((text) => Buffer.from(text)),
    );
    await fc.assert(
      fc.asyncProperty(
        file,
        fc.oneof(anyText, fc.constant('a.test!b.test!1!2.json')),
        async (bytes, name) => {
          const result = await checkFile(bytes, name);
          const texts =
            result.kind === 'refused'
              ? [result.reason]
              : [
                  ...result.findings.flatMap(({ path, expected, found }) => [
                    path,
                    expected,
                    found,
                  ]),
                  ...textsIn(summarise(result.report)),
                ];
          for (const text of texts) expect(printable(text, 10_000)).toBe(text);
        },
      ),
      { numRuns: 1000 },
    );
  });

  function textsIn(value: unknown): string[] {
    if (typeof value === 'string') return [value];
    return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
  }
});

describe('what takes quadratic time elsewhere', () => {
  const blanks = ' '.repeat(4_000_000);
  it.each([
    ['an mx line', changed((r) => (r.policies[0].policy['policy-string'][2] = `mx: a${blanks}b`))],
    ['a contact', changed((r) => (r['contact-info'] = `${'<'.repeat(100_000)}${blanks}`))],
    [
      'a name',
      changed((r) => (r.policies[0].policy['policy-domain'] = `ü${'.a'.repeat(1_000_000)}!`)),
    ],
    ['a subject', mailOf({ header: { Subject: `Report Domain:${' '.repeat(200_000)}` } })],
    [
      'hosts against patterns',
      changed((r) => {
        r.policies[0].policy['mx-host'] = Array.from(
          { length: 50_000 },
          (_, at) => `a${at}.example`,
        );
        r.policies[0]['failure-details'] = Array.from({ length: 20_000 }, (_, at) => ({
          'result-type': 'certificate-expired',
          'receiving-mx-hostname': `b${at}.example`,
          'failed-session-count': 1,
        }));
      }),
    ],
  ])('%s', async (_, bytes) => {
    const result = await checkFile(bytes, 'file');
    if (result.kind === 'report') summarise(result.report);
    expect(result.kind).toBe('report');
  });
});
