import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { reporter } from '../../harness/reporters/text.ts';
import { failed, finding, report, result, summary } from './fixtures.ts';

const run = summary(
  [
    result({ scenario: 'starttls/refused@454' }),
    failed(),
    result({
      scenario: 'dane/rescue',
      grade: 'unsupported',
      findings: [finding({ grade: 'unsupported', actual: 'no dane' })],
    }),
  ],
  {
    evidenceDir: 'out/run-1',
    skippedSenders: [{ name: 'exim', reason: 'no Docker here: start it' }],
  },
);

describe('in a log', () => {
  it('writes a line for what did not pass, each cause in full, and the whole picture', async () => {
    const { out } = await report(reporter, run);
    expect(out).toBe(`holdfast 0.1.0 · 3 scenarios · postfix 3.10.13

1/3 · 1 pass
✗ starttls/stripped@as-removed-line · postfix 3.10.13 · content delivered in clear to mx1.victim.te…
2/3 · 1 pass · 1 fail

What did not pass, by cause
  ✗ starttls/stripped@as-removed-line · postfix 3.10.13 · step 2 · MUST NOT
    RFC 8461 §5: under enforce, no delivery to a host that does not offer STARTTLS
    expected  deferred, nothing exposed
    actual    content delivered in clear to mx1.victim.test at +3.1 s
    because   EHLO 250 (changed on the path) → MAIL FROM 250 → RCPT TO → 2048 bytes of mail in clear → accepted by mx1.victim.test in clear    evidence.ndjson #41–#47
    attacker  saw: "Subject: holdfast 7f3a" and the whole message (2048 bytes, in clear)

Scenarios and senders
                            postfix
  starttls/refused          ✓ 1
  starttls/stripped         ✗ 1
  dane/rescue               –
  pass                      1
  fail                      1
  unsupported               1

What an attacker would have got
  postfix  whole messages in 1 · only envelopes in 0 · nothing in 2, of 3 scenarios on a changed path
           ✗ content in starttls/stripped@as-removed-line

Unsupported
  postfix  1 time: no dane

Senders that could not be run
  – exim: no Docker here: start it

Evidence
  out/run-1

Try next
  holdfast explain starttls/stripped@as-removed-line  what is attacked, how, and why it matters
  holdfast judge out/run-1                            the same verdicts again, without a lab
  holdfast run --sender reference ./mine              scenarios of your own

3 verdicts in 12.3 s · 1 pass · 1 fail · 1 unsupported
`);
  });

  it('says so when the run was stopped', async () => {
    const { out } = await report(reporter, {
      ...run,
      results: run.results.slice(0, 1),
      interrupted: true,
    });
    expect(out).toMatch(/1 verdict in 12\.3 s · 1 pass · interrupted, 2 not judged\n$/);
  });

  it('says so when a sender broke, and what --strict counts', async () => {
    const broken = { name: 'postfix', reason: 'it died', isBroken: true };
    const cut = { ...run, results: run.results.slice(0, 1), skippedSenders: [broken] };
    expect((await report(reporter, cut)).out).toMatch(/1 pass · 2 not judged\n$/);
    const told = summary([result(), result({ scenario: 'a/w', grade: 'warn' })]);
    const strict = { ...told, run: { ...told.run, strict: true } };
    expect((await report(reporter, strict)).out).toMatch(
      /1 pass · 1 warn, which --strict counts as a failure\n$/,
    );
  });

  it('survives a run in which nothing ran', async () => {
    const { out } = await report(reporter, summary([]));
    expect(out).toContain('0 verdicts in 12.3 s\n');
    expect(out).not.toContain('Scenarios and senders');
  });

  it.each(['unsupported', 'not-met'] as const)(
    'names a sender that was judged in nothing: %s',
    async (grade) => {
      const one = result({ grade, findings: [finding({ grade })] });
      const NOTHING = `postfix was judged in nothing (1 ${grade.replace('-', ' ')}): a run passes only where each sender was judged in something.\n`;
      const told = async (...results: Parameters<typeof summary>[0]) =>
        (await report(reporter, summary(results))).out;
      expect(await told(one)).toContain(NOTHING);
      expect(await told(one, failed({ sender: 'exim' }))).toContain(NOTHING);
      expect(await told(one, failed())).not.toContain('judged in nothing');
      const whole = summary([one]);
      const part = { ...whole, run: { ...whole.run, shard: { index: 1, of: 2 } } };
      expect((await report(reporter, part)).out).not.toContain('judged in nothing');
    },
  );

  it('says so when it was stopped before a sender was ready', async () => {
    const early = summary([], { interrupted: true, evidenceDir: 'out' });
    const { out } = await report(reporter, { ...early, run: { ...early.run, senders: [] } });
    expect(out).toMatch(/0 verdicts in 12\.3 s · interrupted before a sender was ready\n$/);
    expect(out).not.toContain('holdfast judge');
    expect(out).not.toContain('\n\n\n');
  });

  it('says why the evidence is not whole', async () => {
    const { out } = await report(reporter, { ...run, evidenceProblem: 'ENOSPC: no space left' });
    expect(out).toContain('  out/run-1, but not of every trial: ENOSPC: no space left\n');
  });

  it('names doctor where no honest message arrived', async () => {
    const silent = (scenario: string) =>
      result({
        scenario,
        grade: 'inconclusive',
        findings: [finding({ grade: 'inconclusive', expectation: 'control' })],
      });
    const DOCTOR = 'holdfast doctor --sender postfix ';
    const all = summary([silent('a'), silent('b')]);
    expect((await report(reporter, all)).out).toContain(DOCTOR);
    const own = { ...all, givenAs: { postfix: './my-mta' } };
    expect((await report(reporter, own)).out).toContain('holdfast doctor --sender ./my-mta ');
    expect((await report(reporter, summary([silent('a'), failed()]))).out).not.toContain(DOCTOR);
  });

  it('never sends a control character of its own', async () => {
    const { out } = await report(reporter, run);
    expect(out).not.toMatch(/[^\P{C}\n]/u);
  });
});

