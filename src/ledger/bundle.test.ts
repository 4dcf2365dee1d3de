import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBundle, encodeBundle } from './bundle.ts';
import { Malformed } from './malformed.ts';

const lists = fc.array(fc.uint8Array({ minLength: 1, maxLength: 600 }), { maxLength: 20 });

test('a bundle gives back the leaves that went in', () => {
  fc.assert(
    fc.property(lists, (leaves) => {
      expect(decodeBundle(encodeBundle(leaves)).map((leaf) => leaf.toHex())).toEqual(
        leaves.map((leaf) => leaf.toHex()),
      );
    }),
  );
});

test('lengths are two bytes, big-endian', () => {
  const leaf = new Uint8Array(0x0102).fill(7);
  expect(
    encodeBundle([leaf, Uint8Array.of(9)])
      .subarray(0, 3)
      .toHex(),
  ).toBe('010207');
  expect(
    encodeBundle([leaf, Uint8Array.of(9)])
      .subarray(-3)
      .toHex(),
  ).toBe('000109');
});

test('the longest leaf fits, and one byte more does not', () => {
  expect(decodeBundle(encodeBundle([new Uint8Array(65_535)]))[0]).toHaveLength(65_535);
  expect(() => encodeBundle([new Uint8Array(65_536)])).toThrow(Malformed);
});

test('there are no empty leaves', () => {
  expect(() => encodeBundle([new Uint8Array(0)])).toThrow(Malformed);
  expect(() => decodeBundle(Uint8Array.of(0, 0))).toThrow(Malformed);
});

test('a bundle that is cut off anywhere but between leaves is refused', () => {
  const bytes = encodeBundle([Uint8Array.of(1, 2, 3), Uint8Array.of(4)]);
  for (let end = 1; end < bytes.length; end++) {
    if (end !== 5) expect(() => decodeBundle(bytes.subarray(0, end)), `at ${end}`).toThrow(Malformed);
  }
  expect(decodeBundle(bytes.subarray(0, 5))).toHaveLength(1);
});
