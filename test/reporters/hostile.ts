/** What a hostile sender says, and runs in which every word that it may choose is that. */

import fc from 'fast-check';
import type { Verdict } from '../../harness/model/verdict.ts';
import { finding, observed, result, summary, type Told } from './fixtures.ts';

const TEXTS: readonly string[] = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  ']]>',
  '--> <!--',
  '\u202egnitset',
  '\x1b[2J\x1b]0;owned\x07',
  '\x9b31m',
  '::error::owned',
  '\n::error file=a,line=1::owned',
  '\r\n::stop-commands::x',
  '##[error]owned',
  '`a` ``b`` ```\n```',
  '\n```\n# owned\n',
  '| a | b |\n| - | - |',
  '\\| \\` \\',
  '[a](http://evil.test/) ![a](http://evil.test/x.png)',
  '[1]: http://evil.test/',
  'http://evil.test/ www.evil.test a@evil.test mailto:a@evil.test',
  '@everyone #1 owner/repo#1 :tada: $x$',
  '- [ ] task\n1. one\n> quote\n***\n===',
  '%0A::error::owned%25 a,b:c',
  '{0} {{1}}',
  '\0',
  '\ud800 \ufffe \ufeff',
  '&lt;b&gt; &#0; &amp;',
  'deferred: 450 4.7.1 try again',
  '',
  ' ',
  'x'.repeat(1_000_000),
  '\n'.repeat(10_000),
];

/** With a title each, which is short. */
export const HOSTILE = TEXTS.map((text) => [text.slice(0, 40), text] as const);

/** Any text: made of what acts somewhere, and of noise. */
export const hostileText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(...TEXTS.filter((text) => text.length < 100)),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(...'`|*_~[]()<>&!#@:-+=.%,\\\n\r\t$"\'{}'),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));

/** A run with a verdict of each grade, whose words are all `text`. */
export function runSaying(text: string): Told {
  const entry = { scenarios: text, reason: text, until: text, link: text, file: text, line: 3 };
  const said = observed(
    [{ kind: 'sender-status', token: 'm', status: 'deferred', detail: text }],
    1,
  );
  const saidFact = { fact: 'outcome', step: 1, point: text, seen: text, because: [1] };
  const saying = (scenario: string, grade: Verdict['grade']) => {
    const own = finding({ grade, expected: text, actual: text, because: [1], harm: 'content' });
    return result(
      {
        scenario,
        grade,
        findings: [own],
        remarks: [text],
        sender: text,
        senderVersion: text,
        facts: [saidFact],
      },
      said,
    );
  };
  const unsaid = {
    sender: text,
    senderVersion: text,
    grade: 'inconclusive',
    remarks: [text],
  } as const;
  return summary(
    [
      saying('a/fails', 'fail'),
      { ...saying('a/known', 'fail'), known: entry },
      saying('a/warns', 'warn'),
      saying('a/unclear', 'inconclusive'),
      result({ scenario: 'a/slow', ...unsaid }, said),
      saying('a/not-met', 'not-met'),
      saying('a/unsupported', 'unsupported'),
      saying('a/passes', 'pass'),
    ],
    {
      knownNoMore: [
        { sender: text, kind: 'passes', entry },
        { sender: text, kind: 'past', entry },
      ],
      skippedSenders: [{ name: text, reason: text }],
      interrupted: true,
      evidenceDir: text,
    },
  );
}
