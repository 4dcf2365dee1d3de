import { describe, expect, test } from 'vitest';
import { Malformed } from './malformed.ts';
import { decodeBase64, decodeUtf8, encodeUtf8 } from './text.ts';

describe('text as bytes', () => {
  test('is UTF-8, a byte order mark included', () => {
    expect(decodeUtf8(encodeUtf8('\ufeffé😀'))).toBe('\ufeffé😀');
    expect(() => decodeUtf8(Uint8Array.of(0xc0, 0x80))).toThrow(Malformed);
  });

  test('never is a lone surrogate', () => expect(() => encodeUtf8('a\ud800')).toThrow(Malformed));

  test('has one spelling in base64', () => {
    expect(decodeBase64('AAE=').toHex()).toBe('0001');
    expect(decodeBase64('')).toHaveLength(0);
    for (const other of ['AAE', 'AAF=', 'AAE==', 'AA E=', 'AAE=\n', 'AA-_', '====', 'A']) {
      expect(() => decodeBase64(other), other).toThrow(Malformed);
    }
  });
});
