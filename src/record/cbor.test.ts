import { assert, property, maxSafeNat } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CborItem, headLength, MAJOR, readItem, writeHead } from './cbor.ts';

// RFC 8949 appendix A: the examples of the types that recordings use.
const EXAMPLES: readonly (readonly [CborItem, string])[] = [
  [0, '00'],
  [1, '01'],
  [10, '0a'],
  [23, '17'],
  [24, '1818'],
  [25, '1819'],
  [100, '1864'],
  [1000, '1903e8'],
  [1_000_000, '1a000f4240'],
  [1_000_000_000_000, '1b000000e8d4a51000'],
  [Buffer.alloc(0), '40'],
  [Buffer.of(1, 2, 3, 4), '4401020304'],
  ['', '60'],
  ['a', '6161'],
  ['IETF', '6449455446'],
  ['"\\', '62225c'],
  ['\u00fc', '62c3bc'],
  ['\u6c34', '63e6b0b4'],
  ['\u{10151}', '64f0908591'],
  [[], '80'],
  [[1, 2, 3], '83010203'],
  [[1, [2, 3], [4, 5]], '8301820203820405'],
  [Array.from({ length: 25 }, (_, index) => index + 1), '98190102030405060708090a0b0c0d0e0f101112131415161718181819'],
];

// RFC 8949 appendix A: what stands there in other types or forms has no meaning here.
const REFUSED = [
  ['a larger number than is safe', '1bffffffffffffffff'],
  ['a negative number', '20'],
  ['a float', 'f93c00'],
  ['false', 'f4'],
  ['null', 'f6'],
  ['a tag', 'c074323031332d30332d32315432303a30343a30305a'],
  ['a map', 'a0'],
  ['an indefinite byte string', '5f42010243030405ff'],
  ['an indefinite text string', '7f657374726561646d696e67ff'],
  ['an indefinite array', '9fff'],
  ['a break', 'ff'],
] as const;

describe('CBOR', () => {
  it.each(EXAMPLES)('reads %j as RFC 8949 appendix A writes it', (item, hex) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(readItem(bytes, 0)).toEqual({ item, next: bytes.length });
  });

  it.each(REFUSED)('refuses %s', (_, hex) => {
    expect(() => readItem(Buffer.from(hex, 'hex'), 0)).toThrow(/^cbor at/);
  });

  it.each([
    ['1817', 'a number below 24 in two bytes'],
    ['1900ff', 'a number below 256 in three'],
    ['1a0000ffff', 'a number below 65536 in five'],
    ['1b00000000ffffffff', 'a number below 2^32 in nine'],
    ['580161', 'a length that is longer than needed'],
  ])('refuses %s: %s (RFC 8949 §4.2.1)', (hex) => {
    expect(() => readItem(Buffer.from(hex, 'hex'), 0)).toThrow('the shortest head');
  });

  it('refuses every cut of every example', () => {
    for (const [, hex] of EXAMPLES) {
      const bytes = Buffer.from(hex, 'hex');
      for (let length = 0; length < bytes.length; length++) {
        expect(() => readItem(bytes.subarray(0, length), 0)).toThrow(/^cbor at/);
      }
    }
  });

  it('refuses text that is not UTF-8, and nesting without end', () => {
    expect(() => readItem(Buffer.from('62c328', 'hex'), 0)).toThrow('expected UTF-8');
    expect(() => readItem(Buffer.alloc(10, 0x81), 0)).toThrow('nesting');
  });

  it('writes every head so that it reads back, in the length it said', () => {
    assert(
      property(maxSafeNat(), (value) => {
        const bytes = Buffer.alloc(9);
        const end = writeHead(bytes, 0, MAJOR.uint, value);
        expect(end).toBe(headLength(value));
        expect(readItem(bytes, 0)).toEqual({ item: value, next: end });
      }),
    );
  });
});
