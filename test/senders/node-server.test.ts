/**
 * A mail server that is a Node program, by its contract: a small one of our own, which listens at
 * port 25 as any does, and knows nothing of the lab.
 */

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selectScenarios } from '../../harness/commands/select.ts';
import { openLab } from '../../harness/labs/open.ts';
import type { TrialResult } from '../../harness/model/reporter.ts';
import { openTrials } from '../../harness/run/trials.ts';
import { senderOf } from '../../harness/senders/find.ts';
import { loadVocabulary } from '../../harness/vocabulary.ts';

const MTA = join(import.meta.dirname, 'fixtures', 'external-mta.mjs');
const CONTRACT = `
name: small-mta
summary: The fixture
version: '1'
node: { program: ${JSON.stringify(MTA)}, arguments: [0.0.0.0, '25', 127.0.0.1, authorities.pem, queue] }
files: { /queue: queue }
trust: /authorities.pem
ready: { log: '^started', within: 30s }
submit: { port: 25 }
log:
  sent: '^sent to=<(?<recipient>[^>]+)>'
  deferred: '^deferred to=<(?<recipient>[^>]+)> (?<reason>.*)'
  bounced: '^bounced to=<(?<recipient>[^>]+)>'
commands: { flush: kill -HUP $PID, queue: cat queue }
capabilities: [queue]
`;
const vocabulary = await loadVocabulary();
const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
afterAll(() => rm(folder, { recursive: true }));
const write = (text: string) => writeFile(join(folder, 'sender.yaml'), text);

beforeAll(async () => {
  await writeFile(join(folder, 'queue'), '');
  await write(CONTRACT);
});

async function runAll(words: readonly string[]): Promise<TrialResult[]> {
  const scenarios = await selectScenarios(words, vocabulary);
  await using trials = await openTrials(await senderOf(folder), { vocabulary, tell: () => {} });
  return Promise.all(scenarios.map(trials.run));
}

it('is fed, watched and flushed, in one process and in one for each scenario', async () => {
  for (const instances of ['shared', 'exclusive']) {
    await write(`${CONTRACT}limits: { instances: ${instances} }\n`);
    const results = await runAll(['starttls/opportunistic', 'queue/mx-lookup-fails']);
    expect(results.filter(({ verdict }) => verdict.grade === 'fail')).toEqual([]);
    const kinds = new Set(
      results.flatMap(({ trial }) =>
        trial.evidence.observations.flatMap((seen) =>
          seen.kind === 'sender-status' ? [seen.status] : [],
        ),
      ),
    );
    expect([...kinds].sort()).toEqual(['deferred', 'delivered']);
  }
});

describe('started by hand', () => {
  it('keeps its folder over a restart, and leaves none behind', async () => {
    await write(CONTRACT);
    const ours = async () =>
      (await readdir(tmpdir())).filter((name) => /^holdfast-\w{6}$/.test(name));
    const before = await ours();
    await using lab = await openLab('loopback', () => {});
    const sender = await senderOf(folder);
    const started = await sender.start(lab.access, () => {});
    expect((await ours()).length).toBeGreaterThan(before.length);
    await started.restart!();
    expect(await started.queued!()).toEqual([]);
    await started[Symbol.asyncDispose]();
    expect((await ours()).filter((name) => !before.includes(name))).toEqual([]);
  });

  it('tells when it dies, and what it said last', async () => {
    await write(CONTRACT.replace('kill -HUP', 'kill -KILL'));
    await using lab = await openLab('loopback', () => {});
    const started = await (await senderOf(folder)).start(lab.access, () => {});
    await started.flush([]);
    expect((await started.died!).message).toMatch(
      /^small-mta was killed by SIGKILL; its last words:\n {2}started$/,
    );
    await started[Symbol.asyncDispose]();
  });

  it('one that does not listen at its port is not waited for', async () => {
    await write(CONTRACT.replace('port: 25', 'port: 26').replace('30s', '1s'));
    await using lab = await openLab('loopback', () => {});
    await expect((await senderOf(folder)).start(lab.access, () => {})).rejects.toThrow(
      'did not greet at port 26',
    );
  });
});

it('one that is not there cannot be run, and says what is missing', async () => {
  await write(CONTRACT.replace(JSON.stringify(MTA), 'nowhere.js'));
  expect(await (await senderOf(folder)).unavailable()).toMatch(/nowhere\.js is not there/);
  await writeFile(join(folder, 'package.json'), '{}');
  expect(await (await senderOf(folder)).unavailable()).toContain('npm ci');
});
