import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MASK, maskWords, wordMasker } from '../../test/kit/word-masker.ts';
import { Failure } from '../reasons.ts';
import { jsonTextStream, maskJsonText } from './json-text.ts';
import type { TextMasker } from './text-masker.ts';

const none = (): void => {};
const inPieces = (text: string, cuts: readonly number[], masker: TextMasker = wordMasker): string => {
  const stream = jsonTextStream(masker, none);
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  const out = [0, ...places].map((from, i) => stream.push(text.slice(from, places[i] ?? text.length)));
  return out.join('') + stream.end();
};

const secret = fc.constantFrom('alice@example.com', '4111111111111111', 'plain', 'é\n"\\', 'to bob@x.org,', '🙂');
const document = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    secret,
    fc.constantFrom(1, -2.5e7, 4111111111111111, true, false, null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(secret, tie('value')), { maxLength: 3 }).map((members) => Object.fromEntries(members)),
  ),
})).value;
const container = document.filter((value) => typeof value === 'object' && value !== null);

const walked = (value: unknown): unknown => {
  if (typeof value === 'string') return maskWords(value);
  if (typeof value === 'number') return maskWords(String(value)) === String(value) ? value : maskWords(String(value));
  if (Array.isArray(value)) return value.map(walked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [maskWords(name), walked(inner)]));
};

const MEANT: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** Puts what it stands for in place of every escape, so that two spellings of one text compare alike. */
const meant = (text: string): string =>
  text.replaceAll(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, hex?: string, char = '') =>
    hex === undefined ? (MEANT[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
  );

describe('masking JSON inside a string', () => {
  it('masks strings, names and numbers as walking the document would', () => {
    fc.assert(
      fc.property(container, fc.constantFrom(0, 2), (value, indent) => {
        expect(JSON.parse(maskJsonText(JSON.stringify(value, null, indent), wordMasker, none))).toEqual(walked(value));
      }),
      { numRuns: 1000 },
    );
  });

  it('comes out the same JSON however it is cut', () => {
    const texts = fc.oneof(
      container.map((value) => JSON.stringify(value)),
      container.map((value) => JSON.stringify(value).replaceAll('@', '\\u0040').replaceAll('é', '\\u00e9')),
      // What a model cut short, and what is no JSON at all.
      fc.tuple(container, fc.nat()).map(([value, at]) => JSON.stringify(value).slice(0, 1 + at)),
      fc.string({ unit: fc.constantFrom('{', '}', '"', '\\', 'u', '0', '1', '@', ' ', 'a', ':', ',', '\n') }),
      secret,
    );
    fc.assert(
      fc.property(texts, fc.array(fc.nat(), { maxLength: 8 }), (text, cuts) => {
        const whole = maskJsonText(text, wordMasker, none);
        const every = Array.from(text, (_, i) => i);
        // Beside a mask an escape may be spelled another way; what it says is the same.
        expect(meant(inPieces(text, cuts))).toBe(meant(whole));
        expect(meant(inPieces(text, every))).toBe(meant(whole));
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps the spelling of what needs no mask, character for character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{', '}', '"', '\\', 'u', '0', 'é', ' ', 'a', ':', ',', '\n', '/') }),
        fc.array(fc.nat()),
        (text, cuts) => {
          expect(inPieces(`{${text}`, cuts)).toBe(`{${text}`);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('sees through escapes, also when they are cut', () => {
    expect(inPieces('{"to":"bob\\u0040x.org"}', [11, 12, 13, 14, 15])).toBe(`{"to":${JSON.stringify(MASK)}}`);
    expect(inPieces('{"to":"bob\\u0040x.o', [])).toBe(`{"to":${JSON.stringify(MASK).slice(0, -1)}`);
  });

  it('takes what does not begin as JSON for one text', () => {
    expect(maskJsonText('mail bob@x.org, "alice"', wordMasker, none)).toBe(`mail ${MASK}, "alice"`);
    expect(inPieces('  mail bob@x.org', [1, 2, 3, 9])).toBe(`  mail ${MASK}`);
  });

  it('takes everything from where it is no JSON for one text, however it is cut', () => {
    for (const [text, masked] of [
      ['{to: "x", mail: bob@x.org, "a": 1}', `{to: "x", mail: ${MASK}, "a": 1}`],
      ['{"a":1, call 41111111 or "bob@x.org"', `{"a":1, call ${MASK} or "${MASK}"`],
      ['"Hello," she said, mail bob@x.org', `"Hello," she said, mail ${MASK}`],
      ['{"n": 12 34567890}', `{"n": 12 ${MASK}}`],
      ['{"n": 1.5e3, "t": true , "f":fal', '{"n": 1.5e3, "t": true , "f":fal'],
    ] as const) {
      expect(maskJsonText(text, wordMasker, none)).toBe(masked);
      for (let at = 1; at < text.length; at++) expect(inPieces(text, [at])).toBe(masked);
    }
  });

  it('holds no more than an unfinished number, word or escape beside what the masker holds', () => {
    const stream = jsonTextStream(wordMasker, none);
    expect(stream.push('{"a":"hello wor')).toBe('{"a":"hello ');
    expect(stream.held).toBe(3);
    expect(stream.push('ld","n":12')).toBe('world","n":');
    expect(stream.held).toBe(2);
  });

  it('refuses an endless number, which would be held without end', () => {
    const stream = jsonTextStream(wordMasker, none);
    stream.push('{"n":');
    expect(() => stream.push('1'.repeat(2000))).toThrow(Failure);
  });
});
