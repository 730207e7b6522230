import { describe, expect, it } from 'vitest';
import {
  describeFailure,
  describeVerdict,
  whyUnsupported,
} from '../../harness/reporters/failure-text.ts';
import { failed, finding, observed, result, scenario, sender, trial, verdict } from './fixtures.ts';

describe('describeFailure', () => {
  it('says what an operator needs to know', () => {
    const { verdict, trial } = failed();
    expect(describeFailure(verdict, verdict.findings[0]!, trial)).toEqual([
      '✗ starttls/stripped@as-removed-line · postfix 3.10.13 · step 2 · MUST NOT',
      '  RFC 8461 §5: under enforce, no delivery to a host that does not offer STARTTLS',
      '  expected  deferred, nothing exposed',
      '  actual    content delivered in clear to mx1.victim.test at +3.1 s',
      '  because   EHLO 250 (changed on the path) → MAIL FROM 250 → RCPT TO → 2048 bytes of mail in clear → accepted by mx1.victim.test in clear    evidence.ndjson #41–#47',
      '  attacker  saw: "Subject: holdfast 7f3a" and the whole message (2048 bytes, in clear)',
    ]);
  });

  const lineOf = (label: string, lines: readonly string[]) =>
    lines.find((line) => line.startsWith(`  ${label}`))?.slice(12);
  const because = (numbers: readonly number[], observations = trial().evidence.observations) =>
    lineOf(
      'because',
      describeFailure(verdict(), finding({ because: numbers }), trial({ observations })),
    );

  it('shows the envelope where only that was exposed', () => {
    const lines = describeFailure(
      verdict(),
      finding({ harm: 'envelope', because: [43], grade: 'warn' }),
      trial(),
    );
    expect(lines[0]).toMatch(/^! /);
    expect(lineOf('attacker', lines)).toBe(
      'saw: MAIL FROM:<a@sender.test>, RCPT TO:<m7f3a@victim.test>',
    );
  });

  it('claims no exposure where there was none', () => {
    expect(
      lineOf('attacker', describeFailure(verdict(), finding({ because: [46] }), trial())),
    ).toBeUndefined();
    expect(
      lineOf('harm', describeFailure(verdict(), finding({ harm: 'mail-lost' }), trial())),
    ).toBe('the message is lost');
  });

  it.each([
    ['fail', '8461-5.1-cold-fetch', 'unheld', 'SHOULD, and content was exposed'],
    ['fail', '8461-5-enforce-no-starttls', 'clear', 'MUST NOT'],
    [
      'warn',
      '8461-5-enforce-no-starttls',
      'envelope',
      'MUST NOT, but only the envelope was exposed',
    ],
    ['warn', '8461-3.1-syntax-invalid', undefined, 'MUST, but no mail was harmed'],
    ['warn', '8461-5.1-next-candidate', undefined, 'MUST in prose only'],
    ['warn', '8461-5.1-cold-fetch', undefined, 'SHOULD'],
  ] as const)(
    'says why a %s against %s (%s) weighs what it weighs',
    (grade, requirement, harm, weight) => {
      const one = finding({ grade, requirement, ...(harm && { harm }) });
      expect(describeFailure(verdict(), one, trial())[0]).toMatch(new RegExp(` · ${weight}$`));
    },
  );

  it('gives places as ranges', () => {
    expect(because([47, 41, 43, 42, 43])).toMatch(/ {4}evidence\.ndjson #41–#43, #47$/);
    expect(because([40, 42, 44, 46, 48])).toMatch(/#40, #42, #44, #46, …$/);
    expect(because([])).toBeUndefined();
  });

  it('counts repetition and leaves out the middle of a long chain', () => {
    const lookUp = (name: string) =>
      ({ kind: 'dns-query', name, type: 'TXT', transport: 'udp', answer: 'NXDOMAIN' }) as const;
    expect(because([1, 2, 3], observed([lookUp('a'), lookUp('a'), lookUp('b')], 1))).toBe(
      'TXT a: NXDOMAIN ×2 → TXT b: NXDOMAIN    evidence.ndjson #1–#3',
    );
    const many = observed([...'abcdefghij'].map(lookUp), 1);
    const links = because(
      many.map((seen) => seen.seq),
      many,
    )!.split(' → ');
    expect(links).toHaveLength(8);
    expect(links[4]).toBe('… 3 more …');
  });

  it('does not join a reply to a command of another connection', () => {
    const at = { mx: 'mx1', secure: false, authenticated: false };
    const seen = observed(
      [
        {
          kind: 'smtp-command',
          connection: 'c1',
          ...at,
          verb: 'EHLO',
          line: 'EHLO x',
          early: false,
        },
        {
          kind: 'smtp-reply',
          connection: 'c2',
          ...at,
          to: 'EHLO',
          reply: '502 no',
          changed: false,
        },
      ],
      1,
    );
    expect(because([1, 2], seen)).toBe('EHLO → EHLO answered 502    evidence.ndjson #1–#2');
  });

  it('shows every word of the wire escaped, on a line of its own', () => {
    const evil = '\x1b[2J\r\n::error::owned\u202e';
    const seen = observed(
      [{ kind: 'sender-status', token: 'm', status: 'deferred', detail: evil }],
      1,
    );
    const own = finding({
      actual: evil,
      expected: evil,
      requirement: evil,
      because: [1],
      harm: 'content',
    });
    const lines = describeFailure(
      verdict({ sender: evil, senderVersion: evil, scenario: evil }),
      own,
      trial({ observations: seen }),
    );
    expect(lines.filter((line) => /[\p{C}]/u.test(line) || /^\s*::[a-z]/.test(line))).toEqual([]);
    expect(lineOf('because', lines)).toBe(
      'sender says deferred: \\x1b[2J\\r\\n::error::owned\\u202e    evidence.ndjson #1',
    );
  });

  it('limits what a sender can make it print', () => {
    const lines = describeFailure(verdict(), finding({ actual: 'x'.repeat(100_000) }), trial());
    expect(lineOf('actual', lines)).toHaveLength(300);
  });
});

describe('describeVerdict', () => {
  it('tells every finding that is not well, the worst first, and the remarks', () => {
    const told = describeVerdict(
      verdict({
        grade: 'fail',
        findings: [
          finding({ grade: 'warn' }),
          finding({ grade: 'pass' }),
          finding({ grade: 'fail' }),
        ],
        remarks: ['also refused without a policy'],
      }),
      trial(),
    );
    expect(told.filter((line) => !line.startsWith(' ')).map((line) => line[0])).toEqual(['✗', '!']);
    expect(told.at(-1)).toBe('  remark    also refused without a policy');
  });

  it('has a title even when only remarks explain', () => {
    const { verdict, trial } = result({ grade: 'inconclusive', remarks: ['the lab was slow'] });
    expect(describeVerdict(verdict, trial)).toEqual([
      '? starttls/stripped@as-removed-line · postfix 3.10.13',
      '  remark    the lab was slow',
    ]);
  });

  it('has nothing to say of a plain pass', () => {
    expect(describeVerdict(verdict({ findings: [finding({ grade: 'pass' })] }), trial())).toEqual(
      [],
    );
  });
});

describe('whyUnsupported', () => {
  it('names what the sender does not declare', () => {
    const needy = trial({
      scenario: scenario('dane/x', { needs: ['mta-sts', 'dane', 'tlsrpt'] }),
      sender: sender(),
    });
    expect(whyUnsupported(verdict(), needy)).toBe('the sender declares no dane, tlsrpt');
  });

  it('else gives what was found', () => {
    expect(
      whyUnsupported(
        verdict({ findings: [finding({ grade: 'unsupported', actual: 'no queue' })] }),
        trial(),
      ),
    ).toBe('no queue');
  });
});
