/**
 * Tries the planted faults: with each, the test that is said to catch it has to fail.
 *
 *   npm run planted              all of them
 *   npm run planted -- NAME      one
 */

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inParallel } from '../../harness/concurrency/limit.ts';
import { PLANTED } from './faults.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const VITEST = join(
  dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
);

/** The test of this fault fails as it should. Rejects when it did not come to a test. */
export async function isCaught(name: string): Promise<boolean> {
  const { caughtBy } = PLANTED[name]!;
  const child = spawn(
    process.execPath,
    [
      VITEST,
      'run',
      '--project',
      'unit',
      '--project',
      'alone',
      '--reporter',
      'dot',
      '--bail',
      '1',
      caughtBy,
    ],
    { cwd: ROOT, env: { ...process.env, HOLDFAST_PLANTED: name, VITEST: '' } },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  if (code === 0) return false;
  if (!/AssertionError|TestTimeoutError|\bFAIL\b/.test(said)) throw new Error(`${name}: ${said}`);
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wanted = process.argv.slice(2);
  const names = Object.keys(PLANTED).filter((name) => wanted.length === 0 || wanted.includes(name));
  const missed: string[] = [];
  await inParallel(names, availableParallelism(), async (name) => {
    const caught = await isCaught(name);
    if (!caught) missed.push(name);
    console.log(`${caught ? '✓' : '✗'} ${name} · ${PLANTED[name]!.caughtBy}`);
  });
  console.log(`\n${names.length - missed.length} of ${names.length} planted faults caught`);
  process.exitCode = names.length > 0 && missed.length === 0 ? 0 : 1;
}
