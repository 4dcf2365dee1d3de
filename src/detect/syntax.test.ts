import { describe, expect, it } from 'vitest';
import { parsePattern } from './syntax.ts';
import { symbolOf, symbolsIn } from './unit-set.ts';
import { sourceOf } from './viable.ts';

const units = (pattern: RegExp): string => {
  const node = parsePattern(pattern);
  if (node.kind !== 'set') throw new Error(`expected one unit, found ${node.kind}`);
  return symbolsIn(node.units)
    .map((symbol) => (symbol === 127 ? '…' : String.fromCharCode(symbol)))
    .join('');
};

describe('parsePattern', () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['an unbounded star', /a*/],
    ['an unbounded plus', /a+/],
    ['an open count', /a{2,}/],
    ['a lazy repeat', /a{1,2}?/],
    ['a doubled repeat', /(?:a?){2}b??/],
    ['a capture', /(a)/],
    ['a name', /(?<n>a)/],
    ['a backreference', new RegExp(String.raw`(?:a)\1`)],
    ['the start of the text', /^a/],
    ['the end of the text', /a$/],
    ['the dot', /a.b/],
    ['a word boundary', /\ba/],
    ['a repeated lookaround', /(?:(?!a)){2}b/],
    ['another flag', /a/u],
  ];
  for (const [what, pattern] of refused) {
    it(`refuses ${what}`, () => expect(() => parsePattern(pattern)).toThrow('not in the subset'));
  }

  it('reads classes, escapes and ranges as the engine does', () => {
    const samples = [
      /[a-c-]/,
      /[^\w]/,
      /\d/,
      /[\].^]/,
      /\x41/,
      /[\u0041-C]/,
      /\//,
      /[\n\t ]/,
      /[^a]/i,
      /k/i,
      /[A-c]/i,
      /\S/,
      /[\s\-x]/,
    ];
    for (const pattern of samples) {
      const set = new Set(units(pattern));
      for (let unit = 0; unit < 127; unit++) {
        const character = String.fromCharCode(unit);
        expect(set.has(character), `${pattern} ${JSON.stringify(character)}`).toBe(pattern.test(character));
      }
    }
  });

  it('keeps what is beyond its alphabet in every class that may hold some of it', () => {
    for (const pattern of [/[é]/, /[^a]/, /[^é]/, /\s/, /[a-\u0100]/]) expect(units(pattern)).toContain('…');
    for (const pattern of [/[a-z]/, /\d/]) expect(units(pattern)).not.toContain('…');
    expect(symbolOf('é'.charCodeAt(0))).toBe(127);
  });

  it('gives back a pattern that matches the same', () => {
    const pattern = /(?<![a-z]|-)(?:ab?|[0-9]{2,3}){1,2}\.(?=x|yz)/;
    const again = new RegExp(sourceOf(parsePattern(pattern)), 'g');
    const text = 'ab.x 12ab.yz -a.x a12.x q123.y 1234.yz';
    expect(text.match(again)).toEqual(text.match(new RegExp(pattern.source, 'g')));
  });
});
