import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeJcs, encodeJcs, type Json } from './jcs.ts';
import { Malformed } from './malformed.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const encoded = (value: Json): string => new TextDecoder().decode(encodeJcs(value));

describe('canonical JSON', () => {
  test('writes strings and literals as RFC 8785 §3.2.2 does', () => {
    const value: Json = { string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/', literals: [null, true, false] };
    expect(encoded(value)).toBe(String.raw`{"literals":[null,true,false],"string":"€$\u000f\nA'B\"\\\\\"/"}`);
  });

  test('sorts members as RFC 8785 §3.2.3 does', () => {
    const value: Json = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    expect(encoded(value).match(/[A-Z][A-Za-z: ]+/g)).toEqual([
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ]);
  });

  test('writes whole numbers as RFC 8785 appendix B does', () => {
    expect(encoded([0, -0, 9007199254740991, -9007199254740991])).toBe('[0,0,9007199254740991,-9007199254740991]');
  });

  // RFC 8785 appendix B: numbers it can write but leaves never hold.
  test.each([
    333333333.3333333,
    4.5,
    2e-3,
    5e-324,
    1e30,
    9007199254740992,
    295147905179352830000,
    Number.NaN,
    Infinity,
  ])('refuses %d', (number) => expect(() => encodeJcs([number])).toThrow(Malformed));

  // RFC 8785 §3.2.2.2 and appendix G's invalid data: lone surrogates.
  test.each(['\ud800', 'a\udc00', '\udead\ud83d'])('refuses the lone surrogate in %j', (text) => {
    expect(() => encodeJcs(text)).toThrow('lone surrogate');
    expect(() => encodeJcs({ [text]: 1 })).toThrow('lone surrogate');
  });

  test('refuses what is nested too deep, in both directions', () => {
    const deep = '['.repeat(50_000) + ']'.repeat(50_000);
    expect(() => decodeJcs(utf8(deep))).toThrow('nested deeper');
    expect(encoded([[[[[1]]]]])).toBe('[[[[[1]]]]]');
  });

  test('reads back what it writes', () => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.maxSafeInteger(),
        fc.string({ unit: 'binary' }),
        fc.boolean(),
        tie('list'),
        tie('object'),
      ),
      list: fc.array(tie('value'), { maxLength: 4 }),
      object: fc.dictionary(fc.string({ unit: 'binary' }), tie('value'), { maxKeys: 4 }),
    }));
    fc.assert(
      fc.property(value, (any) => {
        const one: Json = JSON.parse(JSON.stringify(any));
        expect(decodeJcs(encodeJcs(one))).toEqual(one);
      }),
    );
  });

  test.each([
    ['a space', '{"a": 1}'],
    ['a newline at the end', '{"a":1}\n'],
    ['another order', '{"b":1,"a":1}'],
    ['a member twice', '{"a":1,"a":1}'],
    ['a needless escape', String.raw`{"a":"\u0041"}`],
    ['an escape in capitals', String.raw`{"a":"\u000F"}`],
    ['an escaped solidus', String.raw`{"a":"\/"}`],
    ['minus zero', '[-0]'],
    ['a fraction', '[1.5]'],
    ['a needless fraction', '[1.0]'],
    ['an exponent', '[1e3]'],
    ['a number beyond the exact ones', '[9007199254740993]'],
    ['an escaped lone surrogate', String.raw`["\ud800"]`],
    ['a byte order mark', '\ufeff{}'],
    ['no JSON at all', '{'],
    ['nothing', ''],
  ])('with %s is refused', (_, text) => expect(() => decodeJcs(utf8(text))).toThrow(Malformed));

  test('that is not UTF-8 is refused', () => {
    expect(() => decodeJcs(Uint8Array.of(0x22, 0xc3, 0x28, 0x22))).toThrow('not UTF-8');
    expect(() => decodeJcs(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).toThrow('not UTF-8');
  });
});
