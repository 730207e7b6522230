/**
 * Senders of other habits than those that come with Holdfast: no habit is failed, and none hides
 * what a sender leaves out.
 */

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CLOSED_WHILE_IDLE } from '../../harness/model/observation.ts';
import { graded, POSTFIX, runChanged, undecided } from './changed.ts';
import { describeWithEngine } from './engine.ts';

const CACHED = join(import.meta.dirname, 'cached');
/** Connections with TLS are kept by tlsproxy, which Debian has not turned on. */
const REUSES = [
  'postconf -e smtp_tls_connection_reuse=yes smtp_connection_cache_time_limit=30s',
  'postconf -e smtp_connection_cache_destinations=static:all',
  "postconf -M 'tlsproxy/unix=tlsproxy unix - - n - 0 tlsproxy'",
];
/** All that a sender meets at discovery. */
const DISCOVERY = ['cache', 'discovery', 'policy-host', 'policy-syntax'];

describeWithEngine('a habit', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-habits-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('of Postfix, to use connections again: it fails what it fails without', async () => {
    const { verdicts, evidence } = await runChanged({
      folder,
      name: 'postfix-that-reuses',
      source: POSTFIX,
      changes: { command: ['sh', '-c', `${REUSES.join('; ')}; exec sh /start.sh`] },
    });
    expect(undecided(verdicts)).toEqual([]);
    const known = parse(await readFile(join(POSTFIX, 'known.yaml'), 'utf8'));
    expect(graded(verdicts, 'fail')).toEqual(Object.keys(known).sort());
    // It has kept them, and the lab has closed them.
    expect(await trialsWith(CLOSED_WHILE_IDLE, evidence)).toBeGreaterThan(verdicts.length / 2);
  });

  it('of keeping to the cache does not hide that nothing is checked at the policy host', async () => {
    const run = async (name: string, changes: object) =>
      (await runChanged({ folder, name, source: CACHED, changes, selection: DISCOVERY })).verdicts;
    const sound = await run('cached-and-sound', {});
    const careless = await run('cached-and-careless', { environment: { CHECKS: 'none' } });
    expect(undecided(sound)).toEqual([]);
    const known = graded(sound, 'fail');
    const failed = graded(careless, 'fail').filter((scenario) => !known.includes(scenario));
    expect(failed.length).toBeGreaterThanOrEqual(15);
  });
});

/** How many trials have these words in their evidence. */
async function trialsWith(words: string, evidence: string): Promise<number> {
  const files = await readdir(evidence, { recursive: true });
  const texts = files
    .filter((file) => file.endsWith('evidence.ndjson'))
    .map((file) => readFile(join(evidence, file), 'utf8'));
  return (await Promise.all(texts)).filter((text) => text.includes(words)).length;
}
