/** What records tell of the findings of a request: kind, place and keyed digest. */

import type { Finding, FoundAt, JsonStep } from '../call.ts';
import { valueDigest } from '../detect/digest.ts';
import type { Inspected } from '../inspect/inspect.ts';
import { jsonStrings } from '../protocol/json/json-pieces.ts';

/** More are only counted. */
export const MOST_FOUND = 64;

// RFC 6901 §3: ~ and / are escaped.
const pointer = (path: readonly JsonStep[]): string =>
  path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** Returns the findings of a request in the order of its texts, the first MOST_FOUND of them. */
export const foundIn = ({ content, scanned, facts }: Inspected, key: Uint8Array): readonly FoundAt[] => {
  const all: FoundAt[] = [];
  // Most requests hold nothing that is found.
  if (content === null || Object.keys(facts.findings).length === 0) return all;
  const tell = (path: readonly JsonStep[], text: string, findings: readonly Finding[]): void => {
    for (const { kind, start, end } of findings) {
      if (all.length === MOST_FOUND) return;
      all.push({ kind, at: pointer(path), digest: valueDigest(key, kind, text.slice(start, end)) });
    }
  };
  for (const { reading } of content.asked) {
    for (const { path, text } of reading.texts) {
      if (all.length === MOST_FOUND) return all;
      const known = scanned.get(text);
      if (known !== undefined) tell(path, text, known);
      else for (const inner of jsonStrings(text)) tell(path, inner, scanned.get(inner) ?? []);
    }
  }
  return all;
};
