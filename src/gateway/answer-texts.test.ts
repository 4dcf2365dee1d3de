import { describe, expect, it } from 'vitest';
import { compileScanner } from '../detect/scanner.ts';
import { compileTextMasker } from '../mask/text-masker.ts';
import { AnswerTexts } from './answer-texts.ts';

const make = (): AnswerTexts =>
  new AnswerTexts({
    size: { characters: 64, context: 16, overlap: 0 },
    scanner: compileScanner(['email']),
    dropper: compileTextMasker([{ entities: ['email'], with: 'drop' }], Buffer.alloc(32)),
  });

const person = (start: number, end: number) => ({ kind: 'pii.person', start, end, score: 1 });

/** Shows everything that is ready, and finds in each text what `find` says. Returns what was shown. */
const showAll = (texts: AnswerTexts, find: (text: string) => readonly ReturnType<typeof person>[] = () => []) => {
  const shown: string[] = [];
  for (let batch = texts.take(); batch !== null; batch = texts.take()) {
    shown.push(...batch.texts.map(({ text }) => text));
    batch.settle(batch.texts.map(({ text }) => find(text)));
  }
  return shown;
};

describe('the texts of a connection that says more than anybody remembers', () => {
  it('are shown once while they are remembered, and once more when they are not', () => {
    const texts = make();
    const say = (text: string): readonly string[] => {
      texts.whole(text);
      const mark = texts.mark();
      const shown = showAll(texts);
      expect(mark.isSettled()).toBe(true);
      mark.left();
      return shown;
    };
    expect(say('first')).toEqual(['first']);
    expect(say('first')).toEqual([]);
    for (let at = 0; at < 5_000; at++) say(`text ${at}`);
    expect(say('first')).toEqual(['first']);
    expect(say('text 4999')).toEqual([]);
  });

  it('are never forgotten before they have left, however many come behind', () => {
    const texts = make();
    texts.whole('Jo was here');
    const held = texts.mark();
    showAll(texts, (text) => (text.startsWith('Jo') ? [person(0, 2)] : []));
    for (let at = 0; at < 5_000; at++) {
      texts.whole(`text ${at}`);
      const mark = texts.mark();
      showAll(texts);
      mark.left();
    }
    expect(texts.known.whole('Jo was here')).toEqual([person(0, 2)]);
    held.left();
  });

  it('that grow are known to the mask by their order, and to what repeats them for a while', () => {
    const texts = make();
    const grow = (number: number, text: string): void => {
      texts.begins();
      texts.grows(number, text);
      texts.ends(number);
      const mark = texts.mark();
      showAll(texts, (shown) => [person(0, shown.length)]);
      const found = texts.known.begins();
      mark.left();
      expect(found()).toEqual([person(0, text.length)]);
    };
    for (let at = 0; at < 400; at++) grow(at, `Said ${at}.`);
    expect(texts.known.whole('Said 399.')).toEqual([person(0, 9)]);
    texts.whole('Said 399.');
    expect(showAll(texts)).toEqual([]);
    texts.whole('Said 1.');
    expect(showAll(texts)).toEqual(['Said 1.']);
  });

  it('are those of another mask from where that begins', () => {
    const texts = make();
    const begin = (number: number, text: string): void => {
      texts.begins();
      texts.grows(number, text);
      texts.ends(number);
    };
    begin(0, 'No mask asks for this.');
    const align = texts.turn();
    begin(1, 'Jo.');
    showAll(texts, (shown) => (shown === 'Jo.' ? [person(0, 2)] : []));
    align();
    expect(texts.known.begins()()).toEqual([person(0, 2)]);
  });
});
