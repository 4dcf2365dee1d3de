/** What is found in files that people have: `npm run bench -- accuracy --files DIR …` counts findings by kind. */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ENTITIES, compileScanner } from '../../src/detect/scanner.ts';

/** What tells a file that nobody reads as text: another one made it, or it is no text. */
const MADE =
  /\.(?:gz|xz|zip|png|jpe?g|gif|ico|woff2?|ttf|otf|pdf|map|wasm|node|so|a|o|bin|pyc|lock)$|\.min\.(?:js|css)$/i;
const LARGEST = 2_000_000;

/** Returns the text of a file; null when it has none, or is too large. */
const readText = (file: string): string | null => {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isFile() || stats.size > LARGEST) return null;
  const bytes = readFileSync(file);
  if (bytes.subarray(0, 8000).includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
};

/** Yields the files below some folders; what is a file itself, too. */
function* filesIn(places: readonly string[]): Generator<string> {
  for (const place of places) {
    if (!statSync(place).isDirectory()) {
      yield place;
      continue;
    }
    for (const entry of readdirSync(place, { recursive: true, withFileTypes: true }))
      if (entry.isFile() && !MADE.test(entry.name)) yield join(entry.parentPath, entry.name);
  }
}

/** Counts of findings in texts. */
export interface Findings {
  readonly files: number;
  /** In characters. */
  readonly size: number;
  /** By kind. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Returns what is found in the files below some folders. `tell` is called with each finding and the text around it. */
export const findingsIn = (
  places: readonly string[],
  tell: (kind: string, around: string, file: string) => void,
): Findings => {
  const scanner = compileScanner(ENTITIES.map(({ name }) => name));
  const counts = new Map<string, number>();
  let size = 0;
  let files = 0;
  for (const file of filesIn(places)) {
    const text = readText(file);
    if (text === null) continue;
    files += 1;
    size += text.length;
    for (const { kind, start, end } of scanner.scan(text)) {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      tell(kind, text.slice(Math.max(0, start - 60), end + 20), file);
    }
  }
  return { files, size, counts };
};
