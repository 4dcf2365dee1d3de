import { expect, test } from 'vitest';
import { naiveRoot, someLeaves } from '../../test/ledger/naive-tree.ts';
import { CompactRange } from './compact-range.ts';
import { hashLeaf } from './hash.ts';

const leaves = someLeaves(300);

const root = (from: number, to: number): string => naiveRoot(leaves.slice(from, to)).toHex();

test('a growing tree has at each size the root that RFC 9162 defines', () => {
  const range = new CompactRange();
  expect(range.root().toHex()).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  for (const [at, leaf] of leaves.entries()) {
    range.push(hashLeaf(leaf));
    expect(range.root().toHex(), `size ${at + 1}`).toBe(naiveRoot(leaves.slice(0, at + 1)).toHex());
  }
});

test('goes on from its own nodes at any size', () => {
  const first = new CompactRange();
  for (const leaf of leaves.slice(0, 77)) {
    first.push(hashLeaf(leaf));
    const second = new CompactRange(first.size, first.nodes);
    second.push(hashLeaf(leaves[299]!));
    expect(second.root().toHex()).toBe(naiveRoot([...leaves.slice(0, first.size), leaves[299]!]).toHex());
  }
});

test('refuses nodes that cannot make up the size', () => {
  expect(() => new CompactRange(3, [hashLeaf(leaves[0]!)])).toThrow(RangeError);
});

test('tells of every perfect subtree once, below before above', () => {
  const seen: string[] = [];
  const range = new CompactRange(0, [], (level, hash) => seen.push(`${level} ${hash.toHex()}`));
  for (const leaf of leaves.slice(0, 4)) range.push(hashLeaf(leaf));
  expect(seen).toEqual([
    `0 ${root(0, 1)}`,
    `0 ${root(1, 2)}`,
    `1 ${root(0, 2)}`,
    `0 ${root(2, 3)}`,
    `0 ${root(3, 4)}`,
    `1 ${root(2, 4)}`,
    `2 ${root(0, 4)}`,
  ]);
});
