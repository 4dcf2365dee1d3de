/** Makes a scanner out of a function. */

import type { Finding } from '../../src/call.ts';
import type { Scanner } from '../../src/detect/scanner.ts';

/** Returns a scanner that finds what `scan` does, in one step. */
export const scannerOf = (scan: (text: string) => readonly Finding[]): Scanner => ({
  scan,
  *steps(text) {
    yield;
    return scan(text);
  },
});
