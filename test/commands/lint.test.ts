import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { lint } from '../../harness/commands/lint.ts';
import { testTerminal } from './terminal.ts';

const top = mkdtempSync(join(tmpdir(), 'holdfast-lint-'));
afterAll(() => rmSync(top, { recursive: true }));

function put(name: string, text: string): string {
  const file = join(top, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

async function said(...paths: string[]): Promise<string> {
  const { terminal, out } = testTerminal();
  const code = await lint(paths, terminal);
  return `${code}: ${out()}`;
}

it('a list of known failures is one whatever it is called', async () => {
  const list = put('legacy.yaml', 'tls/sni:\n  reason: theirs\n');
  expect(await said(list)).toBe('0: 1 list of known failures, no problems\n');
  const flow = put('flow.yaml', 'tls/sin: { reason: theirs }\n');
  expect(await said(flow)).toMatch(/^64: .*no scenario is called that/);
});

it('a contract is no list, whatever its log says', async () => {
  const contract = put('reasons/sender.yaml', 'nmae: mta\nlog:\n  reason: (?<id>x)\n');
  const out = await said(contract);
  expect(out).toMatch(/sender\.yaml:1:1: unknown key \(found "nmae"/);
  expect(out).not.toContain('no scenario is called that');
});

it('the senders below a folder are checked too, and their files are no scenarios', async () => {
  put('project/.github/workflows/ci.yml', 'name: CI\n');
  put('project/mta/daemon.yml', 'port: 1\n');
  put('project/mta/known.yaml', 'tls/sni: { reason: TODO }\n');
  put('project/mta/sender.yaml', 'nmae: mta\n');
  const out = await said(join(top, 'project'));
  expect(out).toMatch(/mta.sender\.yaml:1:1: unknown key \(found "nmae"/);
  expect(out).toContain('the reason is still to be written');
  expect(out).not.toMatch(/daemon\.yml|ci\.yml|title is missing/);
  put('project/mta/scenarios/mine.yaml', 'title: mine\n');
  expect(await said(join(top, 'project'))).toMatch(/mine\.yaml:1:1: why is missing/);
});

it('what lies below a contract is checked as well, and what lies beside it is told', async () => {
  put('whole/sender.yaml', 'nmae: mta\n');
  put('whole/scenarios/broken.yaml', 'title: mine\n');
  put('whole/deep/other/sender.yaml', 'nmea: mta\n');
  put('whole/beside.yaml', 'title: x\nwhy: y\nsteps: [prime]\n');
  put('whole/known.yaml', 'tls/sni: { reason: theirs }\n');
  const out = await said(join(top, 'whole'));
  expect(out).toMatch(/^64: /);
  expect(out).toMatch(/broken\.yaml:1:1: why is missing/);
  expect(out).toMatch(/sender\.yaml:1:1: unknown key \(found "nmae"/);
  expect(out).toMatch(/other.sender\.yaml:1:1: unknown key \(found "nmea"/);
  expect(out).toMatch(/beside\.yaml: no scenario is read right beside a sender\.yaml: move it/);
});

it('links to folders are followed, and none for ever', async () => {
  put('real/broken.yaml', 'title: mine\n');
  put('real/mta/sender.yaml', 'nmae: mta\n');
  put('links/notes.txt', '');
  symlinkSync('../real', join(top, 'links/sub'));
  const out = await said(join(top, 'links'));
  expect(out).toMatch(/links.sub.broken\.yaml:1:1: why is missing/);
  expect(out).toMatch(/links.sub.mta.sender\.yaml:1:1: unknown key/);
  // To a folder that is read already, to the top, and to what holds it.
  symlinkSync('../real', join(top, 'links/again'));
  symlinkSync('.', join(top, 'links/here'));
  symlinkSync('..', join(top, 'links/up'));
  symlinkSync('../links', join(top, 'real/back'));
  expect((await said(join(top, 'links'))).match(/why is missing/g)).toHaveLength(1);
});

it('a link that leads to itself is a problem as any other', async () => {
  const loop = join(top, 'loop');
  symlinkSync(loop, loop);
  expect(await said(loop)).toBe(`64: ${loop}: a symbolic link that leads to itself\n`);
});
