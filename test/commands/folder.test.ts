/** Where a run cannot write is told before it, whatever the user may do on this machine. */

import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { cannotWrite, checkFile, openFolder } from '../../harness/commands/folder.ts';
import { run } from '../../harness/commands/run.ts';
import { UsageError } from '../../harness/model/usage.ts';
import { claimFolder, readTrials } from '../../harness/store.ts';
import { testTerminal } from './terminal.ts';

const folder = await mkdtemp(join(tmpdir(), 'holdfast-folder-'));
afterAll(() => rm(folder, { recursive: true }));
const file = join(folder, 'file');
await writeFile(file, '');

it('a folder is made, tried, and left empty', async () => {
  const dir = join(folder, 'a', 'b');
  await openFolder(dir, '--out');
  expect(await readdir(dir)).toEqual([]);
});

it.each<[string, () => Promise<void>, string]>([
  [
    'a file of that name',
    () => openFolder(file, '--out'),
    `--out ${file}: is a file: give a folder`,
  ],
  [
    'a file on the way',
    () => openFolder(join(file, 'b'), '--keep'),
    `--keep ${join(file, 'b')}: leads through a file: give a folder`,
  ],
  [
    'a file in a folder that there is not',
    () => checkFile(join(folder, 'none', 'known.yaml'), '--known'),
    `--known ${join(folder, 'none', 'known.yaml')}: there is no such folder`,
  ],
])('%s', (_, work, message) => expect(work()).rejects.toEqual(new UsageError(message)));

it.runIf(process.platform === 'linux')('a place where nobody makes folders', async () => {
  await expect(openFolder('/proc/holdfast/a', '--out')).rejects.toEqual(
    new UsageError('--out /proc/holdfast/a: no folder can be made there'),
  );
  await expect(claimFolder('/proc/holdfast/a')).rejects.toThrow('ENOENT');
});

it('names what it cannot explain as the system does, on one line', () => {
  expect(cannotWrite('a\nb', '--out', new Error('odd\u001b')).message).toBe(
    '--out a\\nb: odd\\x1b',
  );
});

it.each(['out', 'keep'])('run --%s: told before anything is run', async (option) => {
  const { terminal, out } = testTerminal();
  const request = { scenarios: ['tls/sni'], senders: ['reference'], reporters: ['text'] };
  await expect(run({ ...request, [option]: file }, terminal)).rejects.toThrow(UsageError);
  expect(out()).toBe('');
});

it('a run that ends early leaves no report of an earlier one, and all else', async () => {
  const out = join(folder, 'out');
  const known = join(folder, 'bad.yaml');
  await writeFile(known, '- no map');
  const { terminal } = testTerminal({ complain: () => {} });
  const request = {
    scenarios: ['tls/sni'],
    senders: ['reference'],
    reporters: ['junit', 'json'],
    against: 'reference:no-sni-to-mx',
    out,
  };
  await run(request, terminal);
  await writeFile(join(out, 'holdfast.html'), 'not asked for');
  expect((await readdir(out)).sort()).toEqual([
    'comparison.json',
    'comparison.md',
    'holdfast.html',
    'holdfast.json',
    'junit.xml',
  ]);
  await expect(run({ ...request, known: [known] }, terminal)).rejects.toThrow(UsageError);
  expect(await readdir(out)).toEqual(['holdfast.html']);
});

it('a run that is stopped leaves no evidence of an earlier one by its senders', async () => {
  const keep = join(folder, 'kept');
  const runOf = (senders: readonly string[], signal = new AbortController().signal) =>
    run(
      { scenarios: ['tls/sni'], senders, reporters: ['text'], keep },
      testTerminal({ complain: () => {}, signal }).terminal,
    );
  await runOf(['reference', 'opportunistic']);
  await runOf(['reference'], AbortSignal.abort());
  const kept = await Array.fromAsync(readTrials(keep));
  expect(kept.map(({ trial }) => trial.sender.name)).toEqual(['opportunistic']);
});

it('evidence is its owner’s alone', async () => {
  const keep = join(folder, 'evidence');
  const { terminal } = testTerminal();
  await mkdir(folder, { recursive: true });
  await run(
    { scenarios: ['tls/sni'], senders: ['reference'], reporters: ['text'], keep },
    terminal,
  );
  const entries = await readdir(keep, { recursive: true, withFileTypes: true });
  expect(entries.length).toBeGreaterThan(4);
  for (const entry of entries) {
    const { mode } = await stat(join(entry.parentPath, entry.name));
    expect((mode & 0o777).toString(8)).toBe(entry.isDirectory() ? '700' : '600');
  }
});
