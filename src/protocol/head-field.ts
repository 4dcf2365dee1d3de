/** Field lines that decide how a body reads: one line or none, under one spelling. */

import { Failure, type Reason } from '../reasons.ts';

/**
 * Returns the value of the only field line with this lower-case name, null when there is none. Throws Failure `reason`
 * for a second line, and for the name spelled with `_`, which some servers read as `-`.
 */
export const headField = (raw: readonly string[], name: string, reason: Reason): string | null => {
  let value: string | null = null;
  for (let at = 0; at < raw.length; at += 2) {
    const found = raw[at] ?? '';
    if (found.length !== name.length || found.toLowerCase().replaceAll('_', '-') !== name) continue;
    if (value !== null || found.includes('_'))
      throw new Failure(reason, `expected at most one line ${name}`, { detail: `Expected at most one line ${name}.` });
    value = raw[at + 1] ?? '';
  }
  return value;
};
