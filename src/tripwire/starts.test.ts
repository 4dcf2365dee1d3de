import { describe, expect, it } from 'vitest';
import { COMMAND_WIRES } from './commands.ts';
import { foldText } from './fold.ts';
import { INJECTION_WIRES } from './injection.ts';
import { findStarts } from './starts.ts';

const STARTS = [...new Set([...COMMAND_WIRES, ...INJECTION_WIRES].flatMap(({ starts }) => starts))];

/** Says the same with one large expression: words as words and ahead of others, the longest first. */
const oracle = (starts: readonly string[]): RegExp => {
  const escaped = (text: string): string => text.replace(/[\\^$.|?+*()[\]{}/-]/g, '\\$&');
  const longest = starts.toSorted((a, b) => b.length - a.length);
  const isWord = (start: string): boolean => /^\w/.test(start) && /\w$/.test(start);
  const words = longest.filter(isWord).map(escaped).join('|');
  const others = longest
    .filter((start) => !isWord(start))
    .map(escaped)
    .join('|');
  return new RegExp(`\\b(?:${words})(?!\\w)|${others}`, 'gi');
};

/** A small generator of numbers, the same in every run. */
const numbers = (seed: number) => (most: number) => {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
  return Math.floor((seed / 2 ** 31) * most);
};

describe('the beginnings of wires', () => {
  it('are found where one large expression finds them, in texts made of their pieces', () => {
    const find = findStarts(STARTS);
    const any = oracle(STARTS);
    const next = numbers(7);
    const glue = ['', ' ', '', '_', '\n', 'x', '1', '.', '忽', 'é', '=', '-'];
    let hits = 0;
    for (let run = 0; run < 3_000; run++) {
      let text = '';
      for (let part = next(5) + 1; part > 0; part--) {
        const start = STARTS[next(STARTS.length)] ?? '';
        const piece = next(4) === 0 ? start.slice(0, next(start.length + 1)) : start;
        text += (next(3) === 0 ? piece.toUpperCase() : piece) + (glue[next(glue.length)] ?? '');
      }
      for (let at = 0; ; ) {
        any.lastIndex = at;
        const expected = any.exec(text);
        const found = find(text, at);
        expect([found?.index, found?.start], JSON.stringify([text, at])).toEqual([
          expected?.index,
          expected?.[0].toLowerCase(),
        ]);
        if (found === null) break;
        hits++;
        at = found.index + 1;
      }
    }
    expect(hits).toBeGreaterThan(4_000);
  });

  it('are found at the very end and at the very beginning, and not in nothing', () => {
    const find = findStarts(['rm', '![']);
    expect(find('', 0)).toBeNull();
    expect(find('r', 0)).toBeNull();
    expect(find('rm', 0)).toEqual({ index: 0, start: 'rm' });
    expect(find('a RM', 0)).toEqual({ index: 2, start: 'rm' });
    expect(find('a![', 1)).toEqual({ index: 1, start: '![' });
    expect(find('arm rms', 0)).toBeNull();
    expect(() => findStarts(['x'])).toThrow('at least two');
  });
});

describe('folding', () => {
  it('leaves alone what it need not look at: no such unit would change, with anything beside it', () => {
    const slowly = (text: string): string => text.normalize('NFKC');
    for (let code = 0; code < 0xd800; code++) {
      const text = `a${String.fromCharCode(code)}b`;
      const folded = foldText(text);
      // what is folded beyond that is unseen, or looks like a Latin letter
      if (folded === text) expect(slowly(text), code.toString(16)).toBe(text);
    }
  });
});
