/** The command line as users and CI servers meet it: a process, its output and its exit code. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { explain } from '../harness/commands/explain.ts';
import { list, schema, senders } from '../harness/commands/list.ts';
import { readSmoke } from '../harness/commands/profile.ts';
import type { Terminal } from '../harness/commands/terminal.ts';
import { scenarioFileId } from '../harness/model/reporter.ts';
import { testTerminal } from './commands/terminal.ts';
import { parseXml } from './reporters/xml.ts';

const CLI = join(import.meta.dirname, '..', 'harness', 'cli.ts');
const folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-'));
afterAll(() => rm(folder, { recursive: true }));

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(args: readonly string[]): { child: ChildProcess; ended: Promise<Ran> } {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: folder,
    env: { ...process.env, FORCE_COLOR: '' },
  });
  const texts = [child.stdout, child.stderr].map(async (stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    await new Promise((resolve) => stream.once('close', resolve));
    return Buffer.concat(chunks).toString();
  });
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    child,
    ended: Promise.all([code, ...texts]).then(([code, out, err]) => ({ code, out, err }) as Ran),
  };
}

const holdfast = (...args: string[]) => start(args).ended;

describe('usage', () => {
  it('help names the commands, gives examples and the exit codes', async () => {
    const { code, out, err } = await holdfast('--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const word of [
      'run',
      'list',
      'senders',
      'explain',
      'lint',
      'judge',
      'schema',
      'Examples:',
      'Exit codes:',
    ])
      expect(out).toContain(word);
    expect(out).not.toContain('demo');
  });

  const wrong = (args: readonly string[], message: RegExp) =>
    it(`holdfast ${args.join(' ')} is wrong`, async () => {
      const { code, out, err } = await holdfast(...args);
      expect(err).toMatch(message);
      expect({ code, out }).toEqual({ code: 64, out: '' });
    });
  wrong([], /Usage: holdfast/);
  wrong(['rum'], /unknown command 'rum'[\s\S]*Did you mean run\?/);
  wrong(['list', '--attacks', '--requirements'], /cannot be used with/);
  wrong(['run', '--sendr', 'x'], /unknown option '--sendr'[\s\S]*Did you mean --sender\?/);
  wrong(['run', '--jobs', '0'], /'--jobs <n>' argument '0' is invalid/);
  wrong(['run', 'starttls/striped'], /did you mean starttls\/stripped\?/);
  wrong(['run', '--sender', 'reference,refrence'], /no sender refrence: did you mean reference\?/);
  wrong(
    ['run', '--sender', 'reference:follow-redirects'],
    /did you mean reference:follows-redirects\?/,
  );
  wrong(['run', '--reporter', 'jsn'], /no reporter jsn: did you mean json\?/);
  wrong(
    ['run', '--reporter', 'text,json'],
    /two reporters cannot share standard output: give --out DIR/,
  );
  wrong(['judge', 'nowhere'], /nowhere: no such folder/);

  it('a misspelt key is told with its place, by run and by lint', async () => {
    const yaml =
      'title: x\nwhy: y\nrequirements: [8461-5-transient]\nsteps: [{ send: a, expect: [delivered], undr: [] }]\n';
    await writeFile(join(folder, 'bad.yaml'), yaml);
    const [ran, linted] = await Promise.all([
      holdfast('run', 'bad.yaml'),
      holdfast('lint', 'bad.yaml'),
    ]);
    const message = /^bad\.yaml:4:41: unknown key .*did you mean under\?/;
    expect(ran).toEqual({ code: 64, out: '', err: expect.stringMatching(message) });
    expect(linted).toEqual({ code: 64, out: expect.stringMatching(message), err: '' });
  });
});

describe('looking round', () => {
  /** What a command of this process says, having done what it should. */
  async function told(command: (terminal: Terminal) => Promise<number>): Promise<string> {
    const { terminal, out } = testTerminal({ columns: 200 });
    expect(await command(terminal)).toBe(0);
    return out();
  }

  it('list', async () => {
    const [{ code, out }, asText] = [
      await holdfast('list', '--json'),
      await told((terminal) => list({}, terminal)),
    ];
    const listed: { id: string; title: string; variants: { id: string }[] }[] = JSON.parse(out);
    const stripped = listed.find(({ id }) => id === 'starttls/stripped')!;
    expect(stripped.variants.map(({ id }) => id)).toContain('starttls/stripped@as-removed-line');
    expect(asText).toMatch(
      new RegExp(`^starttls/stripped +${stripped.variants.length}  ${stripped.title}$`, 'm'),
    );
    expect(asText).toContain(`\n${listed.length} scenarios, `);
    expect(code).toBe(0);
  });

  it('list, the words of a scenario', async () => {
    const [requirements, attacks, expectations] = await Promise.all(
      (['requirements', 'attacks', 'expectations'] as const).map((words) =>
        told((terminal) => list({ [words]: true }, terminal)),
      ),
    );
    const asJson = await holdfast('list', '--attacks', '--json');
    expect(requirements).toMatch(
      /^8461-5-enforce-no-starttls +MUST NOT +RFC 8461 §5: under enforce, /m,
    );
    expect(attacks).toMatch(/^strip-starttls +Takes STARTTLS out of the EHLO reply$/m);
    expect(expectations).toMatch(/^recovered +everything that was queued arrived$/m);
    expect(JSON.parse(asJson.out)).toContainEqual({
      name: 'strip-starttls',
      summary: 'Takes STARTTLS out of the EHLO reply',
      example: '- strip-starttls: overwrite',
    });
  });

  it('senders, and the faults of the reference sender', async () => {
    const all = await told((terminal) => senders({}, terminal));
    for (const name of ['reference', 'opportunistic', 'mx-connect'])
      expect(all).toMatch(new RegExp(`^${name} .* · (not )?available$`, 'm'));
    const faults = await holdfast('senders', '--faults');
    expect(faults).toMatchObject({ code: 0, err: '' });
    expect(faults.out).toMatch(/^reference:follows-redirects$/m);
  });

  it('explain tells attacks with their options, what is expected, and the RFC', async () => {
    const out = await told((terminal) => explain('starttls/stripped', terminal));
    for (const part of [
      'strip-starttls: ',
      '(how: overwrite)',
      'enforced: deferred, nothing exposed',
      'RFC 8461 §5: under enforce',
      'positive control',
      'negative',
    ])
      expect(out).toContain(part);
    expect(out.split('\n').every((line) => line.length <= 110)).toBe(true);
  });

  it('schema is JSON', async () => {
    const out = await told((terminal) => schema({}, terminal));
    expect(JSON.parse(out)).toMatchObject({ title: 'Holdfast scenario' });
  });

  it('list | head ends without a word', async () => {
    const { child, ended } = start(['list']);
    child.stdout!.destroy();
    expect(await ended).toMatchObject({ err: '' });
  });
});

