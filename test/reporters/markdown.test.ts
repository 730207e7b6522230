import fc from 'fast-check';
import { lexer, type Token } from 'marked';
import { describe, expect, it } from 'vitest';
import { reporter } from '../../harness/reporters/markdown.ts';
import { failed, finding, report, result, summary, type Told } from './fixtures.ts';
import { HOSTILE, hostileText, runSaying } from './hostile.ts';

const known = { scenarios: 'a/*', reason: 'issue 12', file: 'mine/known.yaml', line: 7 } as const;
const documentOf = async (run: Told) => (await report(reporter, run)).out;
/** GitHub's limit on the summary of a step. */
const LIMIT = 1024 * 1024;

describe('the markdown reporter', () => {
  it('tells what a sender does where the RFCs leave it open', async () => {
    const facts = [{ fact: 'outcome', step: 1, point: 'A null MX', seen: 'kept', because: [] }];
    expect(await documentOf(summary([result({ facts })]))).toContain(
      '\n### Where the RFCs leave it open\n\n- postfix: A null MX: kept\n',
    );
  });

  it('tells the counts, the causes and what was not met', async () => {
    const document = await documentOf(
      summary(
        [
          failed(),
          failed({ scenario: 'starttls/stripped@as-454' }),
          { ...failed({ scenario: 'a/known' }), known },
          result({ scenario: 'a/slow', grade: 'inconclusive', remarks: ['the lab was slow'] }),
          result({
            scenario: 'a/not-met',
            grade: 'not-met',
            findings: [finding({ grade: 'not-met', actual: 'the host was never called' })],
          }),
          result({ sender: 'exim', senderVersion: '4.99', scenario: 'a/passes' }),
        ],
        {
          skippedSenders: [{ name: 'courier', reason: 'no Docker' }],
          knownNoMore: [{ sender: 'postfix', kind: 'passes', entry: known }],
        },
      ),
    );
    expect(document).toBe(`## Holdfast: 2 failures

6 verdicts in 12.3 s · holdfast 0.1.0

| sender | ✓ pass | ! warn | ✗ fail | ~ known | ○ not met | ? inconclusive | – unsupported |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| postfix 3.10.13 | 0 | 0 | 2 | 1 | 1 | 1 | 0 |
| exim 4.99 | 1 | 0 | 0 | 0 | 0 | 0 | 0 |

### What did not pass, by cause

- ✗ **fail** · postfix · 2 scenarios
  - MUST NOT, RFC 8461 §5: under enforce, no delivery to a host that does not offer STARTTLS
  - expected: deferred, nothing exposed
  - actual: content delivered in clear to mx1.victim.test at +3.1 s
  - in: \`starttls/stripped@as-removed-line\`, \`starttls/stripped@as-454\`
- ~ **known** · postfix · 1 scenario
  - MUST NOT, RFC 8461 §5: under enforce, no delivery to a host that does not offer STARTTLS
  - expected: deferred, nothing exposed
  - actual: content delivered in clear to mx1.victim.test at +3.1 s
  - known: issue 12
  - in: \`a/known\`

### Inconclusive

- postfix · 1 scenario: the lab was slow; in: \`a/slow\`

### Listed as known, and no more

- \`a/*\` · postfix: passes now; delete \`mine/known.yaml:7\`

### Senders that could not be run

- courier: no Docker

### Not met, and so not passed

- postfix, 1 time: the host was never called
`);
  });

  it.each([
    ['nothing failed', summary([result()])],
    [
      '1 verdict not decided',
      summary([result(), result({ scenario: 'a/slow', grade: 'inconclusive' })]),
    ],
    [
      '1 sender could not be run',
      summary([result()], { skippedSenders: [{ name: 'courier', reason: 'no Docker' }] }),
    ],
    ['1 sender judged in nothing', summary([result({ grade: 'unsupported' })])],
    ['1 sender judged in nothing', summary([result({ grade: 'not-met' })])],
    [
      '1 sender judged in nothing',
      summary([result(), result({ sender: 'exim', grade: 'not-met' })]),
    ],
    ['1 failure', summary([failed(), result()])],
    ['interrupted', summary([result()], { interrupted: true })],
    ['nothing ran', summary([])],
    [
      '2 failures, 1 by --strict',
      (({ run, ...told }) => ({ ...told, run: { ...run, strict: true } }))(
        summary([failed(), result({ scenario: 'a/w', grade: 'warn' })]),
      ),
    ],
  ])('opens with how it went: %s', async (words, run) => {
    expect(await documentOf(run)).toMatch(`## Holdfast: ${words}\n`);
  });

  it('is below the limit of GitHub whatever the run, and tells what it leaves out', async () => {
    const many = Array.from({ length: 3000 }, (_, index) =>
      failed({
        scenario: `${'@a'.repeat(50)}${index}`,
        // Letters tell causes apart.
        findings: [finding({ actual: `${'🧨@a'.repeat(70)}${letters(index)}` })],
      }),
    );
    const document = await documentOf(summary(many));
    expect(new TextEncoder().encode(document).length).toBeLessThan(LIMIT / 2);
    const shown = document.match(/^- ✗/gm)!.length;
    expect(shown).toBeGreaterThan(50);
    expect(document).toContain(`\nand ${3000 - shown} more\n`);
  });

  it('goes to a file, when there is a place for files', async () => {
    const { out, files } = await report(reporter, summary([failed()]), { outDir: 'out' });
    expect(out).toBe('');
    expect(Object.keys(files)).toEqual(['holdfast.md']);
  });

  /** Of the same structure as that of a sender that says nothing bad. */
  async function inOrder(text: string): Promise<void> {
    const document = await documentOf(runSaying(text));
    // Of nothing said there is nothing to see, and so a text less.
    if (text.trim() !== '' || text.length > 1000)
      expect(skeleton(lexer(document))).toEqual(
        skeleton(lexer(await documentOf(runSaying('said')))),
      );
    expect(document).not.toMatch(/[^\P{C}\n]|##\[|^\s*::[a-z]/imu);
    expect(document.length).toBeLessThan(50_000);
  }

  it.each(HOSTILE)('stays as it is when a sender says %j', (_, text) => inOrder(text));

  it('and whatever else it says', () => fc.assert(fc.asyncProperty(hostileText, inOrder)));
});

/** What a document is made of; text beside text is one, and the comment that escapes is text too. */
function skeleton(tokens: readonly Token[]): unknown[] {
  const parts: unknown[] = [];
  // Blank lines are nothing.
  for (const token of tokens.filter(({ type }) => type !== 'space')) {
    const children = childrenOf(token);
    const isText = ['text', 'escape'].includes(token.type) && children === undefined;
    const part = isText || token.raw === '<!-- -->' ? 'text' : [token.type, children];
    if (part !== 'text' || parts.at(-1) !== 'text') parts.push(part);
  }
  return parts;
}

function childrenOf(token: Token): unknown[] | undefined {
  if (token.type === 'table')
    return [token.header, ...token.rows].map((row: { tokens: Token[] }[]) =>
      row.map(({ tokens }) => skeleton(tokens)),
    );
  if (token.type === 'list') return token.items.map(({ tokens }: Token & any) => skeleton(tokens));
  return 'tokens' in token && token.tokens ? skeleton(token.tokens) : undefined;
}

/** A number in letters. */
const letters = (number: number) =>
  number.toString(36).replace(/\d/g, (digit) => 'QRSTUVWXYZ'[+digit]!);
