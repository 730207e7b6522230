/**
 * Mail servers that come with Holdfast, each through the whole suite: every scenario is decided,
 * and what fails is known beforehand.
 */

import { expect, it } from 'vitest';
import type { Verdict } from '../../harness/model/verdict.ts';
import { graded } from './changed.ts';
import { describeWithEngine } from './engine.ts';
import { KNOWN_FAILURES } from './known-failures.ts';
import { holdfast } from './process.ts';

describeWithEngine('the whole suite', () => {
  it.each(Object.entries(KNOWN_FAILURES))('%s', async (sender, known) => {
    const { code, out, err } = await holdfast('run', '--sender', sender, '--reporter', 'json');
    const { verdicts, scenarios, skippedSenders, interrupted } = JSON.parse(out) as {
      verdicts: Verdict[];
      scenarios: { id: string }[];
      skippedSenders: unknown[];
      interrupted: boolean;
    };
    expect({ skippedSenders, interrupted }, err).toEqual({
      skippedSenders: [],
      interrupted: false,
    });
    expect(verdicts.map(({ scenario }) => scenario).sort()).toEqual(
      scenarios.map(({ id }) => id).sort(),
    );
    expect(graded(verdicts, 'inconclusive')).toEqual([]);
    expect(graded(verdicts, 'fail')).toEqual(Object.keys(known).sort());
    expect(code).toBe(Object.keys(known).length > 0 ? 1 : 0);
  });
});
