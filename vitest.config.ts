/** Two projects: `unit` needs nothing but Node; `containers` needs a Docker engine, and a minute or more for each mail server. */

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/containers/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
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
