/**
 * Scenarios as tests of somebody else's suite: the package is installed in an empty folder, and its
 * suite is run there by vitest and by Node's own test runner.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Installed, install, run } from './installed.ts';

const suite = (runner: string) => `
  import { holdfast } from 'holdfast/${runner}';
  await holdfast({
    sender: 'reference:ignores-mx-list',
    scenarios: ['tls/sni', 'tls/versions', 'mx-matching/exact@longer-label', 'mx-matching/wildcard'],
    known: 'known.yaml',
    jobs: 2,
  });
  await holdfast({ sender: 'opportunistic', scenarios: ['starttls/opportunistic', './own.yaml'], jobs: 2 });
`;
/** It supports nothing of what it is tried with. */
const EMPTY = (runner: string) => `
  import { holdfast } from 'holdfast/${runner}';
  await holdfast({ sender: 'opportunistic', scenarios: ['mx-matching/wildcard@apex'] });
`;
const KNOWN = `
mx-matching/wildcard: { reason: It reads no list of hosts. }
tls/versions: { reason: Long ago. }
`;
const OWN = `
title: A certificate that has expired
why: A policy asks for one that is valid.
requirements: [8461-5-enforce-no-starttls]
steps:
  - prime
  - send: attacked
    under: [strip-starttls]
    expect: [enforced]
`;

let installed: Installed;
const inside = (...args: string[]) =>
  run(process.execPath, args, { cwd: installed.folder, env: { PATH: process.env.PATH } }).catch(
    (error: { stdout: string; stderr: string; code: number }) => error,
  );

beforeAll(async () => {
  installed = await install(['vitest', 'typescript', '@types/node']);
  const write = (name: string, text: string) => writeFile(join(installed.folder, name), text);
  await write('package.json', '{ "type": "module" }');
  await write('known.yaml', KNOWN);
  await write('own.yaml', OWN);
  await write('mail.test.js', suite('vitest'));
  await write('mail.node-test.js', suite('node-test'));
  await write('empty.test.js', EMPTY('vitest'));
  await write('empty.node-test.js', EMPTY('node-test'));
  await write('wrong.test.js', suite('vitest').replace("'tls/sni'", "'tls/snj'"));
  await write('types.ts', suite('vitest').replace('known:', 'know:'));
}, 120_000);
afterAll(() => installed?.[Symbol.asyncDispose]());

/** What a test came to, by its name below its sender. */
type Results = ReadonlyMap<string, { readonly status: string; readonly message: string }>;

async function inVitest(...args: string[]): Promise<Results> {
  await inside(
    'node_modules/vitest/vitest.mjs',
    ...['run', '--reporter=json', '--outputFile=results.json', ...args],
  );
  const results = await readFile(join(installed.folder, 'results.json'), 'utf8');
  const { testResults } = JSON.parse(results) as {
    testResults: {
      message: string;
      assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
    }[];
  };
  return new Map(
    testResults.flatMap(({ message, assertionResults }) => [
      ['', { status: '', message }] as const,
      ...assertionResults.map(
        ({ fullName, status, failureMessages }) =>
          [fullName, { status, message: failureMessages.join('\n') }] as const,
      ),
    ]),
  );
}

const FAILURE =
  /✗ mx-matching\/exact@longer-label · reference:ignores-mx-list 1 · step 2 · MUST[\s\S]*\n {2}expected {2}deferred, nothing exposed\n[\s\S]*because[\s\S]*evidence\.ndjson/;
const NO_MORE = /tls\/versions · reference:ignores-mx-list: passes now; delete known\.yaml:3/;

const UNJUDGED = /opportunistic was judged in nothing \(1 unsupported\): a run passes only where/;

describe('in vitest', () => {
  let results: Results;
  beforeAll(async () => {
    results = await inVitest('mail.test.js');
  });

  it('has a test for each scenario, which comes to what the run would say', () => {
    const statuses = Object.fromEntries([...results].map(([name, { status }]) => [name, status]));
    expect(statuses).toMatchObject({
      'reference:ignores-mx-list tls/sni': 'passed',
      'reference:ignores-mx-list tls/versions@tls12-only': 'passed',
      'reference:ignores-mx-list mx-matching/exact@longer-label': 'failed',
      'reference:ignores-mx-list mx-matching/wildcard@apex': 'skipped',
      'reference:ignores-mx-list known failures fail still': 'failed',
      'opportunistic starttls/opportunistic@expired': 'passed',
      'opportunistic own': 'skipped',
      'opportunistic something was judged': 'passed',
    });
  });

  it('throws the text that the run prints', () => {
    expect(
      results.get('reference:ignores-mx-list mx-matching/exact@longer-label')?.message,
    ).toMatch(FAILURE);
  });

  it('says which line of the list can go', () => {
    expect(results.get('reference:ignores-mx-list known failures fail still')?.message).toMatch(
      NO_MORE,
    );
  });

  it('runs what is chosen, and says of the list only what that tells', async () => {
    const chosen = await inVitest('mail.test.js', '-t', 'longer-label|tls12-only|known failures');
    const count = (status: string) =>
      [...chosen.values()].filter((result) => result.status === status).length;
    expect({ failed: count('failed'), passed: count('passed') }).toEqual({ failed: 1, passed: 2 });
  });

  it('fails where nothing is judged', async () => {
    const empty = await inVitest('empty.test.js');
    expect(empty.get('opportunistic mx-matching/wildcard@apex')?.status).toBe('skipped');
    expect(empty.get('opportunistic something was judged')).toEqual({
      status: 'failed',
      message: expect.stringMatching(UNJUDGED),
    });
  });

  it('names what does not exist, and the nearest that does', async () => {
    expect((await inVitest('wrong.test.js')).get('')?.message).toContain(
      'no scenario tls/snj: did you mean tls/sni',
    );
  });

  it('has types', async () => {
    const { stdout } = await inside(
      'node_modules/typescript/bin/tsc',
      ...['--noEmit', '--module', 'nodenext', '--target', 'esnext', '--types', 'node', 'types.ts'],
    );
    expect(stdout).toMatch(/types\.ts.*'know' does not exist/);
    expect(stdout.match(/error/g)).toHaveLength(1);
  });
});

it('in Node’s own test runner: the same', async () => {
  const { stdout } = await inside('--test', '--test-reporter=tap', 'mail.node-test.js');
  for (const line of [
    /^ +ok \d+ - tls\/sni$/m,
    /^ +not ok \d+ - mx-matching\/exact@longer-label$/m,
    /^ +ok \d+ - mx-matching\/wildcard@apex # SKIP known: It reads no list of hosts\.$/m,
    /^ +not ok \d+ - known failures fail still$/m,
    /^ +ok \d+ - own # SKIP unsupported: the sender declares no mta-sts$/m,
    /^# fail 2$/m,
    /expected {2}deferred, nothing exposed/,
    NO_MORE,
  ])
    expect(stdout).toMatch(line);
});

it('and fails where nothing is judged', async () => {
  const { stdout } = await inside('--test', '--test-reporter=tap', 'empty.node-test.js');
  expect(stdout).toMatch(/^ +not ok \d+ - something was judged$/m);
  expect(stdout).toMatch(UNJUDGED);
});
