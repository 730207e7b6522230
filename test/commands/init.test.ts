import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type InitRequest, init } from '../../harness/commands/init.ts';
import { lint } from '../../harness/commands/lint.ts';
import { UsageError } from '../../harness/model/usage.ts';
import { contractOf } from '../../harness/senders/find.ts';
import { findPackage } from '../../harness/shipped.ts';
import { testTerminal } from './terminal.ts';

const top = mkdtempSync(join(tmpdir(), 'holdfast-init-'));
afterAll(() => rmSync(top, { recursive: true }));

/** An empty folder. */
function project(): string {
  return mkdtempSync(join(top, 'project-'));
}

async function initIn(dir: string, request: InitRequest = {}): Promise<string> {
  const { terminal, out } = testTerminal();
  expect(await init({ ...request, dir }, terminal)).toBe(0);
  return out();
}

async function problemsOf(...paths: string[]): Promise<string> {
  const { terminal, out } = testTerminal();
  const code = await lint(paths, terminal);
  return code === 0 ? '' : out();
}

describe('in an empty folder', () => {
  it('for postfix: all that it takes, without a problem, and the next command', async () => {
    const dir = project();
    const out = await initIn(dir, { like: 'postfix' });
    expect(readdirSync(dir).sort()).toEqual(['.github', 'my-mta', 'scenarios']);
    expect(await problemsOf(join(dir, 'my-mta'), join(dir, 'scenarios'))).toBe('');
    // The workflow and the server's own configuration are no scenarios.
    expect(await problemsOf(dir)).toBe('');
    // Called by npx, it says npx.
    expect(out.replace('npx holdfast', 'holdfast')).toContain(
      `\nNext: holdfast doctor --sender ./${relative('.', join(dir, 'my-mta'))}\n`,
    );
    expect(out).toContain('known.yaml');
    expect(readFileSync(join(dir, '.github/workflows/holdfast.yml'), 'utf8')).toContain(
      'sender: ./my-mta\n',
    );
    // The scenario that was made is run as well.
    expect(readFileSync(join(dir, '.github/workflows/holdfast.yml'), 'utf8')).toContain(
      "scenarios: '* ./scenarios' ",
    );
    expect(existsSync(join(dir, 'my-mta', 'samples.log'))).toBe(false);
  });

  it('not for what runs in no container: its folder is named', async () => {
    await expect(initIn(project(), { like: 'haraka' })).rejects.toThrow(
      /haraka runs in no container: copy its folder, .*senders.haraka/,
    );
  });

  it.each(readdirSync(findPackage().servers).filter((name) => name !== 'haraka'))(
    'for %s, built and from an image: no problem',
    async (like) => {
      const dir = project();
      await initIn(dir, { like, name: 'built', ci: 'none' });
      await initIn(dir, { like, name: 'fresh', image: 'ghcr.io/me/mta:2.0', ci: 'none' });
      expect(await problemsOf(join(dir, 'built'), join(dir, 'fresh'))).toBe('');
      expect(await contractOf(join(dir, 'built'))).toMatchObject({
        name: 'built',
        place: { image: { context: join(dir, 'built') } },
      });
      const { place } = await contractOf(join(dir, 'fresh'));
      expect(place).toMatchObject({ image: 'ghcr.io/me/mta:2.0' });
      expect(existsSync(join(dir, 'fresh', 'Dockerfile'))).toBe(false);
    },
  );

  it('an image of one’s own fails nothing that is known, and is named in the nearest sender', async () => {
    const dir = project();
    await initIn(dir, { image: 'ghcr.io/me/exim:4' });
    expect(readFileSync(join(dir, 'my-mta', 'known.yaml'), 'utf8')).toMatch(/^(#.*\n){2}\{\}\n$/);
    expect(readFileSync(join(dir, 'my-mta', 'sender.yaml'), 'utf8')).toContain('set up as exim');
  });

  it('for GitLab: a file to be included', async () => {
    const dir = project();
    writeFileSync(join(dir, '.gitlab-ci.yml'), 'stages: [test]\n');
    const out = await initIn(dir, { name: 'relay' });
    expect(out).toContain('include: { local: .gitlab/holdfast.yml }');
    const text = readFileSync(join(dir, '.gitlab/holdfast.yml'), 'utf8');
    expect(text).toContain("run '*' ./scenarios --sender ./relay ");
    expect(text).not.toContain('my-mta');
  });
});

describe('where something is already', () => {
  it('a file of the sender: nothing is written', async () => {
    const dir = project();
    mkdirSync(join(dir, 'my-mta'));
    writeFileSync(join(dir, 'my-mta', 'main.cf'), 'mine\n');
    const failure = await initIn(dir).catch((error) => error);
    expect(failure).toBeInstanceOf(UsageError);
    expect(failure.message).toMatch(/already in .*: my-mta\/main\.cf; nothing was written/);
    expect(readdirSync(dir)).toEqual(['my-mta']);
    expect(readdirSync(join(dir, 'my-mta'))).toEqual(['main.cf']);
  });

  it('a scenario or a workflow: it stays as it is', async () => {
    const dir = project();
    mkdirSync(join(dir, 'scenarios'));
    writeFileSync(join(dir, 'scenarios', 'first.yaml'), '# mine\n');
    expect(await initIn(dir)).toMatch(/first\.yaml +is there already, and stays as it is\n/);
    expect(readFileSync(join(dir, 'scenarios', 'first.yaml'), 'utf8')).toBe('# mine\n');
  });

  it('a file where the folder should be', async () => {
    const file = join(project(), 'file');
    writeFileSync(file, '');
    await expect(initIn(file)).rejects.toThrow(/cannot be written: ENOTDIR/);
  });
});

describe('what is given', () => {
  const refused = (request: InitRequest, message: RegExp) =>
    it(`${JSON.stringify(request)} is refused`, async () => {
      const dir = project();
      const failure = await initIn(dir, request).catch((error) => error);
      expect(failure).toBeInstanceOf(UsageError);
      expect(failure.message).toMatch(message);
      expect(readdirSync(dir)).toEqual([]);
    });
  refused({ like: 'postfx' }, /no sender postfx comes with Holdfast: did you mean postfix\?/);
  refused({ like: '../x' }, /there are chasquid, courier/);
  refused({ name: '../up' }, /name \.\.\/up: a sender is named in small letters/);
  refused({ name: 'reference' }, /name reference: a sender of this name is built into Holdfast/);
  refused({ image: 'x y' }, /image x y: expected the name of an image/);
});

describe('on a terminal', () => {
  const answer = async (dir: string, typed: readonly string[], request: InitRequest = {}) => {
    const { terminal, out } = testTerminal({
      isTerminal: true,
      lines: (async function* () {
        yield* typed;
      })(),
    });
    const code = await init({ ...request, dir }, terminal);
    return { code, out: out() };
  };

  it('asks for what was not given, and again for what does not do', async () => {
    const dir = project();
    const { code, out } = await answer(dir, ['', 'postfx', 'chasquid', 'relay'], { ci: 'none' });
    expect(code).toBe(0);
    expect(out).toMatch(/did you mean postfix\?\nWhich of these is it nearest to\?/);
    expect(out).not.toContain('A workflow');
    expect(await contractOf(join(dir, 'relay'))).toMatchObject({ name: 'relay' });
  });

  it('whose end comes before the last answer: nothing is written', async () => {
    const dir = project();
    await expect(answer(dir, [''])).rejects.toThrow('nothing was written');
    expect(readdirSync(dir)).toEqual([]);
  });

  it('with --yes asks nothing', async () => {
    const dir = project();
    const { out } = await answer(dir, [], { yes: true });
    expect(out).not.toContain('?');
    expect(await contractOf(join(dir, 'my-mta'))).toMatchObject({ name: 'my-mta' });
  });
});
