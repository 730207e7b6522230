/** A plain sender with a habit of its own, through steps that a test writes. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Lab } from '../../harness/lab/lab.ts';
import type { TrialResult } from '../../harness/model/reporter.ts';
import type {
  LabAccess,
  MessageStatus,
  Sender,
  StartedSender,
} from '../../harness/model/sender.ts';
import { loadScenarios } from '../../harness/scenario/load.ts';
import { opportunisticSender } from '../../harness/senders/opportunistic.ts';
import { vocabulary } from '../evidence.ts';
import { resultsOf } from '../suite.ts';

export type Habit = (
  sender: StartedSender,
  tell: (status: MessageStatus) => void,
  lab: LabAccess,
) => Partial<StartedSender>;

const HEAD = 'title: x\nwhy: y\nrequirements: [5321-4.5.4.1-queue]\nneeds: []\n';
const BOUNDS = { settleMs: 5000, quietMs: 200 };

/** The results: one, or none where the signal came before its end. */
export async function runWithHabit(
  lab: Lab,
  steps: string,
  habit: Habit,
  {
    plain = opportunisticSender(),
    signal,
    settleMs = BOUNDS.settleMs,
    head = '',
  }: { plain?: Sender; signal?: AbortSignal; settleMs?: number; head?: string } = {},
): Promise<TrialResult[]> {
  const sender: Sender = {
    ...plain,
    async start(access, onStatus) {
      const started = await plain.start(access, onStatus);
      return { ...started, ...habit(started, onStatus, access) };
    },
  };
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-habit-'));
  const path = join(folder, 'one.yaml');
  await writeFile(path, `${HEAD}${head}steps:\n${steps}`);
  const { scenarios, problems } = await loadScenarios([path], folder, vocabulary);
  await rm(folder, { recursive: true });
  expect(problems).toEqual([]);
  const senders = [sender];
  const bounds = { ...BOUNDS, settleMs };
  return resultsOf({ lab, vocabulary, senders, scenarios, jobs: 1, bounds, signal });
}
