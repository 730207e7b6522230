/**
 * Holdfast in a suite of Node's own test runner: a test for each scenario and variant.
 *
 *   import { holdfast } from 'holdfast/node-test';
 *
 *   await holdfast({ sender: './my-mta', scenarios: ['starttls', './scenarios'] });
 */

import { after, before, describe, type TestContext, test } from 'node:test';

import type { TestOptions } from './options.ts';
import { type Outcome, prepareSession, TestFailure } from './session.ts';

export type { TestOptions } from './options.ts';

/**
 * Declares the tests: a `describe` named after the sender, in it a test for each scenario and
 * variant, named by its id, one for the list of known failures if there is one, and a last one that
 * fails where all that ran was unsupported or not met. To be awaited
 * at the top of a test file.
 *
 * Unsupported, not met and known failures are skipped, with the reason. A failure, and what the
 * evidence does not decide, throws the text that `holdfast run` prints. Throws UsageError when what
 * is named does not exist or has mistakes.
 */
export async function holdfast(options: TestOptions): Promise<void> {
  const session = await prepareSession(options);
  describe(session.sender, { timeout: UNHURRIED }, () => {
    before(() => session.open(), { timeout: UNHURRIED });
    after(() => session.close(), { timeout: UNHURRIED });
    // All that is chosen asks at once, and the session knows how many may run at a time.
    describe('scenarios', { concurrency: Math.max(1, session.ids.length) }, () => {
      for (const id of session.ids)
        test(id, { timeout: UNHURRIED }, async (t) => settle(await session.outcomeOf(id), t));
    });
    if (session.hasKnown)
      test('known failures fail still', async (t) => settle(await session.known(), t));
    test('something was judged', async (t) => settle(await session.judged(), t));
  });
}

/** An image may have to be built, and trials have bounds of their own. */
const UNHURRIED = Number.POSITIVE_INFINITY;

function settle(outcome: Outcome, t: TestContext): void {
  if (outcome.kind === 'failed') throw new TestFailure(outcome);
  if (outcome.kind === 'skipped') t.skip(outcome.reason);
}