describe('on a terminal', () => {
  const terminal = { isTerminal: true, columns: 80 };

  it('shows the whole and each sender whose trials run, below what did not pass', async () => {
    const shown: string[][] = [];
    const { out } = await report(reporter, run, {
      ...terminal,
      live: (lines) => shown.push(lines ? [...lines()] : []),
    });
    const untimed = shown.map((lines) => lines.map((line) => line.replace(/ · \d+ s$/, '')));
    expect(untimed).toEqual([
      ['0/3'],
      ['0/3', '  postfix  0/3 · 1 running: starttls/refused@454'],
      ['1/3 · 1 pass'],
      ['1/3 · 1 pass', '  postfix  1/3 · 1 running: starttls/stripped@as-removed-line'],
      ['2/3 · 1 pass · 1 fail'],
      ['2/3 · 1 pass · 1 fail', '  postfix  2/3 · 1 running: dane/rescue'],
      ['3/3 · 1 pass · 1 fail · 1 unsupported'],
      [],
    ]);
    expect(out).toMatch(/13\n\n✗ starttls\/stripped[^\n]+\n\nWhat did not pass, by cause\n/);
    expect(out).not.toContain('1/3');
  });

  it('says how much time is left once it can be told', async () => {
    const last: string[] = [];
    const many = Array.from({ length: 8 }, (_, index) => result({ scenario: `a/b@${index}` }));
    await report(reporter, summary(many), {
      ...terminal,
      live: (lines) => last.push(lines?.()[0] ?? ''),
    });
    expect(last.filter((line) => line.includes('left'))).not.toEqual([]);
    expect(last.find((line) => line.startsWith('5/8'))).toMatch(
      /^5\/8 · 5 pass · 0 s · about 0 s left$/,
    );
    expect(last.find((line) => line.startsWith('4/8'))).not.toContain('left');
  });

  it('colours only when asked to', async () => {
    const plain = await report(reporter, run);
    const colored = await report(reporter, run, { color: true });
    expect(colored.out).toContain('\x1b[31m✗ 1\x1b[39m');
    expect(colored.out).toContain('\x1b[31m✗ starttls/stripped');
    expect(stripVTControlCharacters(colored.out)).toBe(plain.out);
  });
});

describe('where the RFCs leave it open', () => {
  const fact = { fact: 'outcome', step: 1, point: 'A null MX', seen: 'delivered', because: [] };
  const run = summary([
    result({ scenario: 'a/one', facts: [fact] }),
    result({ scenario: 'a/two', facts: [fact, { ...fact, seen: 'returned' }] }),
    result({ scenario: 'a/one', sender: 'exim', facts: [fact] }),
  ]);
  const heading = 'Where the RFCs leave it open\n';

  it('tells each fact of a sender once, if asked for all', async () => {
    const { out } = await report(reporter, run, { isVerbose: true });
    expect(out.split(heading)[1]!.split('\n\n')[0]).toBe(
      [
        '  postfix: A null MX: delivered',
        '  postfix: A null MX: returned',
        '  exim: A null MX: delivered',
      ].join('\n'),
    );
    expect((await report(reporter, run)).out).not.toContain(heading);
  });
});

describe('under a hostile sender', () => {
  const evil = '\x1b[2J\x9b\n::error::owned\r##[error]x\u202e\ud800';

  it('prints nothing that a terminal or a CI runner obeys', async () => {
    const grades = ['pass', 'warn', 'fail', 'inconclusive', 'unsupported'] as const;
    const results = grades.map((grade) =>
      result({
        grade,
        scenario: evil,
        sender: evil,
        senderVersion: evil,
        remarks: [evil],
        findings: [finding({ grade, actual: evil, expected: evil })],
      }),
    );
    const live: string[] = [];
    const { out } = await report(
      reporter,
      summary(results, { evidenceDir: evil, skippedSenders: [{ name: evil, reason: evil }] }),
      { live: (lines) => live.push(...(lines?.() ?? [])) },
    );
    const lines = [...out.split('\n'), ...live];
    expect(
      lines.filter(
        (line) => /\p{C}/u.test(line) || /^\s*::[a-z]/i.test(line) || line.includes('##['),
      ),
    ).toEqual([]);
    expect(out).toContain('\\x1b[2J');
  });
});
