import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findBreaches } from './floors.ts';

const root = join(import.meta.dirname, '..');
const paths = globSync('{harness,certs}/**/*.ts', { cwd: root }).filter(
  (path) => !path.endsWith('.d.ts'),
);
const sources = new Map(
  paths.map((path) => [path.replaceAll('\\', '/'), readFileSync(join(root, path), 'utf8')]),
);

describe('the floors', () => {
  it('hold', () => {
    expect(sources.size).toBeGreaterThan(80);
    expect(findBreaches(sources)).toEqual([]);
  });
});

describe('the checker', () => {
  const neighbours: readonly (readonly [string, string])[] = [
    ['harness/attacks/neighbour.ts', "export const attack = { summary: '' };"],
    ['harness/expectations/helper.ts', 'export const inTurn = () => 1;'],
  ];
  const breaches = (path: string, source: string) =>
    findBreaches(new Map([...neighbours, [path, source]]));
  const breach = (path: string, source: string, sentence: string) =>
    it(`finds: ${sentence}`, () => expect(breaches(path, source)).toEqual([sentence]));
  const fine = (path: string, source: string) =>
    it(`lets be: ${path} ${source}`, () => expect(breaches(path, source)).toEqual([]));

  breach(
    'harness/protocol/x.ts',
    "import { sep } from 'node:path';",
    'harness/protocol/x.ts imports node:path',
  );
  breach(
    'harness/protocol/x.ts',
    "import type { LabPlan } from '../model/plan.ts';",
    'harness/protocol/x.ts (protocol) imports harness/model/plan.ts (model)',
  );
  breach(
    'harness/model/x.ts',
    "export * from '../judge/judge.ts';",
    'harness/model/x.ts (model) imports harness/judge/judge.ts (judge)',
  );
  breach(
    'harness/model/x.ts',
    "type A = import('../lab/lab.ts').Lab;",
    'harness/model/x.ts (model) imports harness/lab/lab.ts (lab)',
  );
  breach(
    'harness/attacks/x.ts',
    "import net from 'node:net';",
    'harness/attacks/x.ts imports node:net',
  );
  breach(
    'harness/attacks/x.ts',
    "import { attack } from './neighbour.ts';",
    'harness/attacks/x.ts imports its neighbour harness/attacks/neighbour.ts',
  );
  breach(
    'harness/expectations/x.ts',
    "import { attack } from '../attacks/neighbour.ts';",
    'harness/expectations/x.ts (expectations) imports harness/attacks/neighbour.ts (attacks)',
  );
  breach(
    'harness/expectations/x.ts',
    "const lab = () => import('../lab/lab.ts');",
    'harness/expectations/x.ts (expectations) imports harness/lab/lab.ts (lab)',
  );
  breach(
    'harness/reporters/x.ts',
    "import { spawn } from 'node:child_process';",
    'harness/reporters/x.ts imports node:child_process',
  );
  breach(
    'harness/senders/x.ts',
    "import { parse } from 'yaml';",
    'harness/senders/x.ts imports the package yaml',
  );
  breach(
    'harness/senders/x.ts',
    "import { startLab } from '../lab/lab.ts';",
    'harness/senders/x.ts (senders) imports harness/lab/lab.ts (lab)',
  );
  breach(
    'harness/lab/x.ts',
    "import { pki } from 'node-forge/lib/pki.js';",
    'harness/lab/x.ts imports the package node-forge/lib/pki.js',
  );
  breach(
    'harness/lab/x.ts',
    "import { judge } from '../judge/judge.ts';",
    'harness/lab/x.ts (lab) imports harness/judge/judge.ts (judge)',
  );
  breach(
    'harness/commands/x.ts',
    "import { Command } from 'commander';",
    'harness/commands/x.ts imports the package commander',
  );
  breach('harness/commands/x.ts', 'process.exit(1);', 'harness/commands/x.ts uses process.exit');
  breach(
    'harness/run/suite.ts',
    'process.exitCode = 1;',
    'harness/run/suite.ts uses process.exitCode',
  );
  breach(
    'harness/run/suite.ts',
    "import { findPackage } from '../commands/list.ts';",
    'harness/run/suite.ts (run) imports harness/commands/list.ts (cli)',
  );
  breach(
    'harness/judge/judge.ts',
    "process.stdout.write('x');",
    'harness/judge/judge.ts uses process.stdout',
  );
  breach(
    'harness/judge/judge.ts',
    'const { stdout } = process;',
    'harness/judge/judge.ts uses process.stdout',
  );
  breach('harness/lab/x.ts', "console.log('x');", 'harness/lab/x.ts uses console');
  breach('harness/lab/x.ts', 'export let count = 0;', 'harness/lab/x.ts has a let at its top');
  breach('certs/x.ts', 'let count = 0;', 'certs/x.ts has a let at its top');
  breach(
    'harness/lab/x.ts',
    'const load = (name: string) => import(name);',
    'harness/lab/x.ts imports what no literal names',
  );
  breach('harness/common/x.ts', '', 'harness/common/x.ts is on no floor');
  breach(
    'harness/lab/x.ts',
    "import { x } from '../../test/floors.ts';",
    'harness/lab/x.ts imports test/floors.ts, which is on no floor',
  );

  fine(
    'harness/expectations/x.ts',
    "import { z } from 'zod';\nimport { inTurn } from './helper.ts';",
  );
  fine('harness/lab/x.ts', 'export function count() { let n = 0; return n++; }');
  fine(
    'harness/lab/x.ts',
    "// import net from 'zod'; console.log(1)\nexport const text = 'process.exit(1)';",
  );
  fine('harness/senders/mine/program.ts', "console.log('last words');");
});
