/**
 * Servers that match member names without case (Go's encoding/json) find a setting under spellings that an exact reader
 * passes over: `{"model":"a","Model":"b"}` is a request for `b`. A document that uses such a spelling has two readings.
 */

import { Failure } from '../reasons.ts';
import type { JsonObject } from './value.ts';

/** Beside ASCII, Go folds the long s and the Kelvin sign (encoding/json, fold.go). */
const folded = (name: string): string => name.toLowerCase().replaceAll('ſ', 's').replaceAll('K', 'k');

/** Throws Failure `body-unreadable` when a member spells one of `names` (in small letters) in another way. */
export const refuseFoldedNames = (object: JsonObject, names: ReadonlySet<string>): void => {
  for (const name in object) {
    if (names.has(name)) continue;
    const as = folded(name);
    if (as !== name && names.has(as))
      throw new Failure('body-unreadable', 'expected member names in their own spelling', {
        detail: `Expected ${as} in small letters.`,
      });
  }
};
