/**
 * Mail servers that come with Holdfast, each through the whole suite: every scenario is decided,
 * and what fails is what the known.yaml beside their contract lists.
 */

import { expect, it } from 'vitest';
import type { Verdict } from '../../harness/model/verdict.ts';
import { graded, undecided } from './changed.ts';
import { describeWithEngine } from './engine.ts';
import { holdfast } from './process.ts';

describeWithEngine('the whole suite', () => {
  it.each(['postfix', 'postfix-tlsrpt', 'chasquid', 'exim'])('%s', async (sender) => {
    const { code, out, err } = await holdfast('run', '--sender', sender, '--reporter', 'json');
    const { verdicts, scenarios, skippedSenders, interrupted, knownNoMore } = JSON.parse(out) as {
      verdicts: (Verdict & { known?: unknown })[];
      knownNoMore: unknown[];
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
    expect(undecided(verdicts)).toEqual([]);
    const unlisted = verdicts.filter(({ known }) => known === undefined);
    expect({ failed: graded(unlisted, 'fail'), knownNoMore, code }).toEqual({
      failed: [],
      knownNoMore: [],
      code: 0,
    });
  });
});
