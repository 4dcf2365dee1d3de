import { check } from 'recheck';
import { describe, expect, it } from 'vitest';
import { type Compiled, compileDetector } from './compiled.ts';
import type { Detector } from './detector.ts';
import { DETECTORS } from './entities.ts';
import { programOf, Search } from './search.ts';
import { StreamScanner } from './stream-scanner.ts';
import { parsePattern } from './syntax.ts';
import { ADVERSARIAL, FORM_SAMPLES } from '../../test/masking/texts.ts';
import { sourceOf, viableSource } from './viable.ts';

/** Many tokens have the same form but for a few letters ahead: each expression is looked at once. */
const looked = new Set<string>();

const sourcesOf = ({ pattern, swallow }: Detector): readonly string[] => {
  const tree = parsePattern(pattern);
  const end = swallow !== undefined && 'until' in swallow ? [viableSource(parsePattern(swallow.until))] : [];
  return [sourceOf(tree), viableSource(tree), ...end];
};

describe('no expression of a detector takes more than linear time', () => {
  const byKind = Map.groupBy(DETECTORS, ({ kind }) => kind);
  for (const [kind, detectors] of byKind) {
    it(kind, { timeout: 120_000 }, async () => {
      for (const detector of detectors) {
        for (const source of sourcesOf(detector)) {
          if (looked.has(source)) continue;
          looked.add(source);
          // Sticky expressions begin at one place: anchored is what they are.
          const flags = detector.pattern.ignoreCase ? 'i' : '';
          const result = await check(`^(?:${source})`, flags, { timeout: 100_000 });
          const found = result.status === 'safe' ? result.complexity.type : result.status;
          expect(['safe', 'linear'], `${found}: ${source}`).toContain(found);
        }
      }
    });
  }

  it('and the checker knows one that does', { timeout: 60_000 }, async () => {
    expect((await check('^(?:a|a)*b', '')).status).toBe('vulnerable');
  });
});

let steps = 0;

/** Adds up how many units the expressions that are asked may look at. */
const counting = (one: Compiled): Compiled => ({
  ...one,
  matchEnd(text, at) {
    steps += one.reach;
    return one.matchEnd(text, at);
  },
  viable(text, at) {
    steps += one.reach;
    return one.viable(text, at);
  },
});

const program = programOf(DETECTORS.map(compileDetector).map(counting));

/** Returns the steps that `run` takes. */
const stepsOf = (run: () => void): number => {
  steps = 0;
  run();
  return steps;
};

const repeated = (unit: string, length: number): string => unit.repeat(Math.ceil(length / unit.length));

const scanWhole = (text: string): void => {
  const search = new Search(program, text, true);
  for (let step = search.next(0); step.kind === 'entity'; step = search.next(step.end)) continue;
};

const scanUnitByUnit = (text: string): void => {
  const scanner = new StreamScanner(program, { plain() {}, begin() {}, piece() {}, end() {} });
  for (let at = 0; at < text.length; at++) scanner.push(text.charAt(at));
};

const UNITS = [...ADVERSARIAL, ...FORM_SAMPLES.map((sample) => sample.slice(0, -1))];

describe('work grows as the text does', () => {
  // One place may cost a few expressions, each a look of bounded width.
  it('for whole texts', { timeout: 600_000 }, () => {
    for (const unit of UNITS) {
      const [once, twice] = [4000, 8000].map((length) => stepsOf(() => scanWhole(repeated(unit, length))));
      expect(once, unit).toBeLessThan(4000 * 320 * 3);
      expect(twice, unit).toBeLessThan((once ?? 0) * 2.2 + 5000);
    }
  });

  it('for streams that come in unit by unit', { timeout: 600_000 }, () => {
    for (const unit of UNITS) {
      const [once, twice] = [600, 1200].map((length) => stepsOf(() => scanUnitByUnit(repeated(unit, length))));
      expect(once, unit).toBeLessThan(600 * 320 * 8);
      // The last reach of a text is looked at again and again: more of it fits into the longer one.
      expect(twice, unit).toBeLessThan((once ?? 0) * 2.2 + 320 * 320 * 8);
    }
  });
});
