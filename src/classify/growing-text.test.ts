import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cut, GrowingText, type Window } from './growing-text.ts';

const SIZE = { characters: 40, context: 12, overlap: 0 };

/** Feeds a text in pieces, all of it decided as it comes, and takes what there is after each. */
const windowsOf = (pieces: readonly string[], cut: Cut = 'sentence'): readonly Window[] => {
  const text = new GrowingText(SIZE);
  const windows: Window[] = [];
  const drain = (how: Cut): void => {
    for (let window = text.take(how); window !== null; window = text.take(how)) windows.push(window);
  };
  for (const piece of pieces) {
    text.grow(piece);
    text.decide(text.length, []);
    drain(cut);
  }
  drain('anywhere');
  return windows;
};

const freshOf = (windows: readonly Window[]): readonly string[] =>
  windows.map(({ text, from, start }) => text.slice(start - from));

describe('a growing text', () => {
  it('is cut behind sentences, in scripts with and without white space behind them', () => {
    const pieces = ['It is 1.5 m. Is', ' it? "Yes." She', ' said 好。再见！他', '\nDone'];
    expect(freshOf(windowsOf(pieces))).toEqual([
      'It is 1.5 m. ',
      'Is it? "Yes." ',
      'She said 好。再见！',
      '他\n',
      'Done',
    ]);
  });

  it('waits for what comes behind a stop, which may be a decimal or a quote', () => {
    const text = new GrowingText(SIZE);
    text.grow('He paid 3.');
    text.decide(text.length, []);
    expect(text.take('sentence')).toBeNull();
    text.grow('50 for it. ');
    text.decide(text.length, []);
    expect(text.take('sentence')?.text).toBe('He paid 3.50 for it. ');
  });

  it('shows everything once, in order, with what was before as context, however it came and whatever it is', () => {
    const piece = fc.constantFrom(
      'word ',
      'x',
      '. ',
      '。',
      '👋🏽',
      '\n',
      'longwordwithoutend',
      '\ud83d',
      '\udc4b',
      '?',
    );
    let cuts = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const whole = pieces.join('');
        const windows = windowsOf(pieces);
        expect(freshOf(windows).join('')).toBe(whole);
        for (const { from, start, end, text } of windows) {
          cuts++;
          expect(text).toBe(whole.slice(from, end));
          expect(start - from).toBeLessThanOrEqual(SIZE.context + 1);
          expect(end - start).toBeLessThanOrEqual(SIZE.characters);
          expect(insidePair(whole, start) || insidePair(whole, from)).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
    expect(cuts).toBeGreaterThan(500);
  });

  it('never cuts through what a detector found, nor shows half of it as context', () => {
    const text = new GrowingText(SIZE);
    const ahead = 'a '.repeat(18);
    text.grow(`${ahead}jo@example.com and more of it. `);
    const found = { kind: 'email', start: ahead.length, end: ahead.length + 14, score: 1 };
    text.decide(text.length, [found]);
    const first = text.take('anywhere');
    expect(first?.end).toBe(ahead.length);
    const second = text.take('anywhere');
    expect(second?.findings).toEqual([{ ...found, start: 12, end: 26 }]);
    text.grow('Next');
    text.decide(text.length, []);
    expect(text.take('anywhere')?.text.includes('@')).toBe(false);
  });

  it('takes what is undecided without end for a finding, so that nothing waits for ever', () => {
    const text = new GrowingText({ characters: 2_000, context: 0, overlap: 0 });
    text.grow('-----BEGIN PRIVATE KEY-----');
    text.decide(0, []);
    expect(text.take('anywhere')).toBeNull();
    text.grow('A'.repeat(1_500));
    text.decide(0, []);
    const window = text.take('anywhere');
    expect(window?.findings).toEqual([{ kind: 'secret', start: 0, end: window?.end, score: 1 }]);
  });
});

const insidePair = (text: string, at: number): boolean =>
  /^[\ud800-\udbff]$/.test(text.charAt(at - 1)) && /^[\udc00-\udfff]$/.test(text.charAt(at));
