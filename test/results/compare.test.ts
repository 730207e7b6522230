import { describe, expect, it } from 'vitest';
import type { Result, RunSummary } from '../../harness/model/reporter.ts';
import { exposureOf, type Harm, type Verdict } from '../../harness/model/verdict.ts';
import { compareRuns, compareSenders, comparisonCode } from '../../harness/results/compare.ts';
import {
  comparisonJson,
  comparisonMarkdown,
  comparisonText,
} from '../../harness/results/comparison-text.ts';
import { finding, summary, trial, verdict } from '../reporters/fixtures.ts';

type Given = Partial<Verdict> & { readonly reach?: Result['reach'] };

/** A run with these verdicts. */
function runOf(given: readonly Given[], change: Partial<RunSummary> = {}): RunSummary {
  const told = given.map(({ reach = ['connected'], ...of }) => {
    const own = verdict(of);
    const { scenario, sender } = trial();
    return {
      verdict: own,
      reach,
      isRun: true,
      trial: trial({
        scenario: { ...scenario, id: own.scenario },
        sender: { ...sender, name: own.sender, version: own.senderVersion },
      }),
    };
  });
  const whole = summary(told);
  return { ...whole, results: told.map(({ trial: _, ...result }) => result), ...change };
}
const fail = (actual = finding().actual) => ({
  grade: 'fail' as const,
  exposure: 'content' as const,
  findings: [finding({ actual })],
});
/** Words of their own, as the judge has for each harm. */
const harmed = (harm: Harm) => ({
  grade: 'fail' as const,
  exposure: exposureOf(harm),
  findings: [finding({ harm, actual: `what is ${harm}` })],
});
const undecided = (harm: Harm): Given => ({
  ...harmed(harm),
  grade: 'inconclusive',
  remarks: ['slow'],
});
const kinds = (before: readonly Given[], after: readonly Given[]) =>
  compareRuns(runOf(before), runOf(after)).shifts.map(({ kind }) => kind);

describe('a pair', () => {
  it.each<[string, Given, Given, readonly string[]]>([
    ['pass, fail', {}, fail(), ['worse']],
    ['fail, pass', fail(), {}, ['better']],
    ['pass, pass', {}, {}, []],
    ['pass, not met', {}, { grade: 'not-met', remarks: ['never asked'] }, ['worse']],
    ['pass, inconclusive', {}, { grade: 'inconclusive', remarks: ['slow'] }, ['undecided']],
    ['fail, inconclusive', fail(), { grade: 'inconclusive', remarks: ['slow'] }, ['undecided']],
    ['fail, declared no more', fail(), { grade: 'unsupported', remarks: ['no sts'] }, ['worse']],
    ['unsupported, fail', { grade: 'unsupported', remarks: ['no sts'] }, fail(), ['worse']],
    ['unsupported, pass', { grade: 'unsupported', remarks: ['no sts'] }, {}, ['better']],
    ['inconclusive, fail', { grade: 'inconclusive' }, fail(), ['worse']],
    [
      'unsupported, not met',
      { grade: 'unsupported', remarks: ['no cache'] },
      { grade: 'not-met', remarks: ['kept to its cache'] },
      ['reason'],
    ],
    ['fail, fail for the same reason', fail(), fail(), ['both-fail']],
    [
      'the same reason in other words of the server',
      fail('bounced: 550 5.1.1 <a@victim.test> queue id 7AF3'),
      fail('bounced: by DSN, at 10:31:02'),
      ['both-fail'],
    ],
    [
      'the same reason with other names and numbers',
      fail('delivered through mx1.victim.test after 3.2 s'),
      fail('delivered through mx9.victim.x6a5809bf.test after 14 s'),
      ['both-fail'],
    ],
    ['fail, fail for another reason', fail(), fail('mail was lost'), ['reason']],
    [
      'fail in one more way',
      fail(),
      { ...fail(), findings: [finding(), finding({ actual: 'mail was lost' })] },
      ['worse'],
    ],
    [
      'fail in one way less',
      { ...fail(), findings: [finding(), finding({ actual: 'mail was lost' })] },
      fail(),
      ['better'],
    ],
    ['fail with more harm', harmed('content'), harmed('clear'), ['worse']],
    ['fail with as much harm', harmed('content'), harmed('unheld'), ['reason']],
    ['fail with less harm', harmed('clear'), harmed('content'), ['better']],
    ['mail lost that came back', harmed('returned'), harmed('mail-lost'), ['worse']],
    ['mail lost that was seen', harmed('clear'), harmed('mail-lost'), ['worse']],
    [
      'another requirement broken in place of one',
      fail(),
      { ...fail(), findings: [finding({ requirement: '8461-4.1-mx-match' })] },
      ['worse'],
    ],
    ['undecided with more harm', undecided('envelope'), undecided('clear'), ['reason']],
    ['more exposed', { grade: 'warn' }, { grade: 'warn', exposure: 'envelope' }, ['worse']],
    ['another reach', { reach: ['connected'] }, { reach: [] }, ['reason']],
  ])('%s', (_, before, after, expected) => {
    expect(kinds([before], [after])).toEqual(expected);
  });

  it('is of the same scenario and sender', () => {
    const of = (scenario: string, sender: string, more: Given = {}): Given => ({
      scenario,
      sender,
      ...more,
    });
    const before = [of('a', 'x'), of('b', 'x'), of('a', 'y')];
    const after = [of('a', 'x', fail()), of('a', 'y'), of('c', 'y')];
    const { shifts, paired, same } = compareRuns(runOf(before), runOf(after));
    expect(shifts.map(({ kind, sender, scenarios }) => [kind, sender, ...scenarios])).toEqual([
      ['worse', 'x', 'a'],
      ['appeared', 'y', 'c'],
      ['vanished', 'x', 'b'],
    ]);
    expect({ paired, same }).toEqual({ paired: 2, same: 1 });
  });

  it('is of two senders of other names, where each run has one', () => {
    expect(kinds([{ sender: 'release' }], [{ sender: 'candidate', ...fail() }])).toEqual(['worse']);
    const both = runOf([{ sender: 'release' }, { sender: 'candidate', ...fail() }]);
    expect(compareSenders(both, 'release').shifts).toMatchObject([
      { kind: 'worse', sender: 'candidate' },
    ]);
  });
});

