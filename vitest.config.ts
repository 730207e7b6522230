/**
 * Three projects: `unit` and `alone` need nothing but Node; `containers` needs a Docker engine, and a
 * minute or more for each mail server. The files of `unit` share what they load: those of `alone` put
 * something else in its place.
 *
 * HOLDFAST_PLANTED names a fault of test/planted/faults.ts that the harness gets as it is imported.
 */

import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { defineConfig, type Plugin } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { PLANTED } from './test/planted/faults.ts';

const fault = process.env.HOLDFAST_PLANTED;

const ALONE = [
  'test/commands/doctor.test.ts',
  'test/commands/log.test.ts',
  'test/commands/run.test.ts',
  'test/results/schema.test.ts',
];

/** Nothing takes a minute, but on a machine that is busy with other things. */
const PATIENT = { testTimeout: 240_000, hookTimeout: 240_000 };

/** These begin first, so that the end of a run does not wait for one of them. */
const LONGEST = [
  'test/mutants/mutants.test.ts',
  'test/mutants/reference.test.ts',
  'test/cli.test.ts',
  'test/known/known.test.ts',
  'test/commands/doctor.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) =>
      [...LONGEST.keys()].find((index) => moduleId.endsWith(LONGEST[index]!)) ?? LONGEST.length;
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    // What was transformed without the fault, or with another, is not what is wanted now.
    fsModuleCache: fault === undefined,
    // By default one fewer than cores. One more, as there are always files that wait for something.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        plugins: [planted(fault)],
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/containers/**', ...ALONE],
          // To load the harness anew for each file takes longer than most files.
          isolate: false,
          ...PATIENT,
        },
      },
      { test: { name: 'alone', include: ALONE, ...PATIENT } },
      {
        test: {
          name: 'containers',
          include: ['test/containers/*.test.ts'],
          // A busy machine makes a slow lab, and a slow lab decides nothing.
          fileParallelism: false,
          // An image may have to be built.
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});

function planted(name: string | undefined): Plugin {
  const fault = name === undefined ? undefined : PLANTED[name];
  return {
    name: 'planted-fault',
    enforce: 'pre',
    transform(code, id) {
      if (fault === undefined || relative(process.cwd(), id) !== fault.file) return undefined;
      if (!code.includes(fault.from)) throw new Error(`${fault.file} has no ${fault.from}`);
      return code.replace(fault.from, () => fault.to);
    },
  };
}
