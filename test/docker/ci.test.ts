/**
 * What can be pasted into a CI: the workflows by actionlint, beside the action as a project has it;
 * and the action's own steps, run by bash as a runner would.
 */

import { execFile, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findPackage } from '../../harness/shipped.ts';
import { parseXml } from '../reporters/xml.ts';

const run = promisify(execFile);
const { folder: root, ci, version } = findPackage();
const examples = readdirSync(ci);
const read = (name: string) => readFileSync(join(ci, name), 'utf8');
const action = parse(readFileSync(join(root, 'docker/action/action.yml'), 'utf8'));
const project = await mkdtemp(join(tmpdir(), 'holdfast-ci-'));
afterAll(() => rm(project, { recursive: true }));

describe.each(examples)('%s', (name) => {
  it('installs this version, and has the name of the sender that init replaces', () => {
    const named = [...read(name).matchAll(/holdfast@(\S+)/g)].map(([, one]) => one);
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((one) => one !== version)).toEqual([]);
    expect(read(name)).toContain('./my-mta');
  });
});

describe('the workflows for GitHub', () => {
  const missing = spawnSync('actionlint', ['-version']).error !== undefined;
  const title = missing ? 'are right, skipped: actionlint is not on the PATH' : 'are right';
  it.skipIf(missing)(title, async () => {
    const workflows = join(project, '.github', 'workflows');
    const installed = join(project, '.holdfast', 'node_modules');
    await Promise.all([
      mkdir(workflows, { recursive: true }),
      mkdir(installed, { recursive: true }),
    ]);
    await symlink(root, join(installed, 'holdfast'), 'junction');
    const own = examples.filter((example) => example.startsWith('github'));
    for (const example of own) await cp(join(ci, example), join(workflows, example));
    // It finds the top of a project by this.
    await mkdir(join(project, '.git'));
    const { status, stdout, stderr } = spawnSync('actionlint', [], {
      cwd: project,
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});

describe('the workflows for GitLab, and the action', () => {
  const missing = spawnSync('check-jsonschema', ['--version']).error !== undefined;
  const title = missing
    ? 'keep to the schemas of their makers, skipped: check-jsonschema is not on the PATH'
    : 'keep to the schemas of their makers';
  it.skipIf(missing)(title, () => {
    const gitlab = examples.filter((name) => name.startsWith('gitlab'));
    for (const [schema, files] of [
      ['vendor.gitlab-ci', gitlab.map((name) => join(ci, name))],
      ['vendor.github-actions', [join(root, 'docker/action/action.yml')]],
    ] as const) {
      const { status, stdout } = spawnSync(
        'check-jsonschema',
        ['--builtin-schema', schema, ...files],
        { encoding: 'utf8' },
      );
      expect({ status, stdout }).toMatchObject({ status: 0 });
    }
  });

  it.each(examples.filter((name) => name.startsWith('gitlab')))(
    '%s: a script in each job',
    (name) => {
      const jobs = Object.values(parse(read(name))) as { script: string[]; image: string }[];
      expect(jobs.length).toBeGreaterThan(0);
      for (const { script, image } of jobs) {
        expect(script.every((line) => typeof line === 'string')).toBe(true);
        expect(image).toMatch(/^node:\d+$/);
      }
    },
  );
});

describe('the action', () => {
  const [, runStep, summaryStep] = action.runs.steps as {
    run: string;
    env: Record<string, string>;
  }[];

  /** The environment of a step, from the inputs of the action. */
  const environment = (env: Record<string, string>, inputs: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(env).map(([name, expression]) => {
        const input = /^\$\{\{ inputs\.([a-z]+) \}\}$/.exec(expression)![1]!;
        return [name, inputs[input] ?? action.inputs[input].default];
      }),
    );
  const step = async ({ run: script, env }: typeof runStep & {}, inputs: Record<string, string>) =>
    run('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', '-c', script], {
      cwd: project,
      env: {
        ...process.env,
        // Of the Node that runs this test, not whatever else the machine has.
        PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
        GITHUB_ACTION_PATH: join(root, 'docker', 'action'),
        GITHUB_STEP_SUMMARY: join(project, 'summary.md'),
        ...environment(env, inputs),
      },
    });

  it('has every input described, and each used in a step', () => {
    const used = JSON.stringify(action.runs);
    for (const [name, { description }] of Object.entries<{ description: string }>(action.inputs)) {
      expect(description).toMatch(/\.$/);
      expect(used).toContain(`inputs.${name} `);
    }
  });

  it('runs what is asked for, and is green', async () => {
    const { stdout } = await step(runStep!, {
      sender: 'reference',
      scenarios: 'tls/sni starttls/strip*',
      reporters: 'text,junit,markdown,sarif,github',
      strict: 'true',
    });
    expect(stdout).toMatch(/^\d verdicts .* pass$/m);
    const report = await readFile(join(project, 'holdfast-out', 'junit.xml'), 'utf8');
    expect(parseXml(report)).toMatchObject({ name: 'testsuites' });
    await step(summaryStep!, {});
    const told = await readFile(join(project, 'summary.md'), 'utf8');
    expect(told).toMatch(/^## Holdfast: nothing failed\n/);
  });

  it('fails where the gate is shut', async () => {
    const inputs = {
      sender: 'reference:plaintext-when-starttls-missing',
      scenarios: 'starttls/stripped',
      reporters: 'text',
    };
    await expect(step(runStep!, inputs)).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^3 verdicts .* 3 fail$/m),
    });
  });
});
