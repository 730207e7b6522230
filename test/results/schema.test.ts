/** Real runs, and the schema that is published for what the json reporter writes of them. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { schema } from '../../harness/commands/list.ts';
import { type RunRequest, run } from '../../harness/commands/run.ts';
import type { Sender } from '../../harness/model/sender.ts';
import { UsageError } from '../../harness/model/usage.ts';
import { reporter } from '../../harness/reporters/json.ts';
import { RESULT_VERSION, resultDocument, resultJsonSchema } from '../../harness/results/schema.ts';
import { testTerminal } from '../commands/terminal.ts';
import { report } from '../reporters/fixtures.ts';
import { HOSTILE, runSaying } from '../reporters/hostile.ts';
import { checkBy } from '../reporters/schemas.ts';

vi.mock('../../harness/senders/built-in.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../harness/senders/built-in.ts')>();
  const reference = (await original.builtInSender('reference'))!;
  const unavailable = async () => 'npm install missing';
  const missing: Sender = { ...reference, name: 'missing', unavailable };
  return {
    ...original,
    builtInSender: async (name: string) =>
      name === 'missing' ? missing : original.builtInSender(name),
  };
});

const check = checkBy(resultJsonSchema());
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-schema-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What the json reporter writes of a run, which keeps to the schema. */
async function resultOf(change: Partial<RunRequest>, signal?: AbortSignal): Promise<any> {
  const out = join(folder, String(Math.random()));
  const { terminal } = testTerminal({ complain: () => {}, ...(signal && { signal }) });
  const request = { scenarios: ['starttls/stripped'], senders: ['reference'], reporters: ['json'] };
  await run({ ...request, out, ...change }, terminal);
  const document = JSON.parse(await readFile(join(out, 'holdfast.json'), 'utf8'));
  keepsTo(document);
  return document;
}

function keepsTo(document: unknown): void {
  expect(check(document)).toEqual([]);
  expect(resultDocument.safeParse(document).error).toBeUndefined();
}

describe('the schema of results', () => {
  it('holds of a run that passes, and of what a sender does not support', async () => {
    const result = await resultOf({ senders: ['reference', 'opportunistic'] });
    expect(result.schemaVersion).toBe(RESULT_VERSION);
    expect(result.summary).toMatchObject({ pass: 3, unsupported: 3 });
  });

  it('holds of failures, and of those that are known, or listed and no more', async () => {
    const list = join(folder, 'known.yaml');
    await writeFile(
      list,
      'starttls/stripped@as-removed-line:\n  reason: theirs\n  link: https://a.test/\n  until: 2999-01-01\ntls/sni:\n  reason: never was\n',
    );
    const result = await resultOf({
      scenarios: ['starttls/stripped', 'tls/sni'],
      senders: ['reference:plaintext-when-starttls-missing'],
      known: [list],
    });
    expect(result.summary).toMatchObject({ fail: 2, known: 1 });
    expect(result.knownNoMore).toMatchObject([{ kind: 'passes', entry: { reason: 'never was' } }]);
  });

  it('holds of a shard, and of evidence that is kept', async () => {
    const keep = join(folder, 'evidence');
    const result = await resultOf({ shard: { index: 1, of: 3 }, keep });
    expect(result).toMatchObject({ shard: { index: 1, of: 3 }, evidenceDir: keep });
  });

  it('holds of a run that was stopped', async () => {
    const result = await resultOf({}, AbortSignal.abort());
    expect(result).toMatchObject({ interrupted: true, verdicts: [] });
  });

  it('holds of a sender that cannot be run here', async () => {
    const result = await resultOf({ senders: ['missing', 'reference'] });
    expect(result.skippedSenders).toEqual([{ name: 'missing', reason: 'npm install missing' }]);
    expect(result.summary.pass).toBe(3);
  });

  it.each(HOSTILE)('holds when a sender says %j', async (_, text) => {
    keepsTo(JSON.parse((await report(reporter, runSaying(text))).out));
  });

  it('takes members that are added, and nothing less or else', async () => {
    const result = await resultOf({});
    keepsTo({
      ...result,
      new: 1,
      verdicts: result.verdicts.map((one: object) => ({ ...one, new: 1 })),
    });
    const { suite: _, ...less } = result;
    for (const wrong of [
      less,
      { ...result, schemaVersion: RESULT_VERSION + 1 },
      { ...result, verdicts: [{ ...result.verdicts[0], grade: 'fine' }] },
      { ...result, startedAt: 'yesterday' },
    ]) {
      expect(check(wrong)).not.toEqual([]);
      expect(resultDocument.safeParse(wrong).success).toBe(false);
    }
  });

  it('is what holdfast schema --results prints', async () => {
    const { terminal, out } = testTerminal();
    expect(await schema({ results: true }, terminal)).toBe(0);
    expect(JSON.parse(out())).toEqual(resultJsonSchema());
    expect(JSON.parse(out())).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Holdfast results',
    });
    await expect(schema({ results: true, sender: true }, terminal)).rejects.toThrow(UsageError);
  });
});
