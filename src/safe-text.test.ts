import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { safeJson, safeText } from './safe-text.ts';

describe('safeText', () => {
  it.each([
    ['an escape sequence', '\u001B[31mred', '\\u001b[31mred'],
    ['a C1 control sequence', '\u009B2J', '\\u009b2J'],
    ['a line break', 'one\ntwo', 'one\\u000atwo'],
    ['a bidirectional override', 'user\u202Enimda', 'user\\u202enimda'],
    ['an invisible letter', 'pay\u200Bpal', 'pay\\u200bpal'],
    ['a letter that shows nothing', 'pay\u3164pal', 'pay\\u3164pal'],
    ['a variation selector that smuggles bytes', 'a\u{E0101}', 'a\\u{e0101}'],
    ['a lone surrogate', 'a\uD800b', 'a\\ud800b'],
    ['a language tag beyond the basic plane', 'a\u{E0041}', 'a\\u{e0041}'],
  ])('writes out %s', (_what, text, shown) => expect(safeText(text)).toBe(shown));

  it('leaves letters of any script and emoji as they are', () => {
    expect(safeText('grüß dich, 日本, שלום 🙂')).toBe('grüß dich, 日本, שלום 🙂');
  });
});

describe('safeJson', () => {
  it('parses back to the very same value and holds nothing that a terminal acts on', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = safeJson(value);
        expect(text).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
        expect(JSON.stringify(JSON.parse(text))).toBe(JSON.stringify(value));
      }),
    );
    expect(JSON.parse(safeJson('\u{E0041}\u009B\u202E'))).toBe('\u{E0041}\u009B\u202E');
  });
});