describe('one cause', () => {
  const before = ['a', 'b', 'c'].map((scenario) => ({ scenario }));
  const after = ['a', 'b', 'c'].map((scenario, index) => ({
    scenario,
    ...fail(`delivered in clear through mx${index}.victim.test`),
  }));

  it('is told once, with its scenarios', () => {
    expect(compareRuns(runOf(before), runOf(after)).shifts).toEqual([
      {
        kind: 'worse',
        sender: 'postfix',
        before: 'pass',
        after: 'fail',
        requirement: '8461-5-enforce-no-starttls',
        seen: 'delivered in clear through mx0.victim.test',
        scenarios: ['a', 'b', 'c'],
      },
    ]);
  });
});

describe('the exit code', () => {
  const code = (before: RunSummary, after: RunSummary) =>
    comparisonCode(compareRuns(before, after));
  it('is 1 for what is worse, 0 for what fails in both', () => {
    expect(code(runOf([{}]), runOf([fail()]))).toBe(1);
    expect(code(runOf([fail()]), runOf([fail()]))).toBe(0);
    expect(code(runOf([fail()]), runOf([{}]))).toBe(0);
  });

  it('is 2 where nothing is known', () => {
    const skipped = { skippedSenders: [{ name: 'exim', reason: 'no Docker' }] };
    expect(code(runOf([]), runOf([]))).toBe(2);
    expect(code(runOf([{ scenario: 'a' }]), runOf([{ scenario: 'b' }]))).toBe(2);
    expect(code(runOf([{}]), runOf([{}], { interrupted: true }))).toBe(2);
    expect(code(runOf([{}]), runOf([{}], skipped))).toBe(2);
    const open = runOf([{ grade: 'inconclusive' }]);
    expect(code(open, open)).toBe(2);
    expect(code(runOf([{}]), open)).toBe(2);
    const unjudged = runOf([{ grade: 'not-met' }]);
    expect(code(unjudged, unjudged)).toBe(2);
    expect(code(unjudged, runOf([{}]))).toBe(0);
  });

  it('is 2 where the candidate was tried with less, or fails what the other was not tried with', () => {
    const one = runOf([{ scenario: 'a' }]);
    const both = runOf([{ scenario: 'a' }, { scenario: 'b' }]);
    expect(code(both, one)).toBe(2);
    expect(code(one, both)).toBe(0);
    expect(code(runOf([{ scenario: 'a' }, { scenario: 'b', grade: 'unsupported' }]), one)).toBe(0);
    const failing = runOf([{ scenario: 'a' }, { scenario: 'b', ...fail() }]);
    expect(code(one, failing)).toBe(2);
    expect(compareRuns(both, one).gaps).toEqual([
      'the second run has no verdict on 1 scenario of the first',
    ]);
  });
});

describe('what is written', () => {
  const hostile = '<script>`x`|\n::error::\x1b[31m@everyone\u202e';
  const many = Array.from({ length: 40 }, (_, index) => ({ scenario: `cache/${index}` }));
  const comparison = compareRuns(
    runOf(many),
    runOf(many.map((one) => ({ ...one, sender: hostile, ...fail(hostile) }))),
  );

  it('names the cause once and some of its scenarios', () => {
    const text = comparisonText(comparison);
    expect(text.match(/✗ pass → fail/g)).toHaveLength(1);
    expect(text).toContain('cache/11, and 28 more\n');
    expect(text).toMatch(/\n40 pairs, 0 of them the same · 40 worse\n$/);
  });

  it('does not say again what the grades say', () => {
    const lacking = runOf([{ scenario: 'a', grade: 'unsupported' }]);
    const shifted = compareRuns(runOf([{ scenario: 'a' }]), lacking);
    expect(comparisonText(shifted)).toContain('pass → unsupported');
    expect(comparisonText(shifted)).not.toContain('    seen ');
    expect(comparisonMarkdown(shifted)).not.toContain('- seen');
  });

  it('lets nothing act that a sender says', () => {
    const text = comparisonText(comparison);
    expect(text).not.toMatch(/\x1b|\u202e|^\s*::/m);
    const markdown = comparisonMarkdown(comparison);
    expect(markdown).not.toMatch(/\x1b|\u202e|^\s*::|[^\\]<(?!!-- -->)|[^\\]`x|@e/m);
    expect(JSON.parse(comparisonJson(comparison))).toMatchObject({
      schemaVersion: 1,
      paired: 40,
      counts: { worse: 40, better: 0 },
      shifts: [{ kind: 'worse', seen: hostile }],
    });
  });

  it('stays below the limit of a job summary', () => {
    const huge = Array.from({ length: 5000 }, (_, index) => ({
      scenario: `${'x'.repeat(200)}/${index}`,
      ...fail(`${String.fromCodePoint(0x4e00 + index)} ${'*'.repeat(5000)}`),
    }));
    const markdown = comparisonMarkdown(
      compareRuns(runOf(huge.map(({ scenario }) => ({ scenario }))), runOf(huge)),
    );
    expect(Buffer.byteLength(markdown)).toBeLessThan(1024 * 1024);
    expect(markdown).toContain('and 4800 more like these');
  });
});
