import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileAutomaton } from './automaton.ts';
import { parsePattern } from './syntax.ts';

const automaton = (source: string, flags = '') => {
  const { matchEnd, viable } = compileAutomaton(parsePattern(new RegExp(source, flags)), flags);
  return { viable, length: (text: string, at: number): number => Math.max(0, matchEnd(text, at) - at) };
};

const lengthByV8 = (source: string, flags: string, text: string, at: number): number => {
  const sticky = new RegExp(source, `${flags}y`);
  sticky.lastIndex = at;
  return sticky.exec(text)?.[0].length ?? 0;
};

const atom = fc.constantFrom('a', 'b', 'A', '1', '[ab]', '[^a]', String.raw`\d`, String.raw`\w`, '[^1é]', 'é', 'ä');
const counted = fc
  .tuple(atom, fc.constantFrom('', '', '?', '{2}', '{0,2}', '{1,3}'))
  .map(([one, count]) => one + count);
const sequence = fc.array(counted, { minLength: 1, maxLength: 3 }).map((items) => items.join(''));
// A repeated group of V8 may not be empty: it begins with one that is not.
const group = fc
  .tuple(atom, fc.array(sequence, { minLength: 1, maxLength: 2 }), fc.constantFrom('', '?', '{1,2}'))
  .map(([first, options, count]) => `(?:${first}|${first}${options.join(`|${first}`)})${count}`);
const pattern = fc
  .tuple(
    fc.constantFrom('', '', '(?<!a)', '(?<=[b1])', '(?:(?<![ab])|(?<=a)(?=b))'),
    fc.array(fc.oneof({ weight: 3, arbitrary: counted }, { weight: 1, arbitrary: group }), {
      minLength: 1,
      maxLength: 4,
    }),
    fc.constantFrom('', '', '(?!a)', '(?=[b1])'),
  )
  .map(([head, items, tail]) => head + items.join('') + tail);
const text = fc
  .array(fc.constantFrom('a', 'b', 'A', '1', 'é', 'É', 'ä', ' '), { minLength: 1, maxLength: 12 })
  .map((units) => units.join(''));

describe('an automaton', () => {
  it('finds what a backtracking matcher finds, of the same length, at every place of every text', () => {
    let matches = 0;
    fc.assert(
      fc.property(
        pattern,
        fc.constantFrom('', 'i'),
        fc.array(text, { minLength: 5, maxLength: 5 }),
        (source, flags, all) => {
          const { length } = automaton(source, flags);
          for (const one of all) {
            for (let at = 0; at < one.length; at++) {
              const found = length(one, at);
              if (found > 0) matches += 1;
              if (found !== lengthByV8(source, flags, one, at))
                throw new Error(JSON.stringify({ source, flags, one, at, found }));
            }
          }
        },
      ),
      { numRuns: 400, seed: 3 },
    );
    expect(matches).toBeGreaterThan(1000);
  });

  it('says that more text may change the answer wherever it does', () => {
    let changes = 0;
    let decided = 0;
    fc.assert(
      fc.property(pattern, text, text, (source, before, more) => {
        const { length, viable } = automaton(source);
        for (let at = 0; at < before.length; at++) {
          const changed = length(before, at) !== length(before + more, at);
          if (changed) changes += 1;
          if (!viable(before, at)) decided += 1;
          if (changed && !viable(before, at)) throw new Error(JSON.stringify({ source, before, more, at }));
        }
      }),
      { numRuns: 500, seed: 4 },
    );
    expect(changes).toBeGreaterThan(30);
    expect(decided).toBeGreaterThan(1000);
  });

  it('waits for nothing once no unit can change the answer', () => {
    const { viable, length } = automaton('ab{1,3}');
    expect(viable('xa', 1)).toBe(true);
    expect(viable('xabb', 1)).toBe(true);
    expect(viable('xabbb', 1)).toBe(false);
    expect(viable('xaba', 1)).toBe(false);
    expect(length('xaba', 1)).toBe(2);
    expect(automaton('ab(?!c)').viable('ab', 0)).toBe(true);
    expect(automaton('ab|abcd').viable('ab', 0)).toBe(false);
    expect(automaton('abcd|ab').viable('ab', 0)).toBe(true);
  });

  it('takes no longer for a pattern that makes others try every way there is', () => {
    const { length } = automaton('(?:a|a|[ab]){0,40}(?:a|aa){0,40}c');
    const all = 'a'.repeat(3000);
    let found = 0;
    for (let at = 0; at < all.length; at++) found += length(all, at);
    expect(found).toBe(0);
    expect(length(`${all}c`, 2900)).toBe(101);
  });

  it('refuses a pattern whose states are too many, and one that looks around far', () => {
    expect(() => automaton('[ab]{0,40}a[ab]{0,40}b[abc]{0,40}a[ab]{30}')).toThrow('too ambiguous');
    expect(() => automaton('a(?!bc)')).toThrow('a lookaround of more than one unit');
  });
});