describe('runs', () => {
  it('one that passes, its evidence judged again', async () => {
    const ran = await holdfast('run', 'starttls/stripped', '--keep', 'evidence', '--verbose');
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toMatch(/^✓ starttls\/stripped@as-removed-line · reference/m);
    const again = await holdfast('judge', 'evidence');
    expect(again).toMatchObject({ code: 0, err: '' });
    expect(again.out).toMatch(
      /^ {2}starttls\/stripped@as-removed-line · reference: pass, the same verdict$/m,
    );
  });

  it('one that fails, with files for CI', async () => {
    const ran = await holdfast(
      'run',
      'starttls/stripped',
      '--sender',
      'reference:plaintext-when-starttls-missing,opportunistic',
      '--reporter',
      'text,json',
      '--reporter',
      'junit',
      '--out',
      'ci',
    );
    expect(ran).toMatchObject({ code: 1, err: '' });
    expect(ran.out).toMatch(/^✗ starttls\/stripped@as-removed-line · /m);
    // One cause, told once.
    expect(ran.out.match(/^ {2}✗ starttls\/stripped@.* MUST NOT$/gm)).toHaveLength(1);
    expect(ran.out).toMatch(/^ {4}the same in 2 others: starttls\/stripped@/m);
    expect(ran.out).toMatch(/^ {2}opportunistic {2}3 times: the sender declares no/m);
    const json = JSON.parse(await readFile(join(folder, 'ci', 'holdfast.json'), 'utf8'));
    expect(json).toMatchObject({
      interrupted: false,
      summary: { pass: 0, fail: json.scenarios.length, unsupported: json.scenarios.length },
    });
    expect(parseXml(await readFile(join(folder, 'ci', 'junit.xml'), 'utf8'))).toMatchObject({
      name: 'testsuites',
    });
  });

  it('nothing judged is no pass', async () => {
    const { code } = await holdfast('run', 'starttls/stripped', '--sender', 'opportunistic');
    expect(code).toBe(2);
  });

  it('annotations for GitHub stand below the text', async () => {
    const { code, out } = await holdfast(
      'run',
      'starttls/stripped@as-removed-line',
      '--sender',
      'reference:plaintext-when-starttls-missing',
      '--reporter',
      'text,github',
    );
    expect(code).toBe(1);
    expect(out).toMatch(
      /^1 verdict .* 1 fail\n::error file=scenarios\/starttls\/stripped\.yaml,line=1,title=.*::MUST NOT, RFC 8461 §5: .*\n$/m,
    );
  });

  it('json alone is all there is on standard output', async () => {
    const { code, out } = await holdfast('run', 'tls/sni', '--reporter', 'json');
    expect(JSON.parse(out)).toMatchObject({ schemaVersion: 3, summary: { pass: 1 } });
    expect(code).toBe(0);
  });

  it('a folder that is not ours is left alone, and nothing is run', async () => {
    await mkdir(join(folder, 'thesis'));
    await writeFile(join(folder, 'thesis', 'chapter1'), 'x');
    expect(await holdfast('run', 'tls/sni', '--keep', 'thesis')).toEqual({
      code: 64,
      out: '',
      err: expect.stringMatching(/was not made by Holdfast/),
    });
  });

  it.each(['--keep', '--out'])(
    '%s: where nothing can be written is told before it',
    async (option) => {
      await writeFile(join(folder, 'file'), '');
      expect(await holdfast('run', 'tls/sni', option, 'file/x')).toEqual({
        code: 64,
        out: '',
        err: `${option} file/x: leads through a file: give a folder\n`,
      });
    },
  );

  it('what cannot be written any more is told, and so are the results', async () => {
    const [keep, out] = [join(folder, 'keep'), join(folder, 'out')];
    await mkdir(join(keep, 'reference', 'tls'), { recursive: true });
    await writeFile(join(keep, '.holdfast'), '');
    await writeFile(join(keep, 'reference', 'tls', 'sni'), '');
    await mkdir(join(out, 'junit.xml'), { recursive: true });
    const [kept, written] = await Promise.all([
      holdfast('run', 'tls/sni', '--keep', keep),
      holdfast('run', 'tls/sni', '--reporter', 'junit', '--out', out),
    ]);
    expect(kept).toEqual({
      code: 70,
      out: expect.stringMatching(/^1 verdict .* 1 pass$/m),
      err: expect.stringMatching(
        /^evidence cannot be kept any more: .*; the run goes on without it$/m,
      ),
    });
    expect(written).toEqual({
      code: 70,
      out: expect.stringMatching(/^1 verdict .* 1 pass$/m),
      err: expect.stringMatching(/^the reporter junit failed: EISDIR/),
    });
  });
});

