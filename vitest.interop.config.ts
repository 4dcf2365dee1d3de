import { defineConfig } from 'vitest/config';

/** Programs in other languages: `npm run test:interop`. They are fetched when they are not there, which takes minutes. */
export default defineConfig({
  test: {
    name: 'interop',
    include: ['test/interop/**/*.interop.ts'],
    testTimeout: 120_000,
    hookTimeout: 900_000,
    fileParallelism: false,
  },
});
