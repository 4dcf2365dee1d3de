/** Scans whole texts for the entities that somebody chose. */

import type { Finding } from '../call.ts';
import type { Detector } from './detector.ts';
import { BUILT_IN, type Catalog } from './entities.ts';
import { fold } from './fold.ts';
import { compileProgram, type Program, Search, type Step } from './search.ts';
import { StreamScanner } from './stream-scanner.ts';

export { ENTITIES } from './entities.ts';

/** Finds entities in whole texts. */
export interface Scanner {
  /** Returns the findings, left to right; none overlaps another. */
  scan(text: string): readonly Finding[];
  /** Returns the same, resting after every SLICE units: whoever takes the steps decides when to go on. */
  steps(text: string): Generator<void, readonly Finding[]>;
}

/** So many units are scanned in a fraction of a millisecond, and in some milliseconds at the worst. */
export const SLICE = 1 << 14;

/** A finding and what found it. */
export interface Found {
  readonly detector: Detector;
  readonly finding: Finding;
}

const NOTHING: readonly Found[] = [];

/** What a scanner with at least the same detectors found in a text. */
export type Known = readonly Pick<Finding, 'start' | 'end'>[];

/**
 * Returns what a whole text holds, left to right, of which it is known what more detectors found. Where nothing was found
 * then, nothing is now: only what stands within a finding is looked at again, because another detector may have been first.
 * Rests after every SLICE units that it looks at.
 */
export function* scanningWithin(program: Program, text: string, known: Known): Generator<void, readonly Found[]> {
  if (known.length === 0) return NOTHING;
  const folded = fold(text);
  const search = new Search(program, folded, true);
  const all: Found[] = [];
  let at = 0;
  let looked = 0;
  for (const { start, end } of known) {
    looked += end - start;
    if (looked > SLICE) {
      looked = 0;
      yield;
    }
    at = Math.max(at, start);
    while (at < end) {
      const step = search.next(at, end);
      if (step.kind !== 'entity') break;
      const found = foundAt(folded, step);
      all.push(found);
      at = found.finding.end;
    }
  }
  return all;
}

const foundAt = (folded: string, { compiled, start, end, score }: Step & { kind: 'entity' }): Found => {
  const { detector } = compiled;
  const { at } = compiled.follow(folded, end, true);
  return { detector, finding: { kind: detector.kind, start, end: at, score } };
};

/** A stream says the same as the whole, whatever its pieces (promise 4). */
function* scanSlices(program: Program, text: string): Generator<void, readonly Finding[]> {
  const findings: Finding[] = [];
  const scanner = new StreamScanner(program, {
    plain() {},
    begin() {},
    piece() {},
    end: (finding) => void findings.push(finding),
  });
  for (let at = 0; at < text.length; at += SLICE) {
    scanner.push(text.slice(at, at + SLICE));
    yield;
  }
  scanner.end();
  return findings;
}

/** Returns what a whole text holds, left to right. */
export const scanWhole = (program: Program, text: string): readonly Found[] => {
  const { clean } = program;
  if (clean.has(text)) return NOTHING;
  const folded = fold(text);
  const search = new Search(program, folded, true);
  let step = search.next(0);
  if (step.kind !== 'entity') {
    clean.add(text);
    return NOTHING;
  }
  const all: Found[] = [];
  while (step.kind === 'entity') {
    const found = foundAt(folded, step);
    all.push(found);
    step = search.next(found.finding.end);
  }
  return all;
};

/**
 * Returns a scanner for these entities (`email`) or kinds (`secret.github`). Throws an Error that names an unknown one
 * and the nearest that is known.
 */
export const compileScanner = (entities: readonly string[], catalog: Catalog = BUILT_IN): Scanner => {
  const program = compileProgram(catalog.chosen(entities));
  return {
    scan: (text) => scanWhole(program, text).map(({ finding }) => finding),
    steps: (text) => scanSlices(program, text),
  };
};
