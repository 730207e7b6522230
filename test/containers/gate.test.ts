/** A release held against the one before it: Postfix 3.7 and 3.10, both with their known failures. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithEngine } from './engine.ts';
import { holdfast } from './process.ts';

const PART = [
  'mx-matching/swapped',
  'mx-matching/wildcard',
  'certificates',
  'policy-syntax/duplicate-keys',
];

describeWithEngine('gate', () => {
  let top: string;
  beforeAll(async () => {
    top = await mkdtemp(join(tmpdir(), 'holdfast-gate-'));
  });
  afterAll(() => rm(top, { recursive: true }));
  const at = (name: string) => join(top, name);
  const gate = (sender: string, against: string, out: string) =>
    holdfast(
      'run',
      ...PART,
      '--sender',
      sender,
      '--against',
      against,
      '--reporter',
      'text,json',
      '--out',
      at(out),
    );

  it('open from 3.7 to 3.10, shut the other way round, with each cause told once', async () => {
    const forward = await gate('postfix', 'postfix-bookworm', 'forward');
    expect(forward.code, forward.out).toBe(0);
    expect(forward.out).toMatch(/^Got better \(4 scenarios\)$/m);
    expect(forward.out).not.toMatch(/^Got worse/m);

    const back = await gate('postfix-bookworm', 'postfix', 'back');
    expect(back.code, back.out).toBe(1);
    expect(back.out).toMatch(/^Got worse \(4 scenarios\)$/m);
    const { counts, shifts } = JSON.parse(await readFile(at('back/comparison.json'), 'utf8'));
    expect(counts).toMatchObject({ worse: 4, better: 0, vanished: 0, appeared: 0 });
    const worse = shifts.filter(({ kind }: { kind: string }) => kind === 'worse');
    expect(worse.map(({ requirement }: { requirement: string }) => requirement).sort()).toEqual([
      '8461-4.1-cert-for-own-name',
      '8461-4.1-match-name-not-cert',
      '8461-4.1-wildcard-not-deep',
    ]);
  });

  it('as it is from result files', async () => {
    for (const [sender, out] of [
      ['postfix-bookworm', 'old'],
      ['postfix', 'new'],
    ] as const) {
      const run = await holdfast(
        'run',
        ...PART,
        '--sender',
        sender,
        '--reporter',
        'json',
        '--out',
        at(out),
      );
      // What it is known to fail, each beside its contract.
      expect(run.code, run.out).toBe(0);
    }
    const forward = await holdfast('compare', at('old'), at('new'));
    expect(forward.code, forward.out).toBe(0);
    const back = await holdfast('compare', at('new'), at('old'));
    expect(back.code).toBe(1);
    expect(back.out).toMatch(/^Got worse \(4 scenarios\)$/m);
  });
});
