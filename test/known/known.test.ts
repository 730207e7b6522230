import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from '../../harness/commands/run.ts';
import { loadKnown, unwritten } from '../../harness/known/load.ts';
import { updateKnown } from '../../harness/known/update.ts';
import {
  isPast,
  type KnownFailure,
  knownBy,
  knownNoMore,
  knownNoMoreOf,
} from '../../harness/model/known.ts';
import type { Grade } from '../../harness/model/verdict.ts';
import { testTerminal } from '../commands/terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-known-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ATTACK = 'policy-host/redirected@status-301';
const moment = { today: '2026-11-25', version: '3.10.13' };
const entry = (scenarios: string, until?: string): KnownFailure => ({
  scenarios,
  reason: 'theirs',
  until,
  file: 'known.yaml',
  line: 1,
});

describe('an entry is past', () => {
  it.each([
    ['2026-11-24', true],
    ['2026-11-25', false],
    ['3.10', true],
    ['3.10.13', true],
    ['3.10.14', false],
    ['3.11', false],
    ['4', false],
    [undefined, false],
  ])('%s: %s', (until, past) => {
    expect(isPast({ until }, moment)).toBe(past);
  });

  it.each([
    // Numbers of the name.
    ['mail2go 5.0', '4.0', true],
    ['mail2go 5.0', '5.1', false],
    ['m3ta 2.0', '3.1', false],
    ['mail 2 go 5.0', '4.0', true],
    ['mail2go-5.0', '5.1', false],
    ['m3ta 2', '3', false],
    // What stands around it.
    ['v2.1', '2.1', true],
    ['postfix (3.10.1)', '3.10.2', false],
    ['exim 4.98 #2 built 2025', '4.98.1', false],
    ['1:3.7.11-0+deb12u1', '3.7.12', false],
    ['1:3.7.11-0+deb12u1', '3.7.11', true],
    ['7.6.0p1', '7.6.0', true],
    // What comes before a release.
    ['3.11-rc1', '3.11', false],
    ['3.11rc1', '3.11', false],
    ['3.11 RC1', '3.11', false],
    ['3.11-beta.2', '3.11', false],
    ['3.11.0-alpha', '3.11', false],
    ['3.11-pre3', '3.10', true],
    ['3.11', '3.11.rc1', true],
    ['3.11-rc2', '3.11.rc1', true],
    ['3.11-beta2', '3.11.rc1', false],
    ['3.11-deprecated', '3.11', true],
    // Nobody can tell.
    ['unknown', '3.11', true],
    ['m3ta', '99', true],
  ])('of the sender %s, until %s: %s', (version, until, past) => {
    expect(isPast({ until }, { ...moment, version })).toBe(past);
  });

  it('where a version is named and that of the sender is not known', () => {
    expect(isPast({ until: '99' }, { ...moment, version: '' })).toBe(true);
  });
});

describe('a failure is known', () => {
  const fail = { scenario: 'tls/sni@a', grade: 'fail' } as const;
  it.each(['tls/sni@a', 'tls/sni', 'tls', '*@a'])('by %s', (scenarios) => {
    expect(knownBy([entry(scenarios)], fail, moment)).toEqual(entry(scenarios));
  });

  it('by no entry of another scenario, none that is past, and only if it is a failure', () => {
    expect(knownBy([entry('tls/sni@b'), entry('tls', '2020-01-01')], fail, moment)).toBeUndefined();
    expect(knownBy([entry('tls')], { ...fail, grade: 'inconclusive' }, moment)).toBeUndefined();
  });
});

