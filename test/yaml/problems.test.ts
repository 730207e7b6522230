import { describe, expect, it } from 'vitest';
import type { Problem } from '../../harness/yaml/problems.ts';
import { formatProblem, nearestName } from '../../harness/yaml/problems.ts';

describe('the nearest name', () => {
  const names = ['enforced', 'delivered', 'deferred', 'mx', 'strip-starttls', 'a:slow', 'NOOP'];
  it.each([
    ['enforecd', 'enforced'],
    ['defered', 'deferred'],
    ['ENFORCED', 'enforced'],
    ['strip-startls', 'strip-starttls'],
    ['stripstarttls', 'strip-starttls'],
    ['mxx', 'mx'],
    ['qq', undefined],
    ['a:foo', undefined],
    ['a:solw', 'a:slow'],
    ['FOO', undefined],
    ['', undefined],
    ['nothing-like-it', undefined],
    ['x'.repeat(100_000), undefined],
  ])('to %.20s is %s', (name, nearest) => expect(nearestName(name, names)).toBe(nearest));

  it('is none among none', () => expect(nearestName('a', [])).toBeUndefined());
});

describe('a problem', () => {
  const problem: Problem = { file: 'a/b.yaml', line: 12, column: 5, message: 'unknown key' };
  const format = (more: Partial<Problem>) => formatProblem({ ...problem, ...more }).split('\n');

  it('is told with what is known of it', () => {
    expect(format({})).toEqual(['a/b.yaml:12:5: unknown key']);
    expect(format({ found: '"polcy"', allowed: ['policy', 'steps'], nearest: 'policy' })).toEqual([
      'a/b.yaml:12:5: unknown key (found "polcy"; allowed policy, steps; did you mean policy?)',
    ]);
    expect(format({ line: 0, column: 0, message: 'no such file or folder' })).toEqual([
      'a/b.yaml: no such file or folder',
    ]);
  });

  it('does not list names without end', () => {
    const allowed = Array.from({ length: 20 }, (_, index) => `n${index}`);
    expect(format({ allowed })[0]).toBe(
      `a/b.yaml:12:5: unknown key (allowed ${allowed.slice(0, 16).join(', ')} and 4 more)`,
    );
  });

  it.each<[string, string, number, string, string]>([
    ['its line and a caret', '    polcy: x', 5, '    polcy: x', '    ^'],
    ['tabs kept', '\ta\tb: x', 4, '\ta\tb: x', '\t \t^'],
    ['control characters hidden', 'a\u001b[31m\u009b\r: x', 9, 'a·[31m··: x', '        ^'],
    [
      'the end of a long line',
      `${'x'.repeat(200)}!`,
      201,
      `${'x'.repeat(59)}!`,
      `${' '.repeat(59)}^`,
    ],
    ['the beginning of a long line', `!${'x'.repeat(200)}`, 1, `!${'x'.repeat(119)}`, '^'],
  ])('shows %s', (_, source, column, shown, caret) => {
    expect(format({ source, column }).slice(1)).toEqual([`  12 | ${shown}`, `     | ${caret}`]);
  });
});
