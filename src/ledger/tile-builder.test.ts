import { describe, expect, test } from 'vitest';
import { naiveConsistency, naivePath, naiveRoot, someLeaves } from '../../test/ledger/naive-tree.ts';
import { hashLeaf } from './hash.ts';
import type { LogReader } from './log-reader.ts';
import { Malformed } from './malformed.ts';
import { proveConsistency, proveInclusion } from './prove.ts';
import { tilePath } from './tile.ts';
import { TileBuilder, type TileBytes } from './tile-builder.ts';
import { tileHashes } from './tile-hashes.ts';

const leaves = someLeaves(1100);
const hashes = leaves.map(hashLeaf);
const hex = (list: readonly Uint8Array[]): readonly string[] => list.map((hash) => hash.toHex());

const grow = (size: number): { builder: TileBuilder; files: Map<string, Uint8Array> } => {
  const files = new Map<string, Uint8Array>();
  const keep = ({ tile, bytes }: TileBytes): void => void files.set(tilePath(tile), bytes);
  const builder = new TileBuilder(keep);
  for (const hash of hashes.slice(0, size)) builder.push(hash);
  builder.edge().forEach(keep);
  return { builder, files };
};

const reader = (files: ReadonlyMap<string, Uint8Array>): LogReader => ({
  read: async (path) => files.get(path) ?? null,
  async *stream() {},
  async *list() {
    yield* files.keys();
  },
});

describe('the tiles of a growing log', () => {
  test('hold leaf hashes on level 0 and roots of full tiles above', () => {
    const { files } = grow(1100);
    expect([...files.keys()].sort()).toEqual([
      'tile/0/000',
      'tile/0/001',
      'tile/0/002',
      'tile/0/003',
      'tile/0/004.p/76',
      'tile/1/000.p/4',
    ]);
    expect(files.get('tile/0/002')?.subarray(32, 64).toHex()).toBe(hashes[513]!.toHex());
    expect(files.get('tile/1/000.p/4')?.subarray(64, 96).toHex()).toBe(naiveRoot(leaves.slice(512, 768)).toHex());
  });

  test('go on from the right edge as if they had never been put away', () => {
    for (const size of [0, 1, 2, 255, 256, 257, 511, 512, 700]) {
      const { builder } = grow(size);
      const resumed = new TileBuilder(
        () => {},
        size,
        builder.edge().map(({ bytes }) => bytes),
      );
      for (const hash of hashes.slice(size, 800)) resumed.push(hash);
      expect(resumed.root().toHex(), `from ${size}`).toBe(naiveRoot(leaves.slice(0, 800)).toHex());
      expect(hex(resumed.edge().map(({ bytes }) => bytes))).toEqual(
        hex(
          grow(800)
            .builder.edge()
            .map(({ bytes }) => bytes),
        ),
      );
    }
  });

  test('do not go on from a right edge that is short of a tile or a hash', () => {
    const edge = grow(700)
      .builder.edge()
      .map(({ bytes }) => bytes);
    expect(() => new TileBuilder(() => {}, 700, edge.slice(0, 1))).toThrow(Malformed);
    expect(() => new TileBuilder(() => {}, 700, [edge[0]!.subarray(32), edge[1]!])).toThrow(Malformed);
    expect(() => new TileBuilder(() => {}, 700, edge.toReversed())).toThrow(Malformed);
  });
});

describe('proofs out of tiles', () => {
  const sizes = [1, 2, 3, 255, 256, 257, 300, 511, 512, 513, 1023, 1024, 1025, 1100];

  test('of consistency are those of RFC 9162', async () => {
    for (const size2 of sizes) {
      const from = tileHashes(reader(grow(size2).files), size2);
      for (const size1 of sizes.filter((size) => size <= size2)) {
        const proof = await proveConsistency(size1, size2, from);
        expect(hex(proof), `${size1} to ${size2}`).toEqual(hex(naiveConsistency(size1, leaves.slice(0, size2))));
      }
    }
  });

  test('of inclusion are those of RFC 9162', async () => {
    for (const size of sizes) {
      const from = tileHashes(reader(grow(size).files), size);
      for (const index of sizes.filter((other) => other < size)) {
        const proof = await proveInclusion(index, size, from);
        expect(hex(proof), `${index} in ${size}`).toEqual(hex(naivePath(index, leaves.slice(0, size))));
      }
    }
  });

  test('can be made from a full tile where the partial one is gone', async () => {
    const files = new Map([...grow(500).files, ...grow(512).files]);
    expect(files.delete('tile/0/001.p/244')).toBe(true);
    const proof = await proveConsistency(300, 500, tileHashes(reader(files), 500));
    expect(hex(proof)).toEqual(hex(naiveConsistency(300, leaves.slice(0, 500))));
  });

  test('fail where a tile is missing or has the wrong length', async () => {
    const { files } = grow(1100);
    files.delete('tile/0/001');
    await expect(proveInclusion(300, 1100, tileHashes(reader(files), 1100))).rejects.toThrow('tile/0/001 is missing');
    files.set('tile/0/001', new Uint8Array(8191));
    await expect(proveInclusion(300, 1100, tileHashes(reader(files), 1100))).rejects.toThrow('8191 bytes, not 8192');
  });

  test('need hashes that the tree does not have yet', async () => {
    const from = tileHashes(reader(grow(10).files), 10);
    expect((await from.node(3, 0)).toHex()).toBe(naiveRoot(leaves.slice(0, 8)).toHex());
    await expect(from.node(4, 0)).rejects.toThrow(Malformed);
    await expect(from.node(3, 1)).rejects.toThrow(Malformed);
    await expect(from.node(8, 0)).rejects.toThrow(Malformed);
  });

  test('are not made for what the tree does not hold', () => {
    const from = tileHashes(reader(new Map()), 10);
    expect(() => proveInclusion(10, 10, from)).toThrow(RangeError);
    expect(() => proveConsistency(0, 10, from)).toThrow(RangeError);
    expect(() => proveConsistency(11, 10, from)).toThrow(RangeError);
  });
});
