/** The packets of a real server, and the report on what it does: from a run to what tshark reads. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithEngine } from './engine.ts';
import { holdfast } from './process.ts';

const SCENARIO = 'certificates/common-name@common-name-only';
const hasTshark = !spawnSync('tshark', ['--version']).error;

describeWithEngine('run --pcap, and bug', () => {
  let top: string;
  beforeAll(async () => {
    top = await mkdtemp(join(tmpdir(), 'holdfast-pcap-'));
  });
  afterAll(() => rm(top, { recursive: true }));

  it('say what was inside TLS', async () => {
    const [evidence, out] = [join(top, 'evidence'), join(top, 'out')];
    const ran = await holdfast(
      ...['run', SCENARIO, '--sender', 'postfix', '--keep', evidence, '--pcap'],
    );
    expect(ran.code, ran.out + ran.err).toBe(0);
    const told = await holdfast('bug', SCENARIO, '--from', evidence, '--out', out);
    expect(told.code, told.err).toBe(0);

    const archive = (await readdir(out)).find((name) => name.endsWith('.tar.gz'))!;
    execFileSync('tar', ['xzf', archive], { cwd: out });
    const file = join(out, archive.replace('.tar.gz', ''), 'packets.pcapng');
    expect((await stat(file)).size).toBeGreaterThan(10_000);
    if (!hasTshark) return;
    const inside = ['-r', file, '-Y', 'tls && smtp.req.command == "MAIL"', '-T', 'fields'];
    expect(
      execFileSync('tshark', [...inside, '-e', 'smtp.req.parameter'], {
        encoding: 'utf8',
        stdio: 'pipe',
      }),
    ).toMatch(/^FROM:<probe@sender\.x[0-9a-f]{8}\.test>/m);
  });
});
