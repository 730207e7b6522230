/** A log as it comes. */

import { expect, it } from 'vitest';
import type { MessageStatus } from '../../../harness/model/sender.ts';
import { type LogEvents, readLog } from '../../../harness/senders/contract/log.ts';

const TOKEN = 'hf0123456789ab';
const contract = {
  name: 'fake',
  ready: { log: '^ready(?: .*)?$', withinSeconds: 60 },
  log: {
    from: 'stdout' as const,
    sent: '^sent (?<recipient>\\S+)',
    deferred: '^deferred (?<recipient>\\S+) (a+)+$',
    bounced: '^bounced (?<recipient>\\S+)',
  },
};

function reading(change: Partial<typeof contract.log> = {}) {
  const batches: (readonly MessageStatus[])[] = [];
  const { promise: told, resolve } = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<void>();
  const events: LogEvents = {
    onReady: ready.resolve,
    onStatuses(statuses) {
      batches.push(statuses);
      resolve();
    },
  };
  const reader = readLog({ ...contract, log: { ...contract.log, ...change } }, events);
  return { reader, batches, told, ready: ready.promise };
}

it('lines that come together are read together, in their order', async () => {
  const { reader, batches, told, ready } = reading();
  for (const line of ['ready', `sent ${TOKEN}@a.test`, 'noise', `bounced ${TOKEN}@a.test`])
    reader.take(line);
  await Promise.all([ready, told]);
  expect(batches.map((batch) => batch.map(({ status }) => status))).toEqual([
    ['delivered', 'bounced'],
  ]);
});

it('a line is whole whatever is in it', async () => {
  const { reader, ready } = reading();
  reader.take('ready as\u2028asked');
  await ready;
});

it('a pattern that never ends breaks the sender, and keeps what was read before it', async () => {
  const { reader, batches } = reading();
  reader.take(`sent ${TOKEN}@a.test`);
  reader.take(`deferred ${TOKEN}@a.test ${'a'.repeat(60)}b`);
  reader.take(`bounced ${TOKEN}@a.test`);
  const { message } = await reader.broken;
  expect(message).toMatch(
    /^fake: the pattern log\.deferred takes longer than 5 s on a line of the log, .* The line: deferred hf/,
  );
  expect(batches.map((batch) => batch.map(({ status }) => status))).toEqual([['delivered']]);
});
