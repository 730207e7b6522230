/** The options of a suite of somebody's own, which no compiler may have looked at. */

import { expect, test } from 'vitest';
import { UsageError } from '../../harness/model/usage.ts';
import type { TestOptions } from '../../harness/testing/options.ts';
import { prepareSession } from '../../harness/testing/session.ts';

const right = { sender: 'reference', scenarios: ['tls/sni'] };

test.each<[Readonly<Record<string, unknown>>, string]>([
  [{ job: 2 }, 'no option job: did you mean jobs?'],
  [{ '\x1b[31m': 2 }, 'no option \\x1b[31m: there are sender, scenarios, profile'],
  [{ sender: undefined }, 'sender is missing'],
  [
    { sender: '' },
    "sender: expected a name, a path, or a sender such as nodeSender returns (found '",
  ],
  [{ sender: {} }, 'sender: expected a name'],
  [{ sender: null }, 'sender: expected a name'],
  [
    { scenarios: 'tls' },
    "scenarios: expected a list of ids, folders, patterns and paths (found 'tls')",
  ],
  [{ scenarios: ['tls', ''] }, 'scenarios: expected a list'],
  [{ profile: 'smok' }, "profile: expected smoke or full (found 'smok')"],
  [{ known: ['known.yaml'] }, 'known: expected the path of a file'],
  [{ keep: true }, 'keep: expected the path of a folder (found true)'],
  [{ strict: 'no' }, 'strict: expected true or false'],
  [{ jobs: 0 }, 'jobs: expected a number from 1 to 9999 (found 0)'],
  [{ jobs: 1.5 }, 'jobs: expected a number from 1 to 9999 (found 1.5)'],
  [{ jobs: '2' }, "jobs: expected a number from 1 to 9999 (found '2')"],
  [{ jobs: Number.NaN }, 'jobs: expected a number'],
  [{ tell: 'me' }, 'tell: expected a function'],
])('%j is refused', async (wrong, message) => {
  const failure = await prepareSession({ ...right, ...wrong } as TestOptions).catch(
    (error) => error,
  );
  expect(failure).toBeInstanceOf(UsageError);
  expect(failure.message).toContain(message);
});

test('what is left out may be undefined', async () => {
  const { ids } = await prepareSession({ ...right, jobs: undefined } as TestOptions);
  expect(ids.length).toBeGreaterThan(0);
});
