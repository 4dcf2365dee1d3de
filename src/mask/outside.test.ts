import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../call.ts';
import { Failure } from '../reasons.ts';
import { jsonTextStream, maskJsonText } from './json-text.ts';
import { NO_MASKER, outsideMasker } from './outside.ts';
import { compileTextMasker } from './text-masker.ts';

const KEY = Buffer.alloc(32, 7);
const inner = compileTextMasker([{ entities: ['email'], with: 'replace' }], KEY);

/** Finds every `Jo` in any text, as somebody outside has said. */
const joIn = (text: string, kind = 'pii.person'): readonly Finding[] =>
  [...text.matchAll(/Jo/g)].map(({ index }) => ({ kind, start: index, end: index + 2, score: 1 }));

const maskerOf = (stream: string, entities: readonly string[], operator: 'replace' | 'tokenize' | 'mask' | 'block') =>
  outsideMasker(
    inner,
    { whole: (text) => joIn(text), begins: () => () => joIn(stream) },
    [{ entities, with: operator }],
    KEY,
  );

const found = (): { readonly kinds: string[]; readonly hear: (finding: Finding) => void } => {
  const kinds: string[] = [];
  return { kinds, hear: ({ kind, kept }) => void kinds.push(kept === true ? `${kind} kept` : kind) };
};

describe('masks of what classifiers found', () => {
  it('promise 4: streams mask exactly like whole texts, what detectors find behind included', () => {
    const piece = fc.constantFrom('Jo', ' ', 'a@b.org', 'J', 'o', '👋', '@', 'x.com', '.', 'Joe');
    let masked = 0;
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.array(fc.nat(40), { maxLength: 8 }),
        fc.constantFrom('replace' as const, 'tokenize' as const, 'mask' as const),
        (pieces, cuts, operator) => {
          const text = pieces.join('');
          const masker = maskerOf(text, ['pii'], operator);
          const whole = masker.session().whole(text, () => {});
          const stream = masker.session().stream(() => {});
          let out = '';
          let at = 0;
          for (const cut of [...cuts.toSorted((a, b) => a - b), text.length]) {
            out += stream.push(text.slice(at, Math.max(at, cut)));
            at = Math.max(at, Math.min(cut, text.length));
          }
          out += stream.end();
          if (out !== text) masked++;
          expect(out).toBe(whole);
        },
      ),
      { numRuns: 1_000 },
    );
    expect(masked).toBeGreaterThan(300);
  });

  it.each([
    ['replace', '<PERSON> and <PERSON>, <EMAIL>'],
    ['tokenize', '<PERSON_1> and <PERSON_1>, <EMAIL>'],
    ['mask', '** and **, <EMAIL>'],
  ] as const)('%s writes what it is, not who found it', (operator, expected) => {
    const text = 'Jo and Jo, a@b.org';
    expect(maskerOf(text, ['pii.person'], operator).whole(text, () => {})).toBe(expected);
  });

  it('leaves alone what no rule names, and tells of it as kept', () => {
    const { kinds, hear } = found();
    expect(maskerOf('', ['pii.place'], 'replace').whole('Jo a@b.org', hear)).toBe('Jo <EMAIL>');
    expect(kinds).toEqual(['pii.person kept', 'email']);
  });

  it('block ends the text', () => {
    expect(() => maskerOf('', ['pii'], 'block').whole('Jo', () => {})).toThrow(Failure);
  });

  it('holds for strings of JSON in a text, in pieces and whole', () => {
    const json = String.raw`{"to":"Jo \u004ao","n":[1,"é"]}`;
    const texts = ['to', 'Jo Jo', 'n', 'é'];
    const masker = outsideMasker(
      NO_MASKER,
      {
        whole: (text) => joIn(text),
        begins() {
          const text = texts.shift() ?? '';
          return () => joIn(text);
        },
      },
      [{ entities: ['pii'], with: 'replace' }],
      KEY,
    );
    // member names are texts of their own, each in its turn
    const masked = '{"to":"<PERSON> <PERSON>","n":[1,"é"]}';
    expect(maskJsonText(json, masker, () => {})).toBe(masked);
    const stream = jsonTextStream(masker.session(), () => {});
    expect(Array.from(json, (unit) => stream.push(unit)).join('') + stream.end()).toBe(masked);
  });
});
