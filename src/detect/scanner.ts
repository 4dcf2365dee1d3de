/** Scans whole texts for the entities that somebody chose. */

import type { Finding } from '../call.ts';
import type { Detector } from './detector.ts';
import { BUILT_IN, type Catalog } from './entities.ts';
import { fold } from './fold.ts';
import { compileProgram, type Program, Search } from './search.ts';

export { ENTITIES } from './entities.ts';

/** Finds entities in whole texts. */
export interface Scanner {
  /** Returns the findings, left to right; none overlaps another. */
  scan(text: string): readonly Finding[];
}

/** A finding and what found it. */
export interface Found {
  readonly detector: Detector;
  readonly finding: Finding;
}

const NOTHING: readonly Found[] = [];

/** Returns what a whole text holds, left to right. */
export const scanWhole = (program: Program, text: string): readonly Found[] => {
  const folded = fold(text);
  const search = new Search(program, folded, true);
  let step = search.next(0);
  if (step.kind !== 'entity') return NOTHING;
  const all: Found[] = [];
  while (step.kind === 'entity') {
    const { compiled, start, score } = step;
    const { detector } = compiled;
    const end = compiled.follow(folded, step.end, true).at;
    all.push({ detector, finding: { kind: detector.kind, start, end, score } });
    step = search.next(end);
  }
  return all;
};

/**
 * Returns a scanner for these entities (`email`) or kinds (`secret.github`). Throws an Error that names an unknown one
 * and the nearest that is known.
 */
export const compileScanner = (entities: readonly string[], catalog: Catalog = BUILT_IN): Scanner => {
  const program = compileProgram(catalog.chosen(entities));
  return { scan: (text) => scanWhole(program, text).map(({ finding }) => finding) };
};
