import { describe, expect, it } from 'vitest';
import { renderExposure, renderMatrix } from '../../harness/reporters/matrix.ts';
import { result, summary } from './fixtures.ts';

const variants = (
  sender: string,
  file: string,
  grades: readonly ('pass' | 'warn' | 'fail' | 'inconclusive' | 'unsupported' | 'not-met')[],
) => grades.map((grade, index) => result({ sender, grade, scenario: `${file}@v${index}` }));

describe('renderMatrix', () => {
  it('folds variants, one column for each sender, totals below', () => {
    const all = summary([
      ...variants('reference', 'starttls/stripped', ['pass', 'pass', 'pass']),
      ...variants('postfix', 'starttls/stripped', ['pass', 'fail', 'warn']),
      ...variants('reference', 'dane/rescue', ['unsupported']),
      ...variants('postfix', 'dane/rescue', ['inconclusive']),
      ...variants('reference', 'sts/mixed', ['warn', 'unsupported']),
      ...variants('postfix', 'sts/mixed', ['inconclusive', 'pass']),
    ]);
    expect(renderMatrix(all, 100)).toEqual([
      '                          reference  postfix',
      'starttls/stripped         ✓ 3        ✗ 1/3',
      'dane/rescue               –          ? 1',
      'sts/mixed                 ! 1        ? 1/2',
      'pass                      3          2',
      'warn                      1          1',
      'fail                                 1',
      'inconclusive                         2',
      'unsupported               2',
    ]);
  });

  it('counts what was not met apart, and never as a pass', () => {
    const run = summary([
      ...variants('courier', 'policy-host/forged', ['not-met', 'not-met']),
      ...variants('courier', 'policy-host/status', ['pass', 'not-met']),
    ]);
    expect(renderMatrix(run, 100)).toEqual([
      '                          courier',
      'policy-host/forged        ○ 2',
      'policy-host/status        ○ 1/2',
      'pass                      1',
      'not met                   3',
    ]);
  });

  it('leaves a cell empty where nothing was judged', () => {
    const run = summary([...variants('a', 'x/y', ['pass']), ...variants('b', 'x/z', ['pass'])]);
    expect(renderMatrix(run, 100).slice(1, 3)).toEqual([
      'x/y                       ✓ 1',
      `x/z                                ✓ 1`,
    ]);
  });

  const crowd = summary(
    Array.from({ length: 12 }, (_, index) =>
      variants(
        `a-sender-with-a-long-name-${index}`,
        `a-folder-of-scenarios/a-file-with-a-very-long-name-that-nobody-can-read-${index}`,
        ['fail', 'pass'],
      ),
    ).flat(),
  );

  it.each([48, 60, 80, 100, 200])('fits %i columns, in several tables if need be', (width) => {
    const lines = renderMatrix(crowd, width);
    expect(lines.filter((line) => line.length > width)).toEqual([]);
    const cells = lines.join('\n').match(/✗ 1\/2/g);
    expect(cells).toHaveLength(12);
  });

  it('cuts long names with …', () => {
    const lines = renderMatrix(crowd, 48);
    expect(lines[0]).toMatch(/^ +a-sender-with-a…$/);
    expect(lines[1]).toMatch(/^a-folder-of-scenarios\/\S*… {2}✗ 1\/2$/);
  });
});

describe('renderExposure', () => {
  it('counts what was exposed and names the worst', () => {
    const lines = renderExposure(
      summary([
        result({ scenario: 's/a', grade: 'pass', exposure: 'content' }),
        result({ scenario: 's/b', grade: 'warn', exposure: 'envelope' }),
        result({ scenario: 's/c', grade: 'fail', exposure: 'content' }),
        result({ scenario: 's/d', grade: 'pass', exposure: 'none' }),
        result({ scenario: 's/e', grade: 'unsupported', exposure: 'none' }),
        result({ scenario: 's/f', grade: 'inconclusive', exposure: 'none' }),
      ]),
    );
    expect(lines).toEqual([
      'postfix  whole messages in 2 (1 as the RFCs ask) · only envelopes in 1 · nothing in 2 · not known in 1, of 6 scenarios on a changed path',
      '         ✗ content in s/c',
      '         ! envelope in s/b',
    ]);
  });

  it('counts attacks only', () => {
    const honest = result({ exposure: 'none' });
    const peaceful = {
      ...honest,
      trial: { ...honest.trial, scenario: { ...honest.trial.scenario, stages: [] } },
    };
    expect(renderExposure(summary([peaceful]))).toEqual([]);
  });
});
