/**
 * Mail servers that do not do as their contract says: each is postfix with one thing changed. None
 * of them may pass, and each is told why.
 */

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Observation } from '../../harness/model/observation.ts';
import type { Verdict } from '../../harness/model/verdict.ts';
import { POSTFIX, runChanged } from './changed.ts';
import { describeWithEngine } from './engine.ts';

describeWithEngine('postfix', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-misbehaving-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const run = (name: string, changes: object, ...selection: string[]) =>
    runChanged({ folder, name, source: POSTFIX, changes, selection });

  it('that exits in mid-run: 70, with its last words, and nothing passes after that', async () => {
    const { code, verdicts, scenarios, skippedSenders, evidence } = await run(
      'postfix-that-exits',
      {
        command: [
          'sh',
          '-c',
          // Two seconds after it greets.
          `(until bash -c ': </dev/tcp/127.0.0.1/25' 2>/dev/null; do sleep 0.1; done; sleep 2; echo 'somebody pulled the plug'; kill 1) &
         exec sh /start.sh`,
        ],
      },
    );
    expect(code).toBe(70);
    expect(skippedSenders).toEqual([
      {
        name: 'postfix-that-exits',
        reason: expect.stringMatching(/^postfix-that-exits exited with code \d+.*;/),
        isBroken: true,
      },
    ]);
    expect(skippedSenders[0]!.reason).toContain('\n  somebody pulled the plug');
    expect(verdicts.length).toBeLessThan(scenarios.length);
    const cut = (await trialsOf(evidence)).filter(({ observations }) =>
      observations.some(({ kind }) => kind === 'sender-failed'),
    );
    expect(cut.length).toBeGreaterThan(0);
    expect(new Set(cut.map(({ verdict }) => verdict.grade))).toEqual(new Set(['inconclusive']));
    // Nobody waits for what a dead server will never say.
  }, 60_000);

  it('that is never ready: 70, and which key it is', async () => {
    const { code, verdicts, skippedSenders } = await run('postfix-never-ready', {
      ready: { log: '^never said$', within: '3s' },
    });
    expect({ code, verdicts, skippedSenders }).toEqual({
      code: 70,
      verdicts: [],
      skippedSenders: [
        {
          name: 'postfix-never-ready',
          reason:
            'postfix-never-ready was not ready within 3 s (ready.within): it printed no line that matches ready.log (^never said$)',
          isBroken: true,
        },
      ],
    });
  });

  it("that trusts the world's authorities and not the lab's: nothing is decided, and it is asked about that", async () => {
    const { code, verdicts, scenarios } = await run(
      'postfix-without-trust',
      {
        trust: '/etc/ssl/elsewhere.pem',
        command: [
          'sh',
          '-c',
          'cat /usr/share/ca-certificates/mozilla/*.crt >/etc/ssl/certs/ca-certificates.crt; exec sh /start.sh',
        ],
      },
      ...['starttls/stripped', 'starttls/refused', 'policy-host/accepted', 'tls'],
    );
    const aboutSts = scenarios.filter(({ needs }) => needs.includes('mta-sts')).map(({ id }) => id);
    const gradeOf = new Map(verdicts.map(({ scenario, grade }) => [scenario, grade]));
    expect(aboutSts.map((id) => `${id} ${gradeOf.get(id)}`)).toEqual(
      aboutSts.map((id) => `${id} inconclusive`),
    );
    expect(code).toBe(2);
    for (const verdict of verdicts.filter(({ scenario }) =>
      scenario.startsWith('starttls/stripped'),
    ))
      expect(JSON.stringify(verdict)).toContain("does it trust the lab's authority?");
  });
});

/** What was kept of each trial. */
async function trialsOf(
  evidence: string,
): Promise<{ verdict: Verdict; observations: Observation[] }[]> {
  const files = await readdir(evidence, { recursive: true });
  const folders = files
    .filter((file) => file.endsWith('verdict.json'))
    .map((file) => join(evidence, file, '..'));
  return Promise.all(
    folders.map(async (path) => ({
      verdict: JSON.parse(await readFile(join(path, 'verdict.json'), 'utf8')),
      observations: (await readFile(join(path, 'evidence.ndjson'), 'utf8'))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    })),
  );
}