describe('an entry is known no more', () => {
  const ids = ['tls/sni@a', 'tls/sni@b'];
  const verdictsOf = (...grades: Grade[]) =>
    grades.map((grade, index) => ({ scenario: ids[index]!, sender: 'x', grade }));
  const kinds = (one: KnownFailure, ...grades: Grade[]) =>
    knownNoMore([one], verdictsOf(...grades), ids, { moment, sender: 'x' }).map(({ kind }) => kind);

  it('once all that it names passes', () => {
    expect(kinds(entry('tls'), 'pass', 'pass')).toEqual(['passes']);
    expect(kinds(entry('tls'), 'pass', 'fail')).toEqual([]);
    // The other one was not run, or is not decided.
    expect(kinds(entry('tls'), 'pass')).toEqual([]);
    expect(kinds(entry('tls'), 'pass', 'inconclusive')).toEqual([]);
  });

  it('though the sender lacks what some of them need, or did not meet it', () => {
    expect(kinds(entry('tls'), 'pass', 'unsupported')).toEqual(['passes']);
    expect(kinds(entry('tls'), 'not-met', 'warn')).toEqual(['passes']);
    expect(kinds(entry('tls'), 'unsupported', 'not-met')).toEqual([]);
    expect(kinds(entry('tls'), 'unsupported', 'fail')).toEqual([]);
    expect(kinds(entry('tls'), 'not-met', 'inconclusive')).toEqual([]);
  });

  it('and no sender that shares the list fails it', () => {
    const told = (x: 'pass' | 'fail', y: 'pass' | 'fail') =>
      knownNoMoreOf(
        [
          { sender: 'x', entries: [entry('tls/sni@a')] },
          { sender: 'y', entries: [entry('tls/sni@a')] },
        ],
        [
          { scenario: 'tls/sni@a', sender: 'x', senderVersion: '1', grade: x },
          { scenario: 'tls/sni@a', sender: 'y', senderVersion: '1', grade: y },
        ],
        ids,
        moment.today,
      ).map(({ sender, kind }) => `${sender} ${kind}`);
    expect(told('pass', 'fail')).toEqual([]);
    expect(told('fail', 'fail')).toEqual([]);
    expect(told('pass', 'pass')).toEqual(['x passes', 'y passes']);
  });

  it('when it fails past its day', () => {
    expect(kinds(entry('tls', '2026-01-01'), 'fail')).toEqual(['past']);
    expect(kinds(entry('tls', '2027-01-01'), 'fail')).toEqual([]);
  });
});

describe('a list', () => {
  const load = (text: string) => {
    const file = join(folder, 'known.yaml');
    writeFileSync(file, text);
    return loadKnown(file, folder, ['tls/sni@a', 'tls/sni@b', 'cache/expiry']);
  };

  it('is a map of scenarios to reasons', async () => {
    const { entries, problems } = await load(
      "tls/sni: { reason: x, link: 'https://bugs.victim.test/1', until: '3.11' }\ncache: { reason: y, until: 2027-01-31 }\n",
    );
    expect(problems).toEqual([]);
    expect(entries).toEqual([
      { ...entry('tls/sni', '3.11'), reason: 'x', link: 'https://bugs.victim.test/1' },
      { ...entry('cache', '2027-01-31'), reason: 'y', line: 2 },
    ]);
  });

  it('may list nothing yet', async () => {
    expect(await load('# nothing\n')).toEqual({ entries: [], problems: [] });
    expect(await load('{}\n')).toEqual({ entries: [], problems: [] });
  });

  it.each([
    ['tls/sin: { reason: x }', /no scenario is called that/, 'tls/sni'],
    ['tls/sni: { resaon: x }', /unknown key/, 'reason'],
    ['tls/sni: { reason: x, until: 3.10 }', /in quotes/, undefined],
    ['tls/sni: { reason: x, until: soon }', /a day \(2027-06-30\) or a version/, undefined],
    ['tls/sni: { reason: x, until: 30.11.2026 }', /a day is written 2026-11-30/, undefined],
    ['tls/sni: { reason: x, until: 2026.11.30 }', /a day is written 2026-11-30/, undefined],
    ['tls/sni: { reason: x, until: "20260101" }', /a day is written 2026-11-30/, undefined],
    ['tls/sni: { reason: x, until: 20260101 }', /a day is written 2026-11-30/, undefined],
    ['tls/sni: { reason: x, until: 2027-02-31 }', /there is no day 2027-02-31/, undefined],
    ['tls/sni: { reason: x, until: 2026-13-01 }', /there is no day 2026-13-01/, undefined],
    ['tls/sni: { reason: x, link: "javascript:x" }', /http or https/, undefined],
    ['- tls/sni', /is a map/, undefined],
    ["'*': { reason: x }", /selects every scenario/, undefined],
    ["'*@*': { reason: x }", /selects every scenario or variant/, undefined],
  ])('%s is refused', async (text, message, nearest) => {
    const { problems } = await load(text);
    expect(problems).toContainEqual(
      expect.objectContaining({ line: 1, message: expect.stringMatching(message), nearest }),
    );
  });

  it('with a reason that nobody has written is refused by lint', async () => {
    for (const reason of ['TODO', 'TODO (was known until 2026-01-01) x']) {
      const { entries } = await load(`tls/sni: { reason: ${reason} }\n`);
      expect(unwritten(entries)).toEqual([
        expect.objectContaining({ line: 1, message: expect.stringContaining('tls/sni') }),
      ]);
    }
  });

  it('is brought up to date: order, reasons and comments stay', () => {
    const before = `# mine

tls/sni@b: { reason: b } # said upstream
cache:
  # until the next release
  reason: c
  until: 2026-01-01
tls/sni@a: { reason: a }
`;
    const update = { failed: ['cache/expiry'], healed: ['tls/sni@a'], past: ['cache'] };
    expect(updateKnown(before, update)).toBe(`# mine

tls/sni@b: { reason: b } # said upstream
cache:
  # until the next release
  reason: TODO (was known until 2026-01-01) c
cache/expiry:
  reason: TODO
`);
    expect(updateKnown('', { failed: ['cache/expiry'], healed: [], past: [] })).toMatch(
      /^# .*\n\ncache\/expiry:\n {2}reason: TODO\n$/,
    );
  });
});

