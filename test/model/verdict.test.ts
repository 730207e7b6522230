/** What a run comes to, for CI. */

import { expect, test } from 'vitest';
import { exitCode, type Grade } from '../../harness/model/verdict.ts';

test.each<[0 | 1 | 2, 0 | 1 | 2, Grade[]]>([
  [0, 0, ['pass']],
  [0, 0, ['pass', 'unsupported']],
  [0, 1, ['pass', 'warn']],
  [0, 1, ['pass', 'not-met']],
  [2, 1, ['not-met']],
  [2, 1, ['not-met', 'unsupported']],
  [1, 1, ['pass', 'fail', 'inconclusive']],
  [2, 2, ['pass', 'inconclusive']],
  [2, 1, ['warn', 'inconclusive']],
  [2, 2, ['unsupported']],
  [2, 2, []],
])('exit code %i, and %i when strict, of %j', (plain, strict, grades) => {
  const verdicts = grades.map((grade) => ({ sender: 'postfix', grade }));
  expect([exitCode(verdicts), exitCode(verdicts, true)]).toEqual([plain, strict]);
});

test('each sender has to be judged in something', () => {
  const pass = { sender: 'postfix', grade: 'pass' } as const;
  const other = (grade: Grade) => exitCode([pass, { sender: 'exim', grade }]);
  expect([other('unsupported'), other('not-met'), other('warn')]).toEqual([2, 2, 0]);
  const failed = { sender: 'exim', grade: 'fail' } as const;
  expect(exitCode([pass, { ...failed, known: {} }])).toBe(0);
});
