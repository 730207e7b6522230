import { describe, expect, it } from 'vitest';
import { markdownBlock, markdownCode, markdownText } from '../../harness/protocol/markdown.ts';

describe('text', () => {
  it.each([
    ['<script>alert(1)</script>', '\\<script\\>alert(1)\\</script\\>'],
    ['[a](http://evil.test)', '\\[a\\](http:<!-- -->//evil.test)'],
    ['![a](x)', '!\\[a\\](x)'],
    ['`code` *bold* __bold__ ~~gone~~', '\\`code\\` \\*bold\\* \\_\\_bold\\_\\_ \\~\\~gone\\~\\~'],
    ['a | cell', 'a \\| cell'],
    ['# heading', '\\# heading'],
    ['  - item', '  \\- item'],
    ['12. item', '12\\. item'],
    ['=== ', '\\=== '],
    ['two\nlines\r\n', 'two\\\\nlines\\\\r\\\\n'],
    ['@someone, a@b.test', '@<!-- -->someone, a@<!-- -->b.test'],
    ['fixes #12, C# too', 'fixes #<!-- -->12, C# too'],
    ['www.evil.test', 'www<!-- -->.evil.test'],
    ['&lt;b&gt;', '&amp;lt;b&amp;gt;'],
    ['a\\*b', 'a\\\\\\*b'],
    ['\x1b[31m\u202e', '\\\\x1b\\[31m\\\\u202e'],
    ['mx1.victim.test, RFC 8461 §5: no', 'mx1.victim.test, RFC 8461 §5: no'],
  ])('%j', (text, escaped) => {
    expect(markdownText(text)).toBe(escaped);
  });

  it('is cut before it is escaped, so no escape is cut in two', () => {
    expect(markdownText('*'.repeat(50), 10)).toBe(`${'\\*'.repeat(9)}…`);
  });
});

describe('code', () => {
  it.each([
    ['plain', '`plain`'],
    ['a `b` c', '``a `b` c``'],
    ['`', '`` ` ``'],
    ['a|b', '`a\\|b`'],
    ['', '`  `'],
    ['two\nlines', '`two\\nlines`'],
  ])('%j', (text, escaped) => {
    expect(markdownCode(text)).toBe(escaped);
  });
});

describe('a block', () => {
  it('is closed by nothing within it', () => {
    expect(markdownBlock('a\n```\n````\nb\n', 'text')).toBe('`````text\na\n```\n````\nb\n`````');
  });

  it('keeps its lines, and escapes what acts on a terminal', () => {
    expect(markdownBlock('one\x1b[2J\ntwo')).toBe('```\none\\x1b[2J\ntwo\n```');
  });
});