describe('stopped in mid-run', () => {
  /** Resolves once what `child` has said fits `wanted`, however it came in pieces. */
  const said = (child: ChildProcess, wanted: RegExp) =>
    new Promise<void>((resolve) => {
      let text = '';
      child.stdout!.on('data', (chunk) => {
        text += String(chunk);
        if (wanted.test(text)) resolve();
      });
    });
  const firstVerdict = (child: ChildProcess) => said(child, /^[✓✗] .* · (mx-connect|reference) /m);
  const isAlive = (pid: number) => existsSync(`/proc/${pid}`);
  const childrenOf = (pid: number) =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)
      .map(Number);

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    it.runIf(existsSync('/proc/self/task'))(
      `${signal}: what is known is told, and no process is left`,
      async () => {
        const { child, ended } = start(['run', '--sender', 'mx-connect', '--verbose']);
        await firstVerdict(child);
        const below = childrenOf(child.pid!);
        expect(below.filter(isAlive)).not.toEqual([]);
        child.kill(signal);
        const { code, out, err } = await ended;
        expect(err).toMatch(/^\s*stopping; once more to stop at once\s*$/);
        expect(out).toMatch(/^\d+ verdicts? .* interrupted, \d+ not judged$/m);
        expect(code).toBe(130);
        expect(below.filter(isAlive)).toEqual([]);
      },
    );
  }

  it('a run of several threads ends with all of them', async () => {
    const { child, ended } = start(['run', '--verbose']);
    await firstVerdict(child);
    child.kill('SIGINT');
    const { code, out } = await ended;
    expect(out).toMatch(/^\d+ verdicts? .* interrupted, \d+ not judged$/m);
    expect(code).toBe(130);
  });

  it('npm start runs what ends in seconds, on every built-in sender, and keeps it', async () => {
    const { child, ended } = start(['demo']);
    await said(child, / scenarios · /);
    child.kill('SIGINT');
    const { code, out } = await ended;
    expect(code).toBe(130);
    expect(out).toMatch(/^A part of the suite, .* holdfast run --sender reference,/);
    const [, scenarios] = /(\d+) scenarios · reference .*, opportunistic .*, mx-connect /.exec(
      out,
    )!;
    const files = new Set(readSmoke().map(scenarioFileId));
    expect(Number(scenarios)).toBe(files.size - (files.has('policy-host/never-ends') ? 1 : 0));
    expect(existsSync(join(folder, 'holdfast-evidence'))).toBe(true);
  });

  it('run | head ends without a word', async () => {
    const { child, ended } = start(['run', '--sender', 'mx-connect', '--verbose']);
    await firstVerdict(child);
    child.stdout!.destroy();
    expect(await ended).toMatchObject({ code: 141, err: '' });
  });
});
