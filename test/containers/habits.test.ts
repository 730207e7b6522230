/**
 * Senders of other habits than those that come with Holdfast: no habit is failed, and none hides
 * what a sender leaves out.
 */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { Grade, Verdict } from '../../harness/model/verdict.ts';
import { describeWithEngine } from './engine.ts';
import { holdfast } from './process.ts';

const CACHED = join(import.meta.dirname, 'cached');
/** All that a sender meets at discovery. */
const DISCOVERY = ['cache', 'discovery', 'policy-host', 'policy-syntax'];

describeWithEngine('a habit', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-habits-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Verdicts on a sender that is another with some keys of its contract changed. */
  const run = async (name: string, source: string, changes: object, ...selection: string[]) => {
    const contract = parse(await readFile(join(source, 'sender.yaml'), 'utf8'));
    const build = { ...contract.build, context: source };
    await mkdir(join(folder, name));
    await writeFile(
      join(folder, name, 'sender.yaml'),
      stringify({ ...contract, name, build, ...changes }),
    );
    const sender = join(folder, name);
    const { out, err } = await holdfast(
      'run',
      ...selection,
      ...['--sender', sender, '--reporter', 'json'],
    );
    const { verdicts } = JSON.parse(out) as { verdicts: Verdict[] };
    expect(verdicts.length, err).toBeGreaterThan(0);
    return (grade: Grade) =>
      verdicts
        .filter((verdict) => verdict.grade === grade)
        .map(({ scenario }) => scenario)
        .sort();
  };

  it('of keeping to the cache does not hide that nothing is checked at the policy host', async () => {
    const sound = await run('cached-and-sound', CACHED, {}, ...DISCOVERY);
    const careless = await run(
      'cached-and-careless',
      CACHED,
      { environment: { CHECKS: 'none' } },
      ...DISCOVERY,
    );
    expect(sound('inconclusive')).toEqual([]);
    const failed = careless('fail').filter((scenario) => !sound('fail').includes(scenario));
    expect(failed.length).toBeGreaterThanOrEqual(15);
  });
});
