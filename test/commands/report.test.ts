import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { report } from '../../harness/commands/report.ts';
import { run } from '../../harness/commands/run.ts';
import { testTerminal } from './terminal.ts';

const ID = 'tls/sni';

describe('a run that was written down', () => {
  let folder: string;
  const told = async (path: string, reporters: readonly string[], out: string) => {
    const { terminal, out: printed } = testTerminal();
    const code = await report(path, { reporters, out: join(folder, out) }, terminal);
    return { code, printed: printed(), files: (await readdir(join(folder, out))).sort() };
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-report-'));
    await run(
      {
        scenarios: [ID],
        senders: ['reference'],
        reporters: ['json'],
        out: join(folder, 'ci'),
        keep: join(folder, 'ci', 'evidence'),
      },
      testTerminal().terminal,
    );
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('becomes a page and any other format, from kept evidence', async () => {
    const { code, printed, files } = await told(
      join(folder, 'ci', 'evidence'),
      ['html', 'junit', 'json'],
      'a',
    );
    expect([code, files]).toEqual([0, ['holdfast.html', 'holdfast.json', 'junit.xml']]);
    expect(printed).toContain('holdfast.html');
    expect(await readFile(join(folder, 'a', 'junit.xml'), 'utf8')).toContain(`name="${ID}"`);
  });

  it('becomes a page from its result alone, which then has no evidence', async () => {
    await told(join(folder, 'ci'), ['html'], 'whole');
    await told(join(folder, 'ci', 'holdfast.json'), ['html'], 'alone');
    const size = async (name: string) =>
      (await readFile(join(folder, name, 'holdfast.html'))).length;
    expect(await size('whole')).toBeGreaterThan((await size('alone')) + 2_000);
  });

  it('has to be there, and the reporter too', async () => {
    await expect(told(join(folder, 'nothing'), ['html'], 'b')).rejects.toThrow('no such file');
    await expect(told(join(folder, 'ci'), ['htm'], 'b')).rejects.toThrow('did you mean html?');
  });
});
