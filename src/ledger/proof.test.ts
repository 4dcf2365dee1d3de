import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { naiveConsistency, naivePath, naiveRoot, someLeaves } from '../../test/ledger/naive-tree.ts';
import { EMPTY_ROOT, hashLeaf } from './hash.ts';
import { type Proof, verifyConsistency, verifyInclusion, verifySubtreeConsistency } from './proof.ts';

const leaves = someLeaves(40);
const roots = Array.from({ length: leaves.length + 1 }, (_, size) => naiveRoot(leaves.slice(0, size)));
const rootAt = (size: number): Uint8Array => roots[size]!;
const leafAt = (index: number): Uint8Array => hashLeaf(leaves[index]!);

const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
  const copy = bytes.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
};

/** Every way in which a proof differs from `proof` by one hash added, taken away, changed or moved. */
const spoiled = (proof: Proof): readonly Proof[] => [
  ...proof.map((_, at) => proof.toSpliced(at, 1)),
  ...proof.map((hash, at) => proof.with(at, flipped(hash, (at * 37) % 256))),
  ...proof.map((hash, at) => proof.with(at, hash.subarray(0, 31))),
  ...[0, ...proof.keys()].map((at) => proof.toSpliced(at, 0, rootAt(7))),
  [...proof, rootAt(7)],
  ...(proof.length > 1 ? [proof.toReversed()] : []),
];

describe('inclusion', () => {
  test('holds for every leaf of every tree, and for no other index, size, leaf or proof', () => {
    for (let size = 1; size <= leaves.length; size++) {
      for (let index = 0; index < size; index++) {
        const proof = naivePath(index, leaves.slice(0, size));
        const at = `leaf ${index} of ${size}`;
        expect(verifyInclusion(index, size, leafAt(index), proof, rootAt(size)), at).toBe(true);
        expect(verifyInclusion(index, size, leafAt(index), proof, rootAt(size - 1)), at).toBe(false);
        expect(verifyInclusion(index, size, leafAt((index + 1) % 40), proof, rootAt(size)), at).toBe(false);
        if (size > 1)
          expect(verifyInclusion((index + 1) % size, size, leafAt(index), proof, rootAt(size)), at).toBe(false);
        for (const bad of spoiled(proof)) {
          expect(verifyInclusion(index, size, leafAt(index), bad, rootAt(size)), at).toBe(false);
        }
      }
    }
  });

  test.each([
    ['an index at the size', 1, 1],
    ['a negative index', -1, 1],
    ['the empty tree', 0, 0],
    ['a fraction', 0.5, 1],
    ['a size beyond the safe integers', 0, 2 ** 53],
    ['no number', Number.NaN, 1],
  ])('is false for %s', (_, index, size) => {
    expect(verifyInclusion(index, size, leafAt(0), [], leafAt(0))).toBe(false);
  });

  test('reads the largest size without rounding', () => {
    const size = 2 ** 53 - 1;
    expect(verifyInclusion(size - 1, size, leafAt(0), [], leafAt(0))).toBe(false);
  });
});

describe('consistency', () => {
  test('holds between every two trees, and for no other sizes, roots or proof', () => {
    for (let size2 = 1; size2 <= leaves.length; size2++) {
      for (let size1 = 1; size1 <= size2; size1++) {
        const proof = naiveConsistency(size1, leaves.slice(0, size2));
        const at = `${size1} to ${size2}`;
        expect(verifyConsistency(size1, size2, proof, rootAt(size1), rootAt(size2)), at).toBe(true);
        expect(verifyConsistency(size1, size2, proof, rootAt(size1 - 1), rootAt(size2)), at).toBe(false);
        expect(verifyConsistency(size1, size2, proof, rootAt(size1), rootAt(size2 - 1)), at).toBe(false);
        for (const bad of spoiled(proof)) {
          expect(verifyConsistency(size1, size2, bad, rootAt(size1), rootAt(size2)), at).toBe(false);
        }
      }
    }
  });

  test('proves nothing from the empty tree, which every tree extends', () => {
    expect(verifyConsistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)).toBe(true);
    expect(verifyConsistency(0, 0, [], rootAt(1), rootAt(1))).toBe(false);
    expect(verifyConsistency(0, 5, [], EMPTY_ROOT, rootAt(5))).toBe(false);
    expect(verifyConsistency(5, 0, [], rootAt(5), EMPTY_ROOT)).toBe(false);
  });

  test('never holds for arbitrary hashes', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const size = fc.integer({ min: 1, max: 1000 });
    fc.assert(
      fc.property(size, size, fc.array(hash, { maxLength: 12 }), hash, hash, (size1, size2, proof, root1, root2) => {
        expect(verifyConsistency(size1, size2, proof, root1, root2)).toBe(false);
      }),
    );
  });
});

test('a subtree must start where its size allows it', () => {
  expect(
    verifySubtreeConsistency(4, 6, 6, [naiveRoot(leaves.slice(0, 4))], naiveRoot(leaves.slice(4, 6)), rootAt(6)),
  ).toBe(true);
  // Without that rule, the hash of leaves 4 to 6 would pass for that of leaves 5 and 6.
  const forged = [leafAt(6), leafAt(7), naiveRoot(leaves.slice(4, 6)), rootAt(4)];
  expect(verifySubtreeConsistency(5, 7, 8, forged, naiveRoot(leaves.slice(4, 7)), rootAt(8))).toBe(false);
  expect(verifySubtreeConsistency(4, 7, 8, forged.slice(0, 2), naiveRoot(leaves.slice(4, 7)), rootAt(8))).toBe(false);
});
