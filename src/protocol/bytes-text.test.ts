import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBase64, rewriteBase64, rewriteBytes, textsInBytes } from './bytes-text.ts';
import { finiteText } from './json/non-finite.ts';
import { parseJson } from './json/json.ts';

const shout = (text: string): string => text.replaceAll('secret', 'S');

describe('texts in bytes', () => {
  it('are the whole of what is UTF-8, and longer runs of ASCII in anything else', () => {
    expect(textsInBytes(Buffer.from('é secret'))).toEqual(['é secret']);
    expect(textsInBytes(Buffer.from([0xff, ...Buffer.from('a long text with a secret'), 0xff, 0x61]))).toEqual([
      'a long text with a secret',
    ]);
    expect(textsInBytes(Buffer.alloc(0))).toEqual([]);
  });

  it('come back byte for byte where nothing is replaced', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (array) => {
        const bytes = Buffer.from(array);
        expect(rewriteBytes(bytes, (text) => text)).toBe(bytes);
        const base64 = bytes.toString('base64');
        expect(rewriteBase64(base64, (text) => text)).toBe(base64);
        expect(isBase64(base64)).toBe(true);
        expect(isBase64(bytes.toString('base64url'))).toBe(true);
      }),
    );
  });

  it('are replaced where they stand', () => {
    const odd = Buffer.from([0xff, 0x00]);
    const bytes = Buffer.concat([odd, Buffer.from('here is a secret thing'), odd]);
    expect(rewriteBytes(bytes, shout)).toEqual(Buffer.concat([odd, Buffer.from('here is a S thing'), odd]));
    expect(rewriteBase64(Buffer.from('a secret?>').toString('base64url'), shout)).toBe(
      Buffer.from('a S?>').toString('base64url'),
    );
  });

  it.each(['a b', 'a@b.co', 'abcde', '====', 'a==='])('are not looked for in %s: it is no base64', (text) => {
    expect(isBase64(text)).toBe(false);
  });
});

describe('numbers that JSON has not', () => {
  const read = (text: string): unknown =>
    parseJson(text, 'body-unreadable', { loneSurrogates: 'refuse', nonFinite: true });

  it('are read as what they are', () => {
    expect(read('{"a":[NaN, Infinity ,-Infinity,"NaN",-1]}')).toEqual({
      a: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 'NaN', -1],
    });
    expect(read('NaN')).toBe(Number.NaN);
  });

  it.each([
    '1NaN',
    'NaN1',
    '+Infinity',
    '- Infinity',
    'nan',
    'Inf',
    '{NaN:1}',
    '[NaN NaN]',
    '{"a":NaN,"a":1}',
    '"NaN',
    '[-]',
  ])('are not read into %s', (text) => expect(() => read(text)).toThrow('strict JSON'));

  it('are refused where a protocol has none', () => {
    expect(() => parseJson('[NaN]', 'body-unreadable')).toThrow('strict JSON');
  });

  it('leave a text alone that only mentions them', () => {
    const text = '{"NaN":"Infinity \\" NaN"}';
    expect(finiteText(text)).toBe(text);
  });
});
