import { describe, expect, it } from 'vitest';
import { count } from '../scripts/test-count.ts';

const file = (status: string, ...tests: readonly (readonly [title: string, status: string])[]) => ({
  name: '/repo/a.test.ts',
  status,
  assertionResults: tests.map(([fullName, ended]) => ({ fullName, status: ended })),
});

describe('the last line of npm test', () => {
  it('counts tests that passed and tests that failed', () => {
    const report = { testResults: [file('failed', ['a', 'passed'], ['b', 'failed'], ['c', 'passed'])] };
    expect(count(report, 1)).toEqual({ passed: 2, failed: 1, notRun: [] });
  });

  it('counts a test that only says what was not run as neither, and tells it', () => {
    const title = 'vectors: not run, set SALLYPORT_VECTORS';
    const report = { testResults: [file('passed', ['a', 'passed'], [title, 'passed'], ['b', 'skipped'])] };
    expect(count(report, 0)).toEqual({
      passed: 1,
      failed: 0,
      notRun: [
        { file: '/repo/a.test.ts', why: title },
        { file: '/repo/a.test.ts', why: 'b (skipped)' },
      ],
    });
  });

  it('counts a file that could not be loaded as a failure', () => {
    const report = { testResults: [file('passed', ['a', 'passed']), file('failed')] };
    expect(count(report, 1)).toMatchObject({ passed: 1, failed: 1 });
  });

  it('is red when the run ended in an error outside of every test', () => {
    expect(count({ testResults: [file('passed', ['a', 'passed'])] }, 1)).toMatchObject({ failed: 1 });
  });

  it('is red when nothing was run', () => {
    expect(count({ testResults: [] }, 0)).toMatchObject({ passed: 0, failed: 1 });
  });
});