it('lives: new fails, listed passes, fixed but listed fails, expired fails, update heals', async () => {
  const file = join(folder, 'life.yaml');
  const gate = async (senders: string | readonly string[], updateKnown = false) => {
    const told: string[] = [];
    const { terminal, out } = testTerminal({ complain: (line) => void told.push(line) });
    const given = { scenarios: [ATTACK], senders: [senders].flat(), reporters: ['text'], jobs: 2 };
    const code = await run({ ...given, known: [file], updateKnown }, terminal);
    return { code, out: out(), told };
  };
  const wrong = 'reference:follows-redirects';
  writeFileSync(file, '# what we know\n');
  expect((await gate(wrong)).code).toBe(1);
  await gate(wrong, true);
  expect(readFileSync(file, 'utf8')).toContain(`${ATTACK}:\n  reason: TODO\n`);
  const known = await gate(wrong);
  expect(known.code).toBe(0);
  expect(known.out).toContain(`~ ${ATTACK}`);
  const healed = await gate('reference');
  expect(healed.code).toBe(1);
  expect(healed.out).toContain(`passes now; delete ${file}:`);
  writeFileSync(file, `# what we know\n${ATTACK}: { reason: x, until: 2020-01-01 }\n`);
  const expired = await gate(wrong);
  expect(expired.code).toBe(1);
  expect(expired.out).toContain('was known until 2020-01-01');
  expect((await gate(wrong, true)).told).toEqual([expect.stringMatching(/, 1 past its day$/)]);
  await gate('reference', true);
  expect((await gate('reference')).code).toBe(0);
  expect(readFileSync(file, 'utf8')).toContain('# what we know');

  // Senders that share a list: an entry stands there once, for as long as one of them needs it.
  const several = [wrong, `${wrong}+keeps-to-cache`, 'reference'];
  await gate(several, true);
  expect(readFileSync(file, 'utf8').match(/reason: TODO/g)).toHaveLength(1);
  // Of what it never came to, the second knows nothing.
  expect((await gate(several)).code).toBe(2);
  expect((await gate([wrong, 'reference'])).code).toBe(0);
});

it('several lists: each entry is brought up to date in its own', async () => {
  const [first, second] = [join(folder, 'first.yaml'), join(folder, 'second.yaml')];
  const update = async (sender: string) => {
    const told: string[] = [];
    const { terminal } = testTerminal({ complain: (line) => void told.push(line) });
    const given = { scenarios: [ATTACK], senders: [sender], reporters: ['text'], jobs: 2 };
    await run({ ...given, known: [first, second], updateKnown: true }, terminal);
    return told;
  };
  const wrong = 'reference:follows-redirects';
  writeFileSync(first, '# ours\n');
  writeFileSync(second, `# theirs\n${ATTACK}: { reason: x, until: 2020-01-01 }\n`);
  expect(await update(wrong)).toEqual([
    `${first}: 0 failures put in, 0 taken out, 0 past their day`,
    `${second}: 0 failures put in, 0 taken out, 1 past its day`,
  ]);
  expect(readFileSync(first, 'utf8')).not.toContain(ATTACK);
  expect(readFileSync(second, 'utf8')).toContain('TODO (was known until 2020-01-01) x');
  expect(await update('reference')).toEqual([
    `${first}: 0 failures put in, 0 taken out, 0 past their day`,
    `${second}: 0 failures put in, 1 taken out, 0 past their day`,
  ]);
  expect(readFileSync(second, 'utf8')).toBe('# theirs\n{}\n');
  expect(await update(wrong)).toEqual([
    `${first}: 1 failure put in, 0 taken out, 0 past their day`,
  ]);
  expect(readFileSync(first, 'utf8')).toContain(`${ATTACK}:\n  reason: TODO\n`);
});
