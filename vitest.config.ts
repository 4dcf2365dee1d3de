import { configDefaults, defineConfig } from 'vitest/config';

/** Whole deployments and other people's programs: they take their time, and the machine to themselves. */
const SLOW = ['test/e2e/**/*.test.ts', 'test/interop/**/*.test.ts', 'test/crash/**/*.test.ts'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...SLOW],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: SLOW,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          // after the unit tests, not beside them
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
