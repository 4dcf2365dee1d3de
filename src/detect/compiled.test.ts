import { describe, expect, it } from 'vitest';
import { compileDetector } from './compiled.ts';
import { DETECTORS } from './entities.ts';
import { type Detector, REACH } from './detector.ts';

const detector = (pattern: RegExp, more: Partial<Detector> = {}): Detector => ({
  kind: 'x',
  pattern,
  score: 1,
  ...more,
});

describe('compileDetector', () => {
  const refused: readonly (readonly [string, Detector, string])[] = [
    ['a pattern that may match nothing', detector(/a?/), 'may be empty'],
    ['a pattern that looks too far', detector(/a{321}/), 'looks at 321 units'],
    ['a lookahead that makes it look too far', detector(/a{320}(?!b)/), 'looks at 321 units'],
    ['a lookbehind wider than the context that is kept', detector(/(?<=a{65})b/), 'wider than 64'],
    ['a lookbehind behind what consumes', detector(/a(?<=a)b/), 'behind what consumes'],
    ['a lookbehind in a repeat', detector(/(?:(?<=a)b){2}/), 'behind what consumes'],
    ['a wide lookahead that is not at the end', detector(/a(?!bc)d/), 'not at the end'],
    ['a lookaround inside another', detector(/a(?!b(?=c))/), 'inside another'],
    ['a needle that a match can do without', detector(/a{1,3}@?b/, { needle: '@' }), 'is not in every match'],
    ['a needle at the very start', detector(/@a/, { needle: '@' }), 'is not in every match'],
    ['a swallow that looks too far', detector(/a/, { swallow: { until: /b{321}/ } }), 'looks at 321 units'],
  ];
  for (const [what, bad, message] of refused) {
    it(`refuses ${what}`, () => expect(() => compileDetector(bad)).toThrow(message));
  }

  it('names the detector that it refuses', () => {
    expect(() => compileDetector(detector(/a*/))).toThrow(/^detector x: /);
  });

  it('knows a match that more text may change from one that it may not', () => {
    const { viable } = compileDetector(detector(/(?<!a)ab{2,3}(?:c|de)(?!f|gh)/));
    const open = ['a', 'ab', 'abb', 'abbb', 'abbd', 'abbc', 'abbbde', 'abbcg'];
    const closed = ['b', 'abc', 'abbbb', 'abbx', 'abbcx', 'abbcgx', 'abbdx'];
    expect(open.filter((text) => !viable(text, 0))).toEqual([]);
    expect(closed.filter((text) => viable(text, 0))).toEqual([]);
    expect(viable('aab', 1)).toBe(false);
  });

  it('keeps every detector within the bounds', () => {
    for (const one of DETECTORS) expect(compileDetector(one).reach).toBeLessThanOrEqual(REACH);
  });
});
