/**
 * How long a trial waits for a sender, and what it takes for a try: a sender that hesitates is not
 * one that refuses.
 */

import { Resolver } from 'node:dns/promises';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '../../harness/lab/lab.ts';
import type { TrialResult } from '../../harness/model/reporter.ts';
import type {
  LabAccess,
  MessageStatus,
  Sender,
  StartedSender,
} from '../../harness/model/sender.ts';
import { ofKind } from '../../harness/model/traffic.ts';
import { loadScenarios } from '../../harness/scenario/load.ts';
import { opportunisticSender } from '../../harness/senders/opportunistic.ts';
import { vocabulary } from '../evidence.ts';
import { resultsOf } from '../suite.ts';

const HEAD = 'title: x\nwhy: y\nrequirements: [5321-4.5.4.1-queue]\nneeds: []\n';
let lab: Lab;
let folder: string;
beforeAll(async () => {
  lab = await startLab();
  folder = await mkdtemp(join(tmpdir(), 'holdfast-waiting-'));
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

type Habit = (
  sender: StartedSender,
  tell: (status: MessageStatus) => void,
  lab: LabAccess,
) => Partial<StartedSender>;

/** The opportunistic sender with a habit, through these steps. */
async function run(steps: string, habit: Habit): Promise<TrialResult> {
  const plain = opportunisticSender();
  const sender: Sender = {
    ...plain,
    async start(access, onStatus) {
      const started = await plain.start(access, onStatus);
      return { ...started, ...habit(started, onStatus, access) };
    },
  };
  const path = join(folder, 'one.yaml');
  await writeFile(path, `${HEAD}steps:\n${steps}`);
  const { scenarios, problems } = await loadScenarios([path], folder, vocabulary);
  expect(problems).toEqual([]);
  const bounds = { settleMs: 5000, quietMs: 200 };
  const suite = { lab, vocabulary, senders: [sender], scenarios, jobs: 1, bounds };
  return (await resultsOf(suite))[0]!;
}

const kinds = ({ trial }: TrialResult) => trial.evidence.observations.map(({ kind }) => kind);

/** It defers the first message that it is given, having done nothing for it. */
const defersUntried: Habit = (sender, tell) => {
  const kept: Parameters<StartedSender['submit']>[0][] = [];
  return {
    async submit(message) {
      kept.push(message);
      tell({ token: message.token, status: 'deferred', detail: 'the connection was closed' });
    },
    async flush(domains) {
      for (const message of kept.splice(0)) await sender.submit(message);
      await sender.flush(domains);
    },
  };
};

test('a message that was deferred without a try is tried again in the same step', async () => {
  const result = await run('  - { send: a, expect: [delivered] }\n', defersUntried);
  expect(result.verdict.grade).toBe('pass');
  expect(kinds(result)).toContain('queue-flushed');
});

test('the queue is run once more where it was run too early', async () => {
  const result = await run(
    '  - { send: a, under: [block-mx], expect: [deferred] }\n  - recover\n',
    (sender, tell) => {
      let token = '';
      let isEarly = true;
      return {
        submit(message) {
          token = message.token;
          return sender.submit(message);
        },
        async flush(domains) {
          if (!isEarly) return sender.flush(domains);
          isEarly = false;
          tell({ token, status: 'deferred', detail: 'of the try before' });
        },
      };
    },
  );
  expect(result.verdict.grade).toBe('pass');
  expect(kinds(result).filter((kind) => kind === 'queue-flushed')).toHaveLength(2);
});

test('a silence is not taken for a deferral while the sender waits for the name server', async () => {
  const result = await run(
    '  - { send: a, under: [{ hide-sts-record: drop }], expect: [delivered] }\n',
    (sender, _tell, { dns }) => {
      const tokens: string[] = [];
      return {
        async submit(message) {
          tokens.push(message.token);
          const resolver = new Resolver({ timeout: 1500, tries: 1 });
          resolver.setServers([`${dns.address}:${dns.port}`]);
          const record = `_mta-sts.${message.to.split('@')[1]}`;
          const looked = resolver.resolveTxt(record).catch(() => []);
          void looked.then(() => sender.submit(message));
        },
        queued: async () => tokens,
      };
    },
  );
  expect(result.verdict.grade).toBe('pass');
  expect(kinds(result)).not.toContain('queue-listed');
});

test('the worlds of a trial have no connection in common', async () => {
  const step = '  - { send: a, under: [], expect: [delivered] }\n';
  const { trial } = await run(step + step, () => ({}));
  const opened = ofKind(trial.evidence.observations, 'smtp-connection');
  expect(new Set(opened.map(({ leg }) => leg))).toContain('control');
  expect(new Set(opened.map(({ connection }) => connection)).size).toBe(opened.length);
});
