/**
 * Holdfast in a vitest suite: a test for each scenario and variant.
 *
 *   import { holdfast } from 'holdfast/vitest';
 *
 *   await holdfast({ sender: './my-mta', scenarios: ['starttls', './scenarios'] });
 *
 * Trials run side by side, as many as suit the sender; each test waits for its own.
 */

import { afterAll, beforeAll, describe, test } from 'vitest';

import type { TestOptions } from './options.ts';
import { type Outcome, prepareSession, TestFailure } from './session.ts';

export type { TestOptions } from './options.ts';

/**
 * Declares the tests: a `describe` named after the sender, in it a test for each scenario and
 * variant, named by its id, one for the list of known failures if there is one, and a last one that
 * fails where all that ran was unsupported or not met. To be awaited
 * at the top of a test file, or in a `describe`.
 *
 * Unsupported, not met and known failures are skipped, with the reason. A failure, and what the
 * evidence does not decide, throws the text that `holdfast run` prints. Throws UsageError when what
 * is named does not exist or has mistakes.
 */
export async function holdfast(options: TestOptions): Promise<void> {
  const session = await prepareSession(options);
  let isBegun = false;
  /** The first test starts the trials of all that vitest has chosen, its own among them. */
  const begin = ({ suite }: Task) => {
    if (isBegun) return;
    isBegun = true;
    session.expect(
      (suite?.tasks ?? []).filter(({ mode }) => mode === 'run').map(({ name }) => name),
    );
  };
  describe(session.sender, () => {
    beforeAll(() => session.open(), UNHURRIED.timeout);
    afterAll(() => session.close(), UNHURRIED.timeout);
    for (const id of session.ids)
      test(id, UNHURRIED, async ({ task, skip }) => {
        begin(task);
        settle(await session.outcomeOf(id), skip);
      });
    if (session.hasKnown)
      test('known failures fail still', UNHURRIED, async ({ task, skip }) => {
        begin(task);
        settle(await session.known(), skip);
      });
    test('something was judged', UNHURRIED, async ({ task, skip }) => {
      begin(task);
      settle(await session.judged(), skip);
    });
  });
}

/** What is used of a test, as vitest sees it. */
interface Task {
  readonly suite?: { readonly tasks: readonly { readonly name: string; readonly mode: string }[] };
}

/** An image may have to be built, and trials have bounds of their own. */
const UNHURRIED = { timeout: 0 };

function settle(outcome: Outcome, skip: (reason: string) => void): void {
  if (outcome.kind === 'failed') throw new TestFailure(outcome);
  if (outcome.kind === 'skipped') skip(outcome.reason);
}
