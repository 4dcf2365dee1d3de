/** Counts what a run of vitest really showed. */

/** The part of vitest's JSON report that is read here. */
export interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly notRun: readonly { readonly file: string; readonly why: string }[];
}

/** So reads the title of a test that only says that others could not run: `vectors: not run, set SALLYPORT_VECTORS`. */
const NOT_RUN = /: not run, /;

/**
 * Returns the counts of `report`. A test that only says what was not run is neither passed nor failed. A file that
 * could not be loaded is one failure; so is a run that ended with `code` other than 0 though no test failed (an error
 * outside of every test), and a run without a single passed test.
 */
export const count = ({ testResults }: Report, code: number): Count => {
  const tests = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map((test) => ({ ...test, file: name, notRun: NOT_RUN.test(test.fullName) })),
  );
  const passed = tests.filter(({ status, notRun }) => status === 'passed' && !notRun).length;
  const broken = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  ).length;
  const failed = tests.filter(({ status }) => status === 'failed').length + broken;
  const idle = tests.filter(({ status, notRun }) => status !== 'failed' && (status !== 'passed' || notRun));
  return {
    passed,
    failed: failed === 0 && (code !== 0 || passed === 0) ? 1 : failed,
    notRun: idle.map(({ file, fullName, status }) => ({
      file,
      why: status === 'passed' ? fullName : `${fullName} (${status})`,
    })),
  };
};
