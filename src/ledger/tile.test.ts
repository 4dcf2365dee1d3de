import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Malformed } from './malformed.ts';
import { parseTilePath, partialTile, partialTiles, type Tile, tileLevels, tilePath, widthAt } from './tile.ts';

describe('the path of a tile', () => {
  // The first is the example of C2SP tlog-tiles, the others follow its rules.
  test.each<[Tile, string]>([
    [{ level: 0, index: 1_234_067, width: 256 }, 'tile/0/x001/x234/067'],
    [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
    [{ level: 1, index: 999, width: 17 }, 'tile/1/999.p/17'],
    [{ level: 6, index: 1000, width: 1 }, 'tile/6/x001/000.p/1'],
    [{ level: 'entries', index: 1_000_000, width: 255 }, 'tile/entries/x001/x000/000.p/255'],
    [{ level: 63, index: 5, width: 256 }, 'tile/63/005'],
  ])('of %j is %s, and reads back', (tile, path) => {
    expect(tilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  });

  test('reads back for every tile', () => {
    const level = fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant('entries' as const));
    const tile = fc.record({ level, index: fc.maxSafeNat(), width: fc.integer({ min: 1, max: 256 }) });
    fc.assert(
      fc.property(tile, (one) => {
        expect(parseTilePath(tilePath(one))).toEqual(one);
      }),
    );
  });

  test.each([
    '',
    'tile/0',
    'tile/0/0',
    'tile/0/0000',
    'tile/00/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/data/000',
    'tile/0/x000/001',
    'tile/0/x001',
    'tile/0/001/000',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/257',
    'tile/0/000.p/01',
    'tile/0/000.p/',
    'tile/0/000.p',
    'tile/0/000/',
    '/tile/0/000',
    'tile/0/x999/x999/x999/x999/x999/999',
    'tile/0/x009/x007/x199/x254/x740/992',
    'tile/8/0/000',
  ])('is not %j', (path) => expect(() => parseTilePath(path)).toThrow(Malformed));
});

const at = (level: Tile['level'], index: number): number => widthAt({ level, index, width: 256 }, 70_000);

describe('the tiles of a tree', () => {
  // C2SP tlog-tiles "Partial Tiles": the tree of 70,000 leaves, and the tree of 256.
  test('of 70,000 leaves end in partial tiles of 112, 17 and 1', () => {
    expect(partialTiles(70_000).map(tilePath)).toEqual(['tile/0/273.p/112', 'tile/1/001.p/17', 'tile/2/000.p/1']);
    expect(tileLevels(70_000)).toEqual([0, 1, 2]);
  });

  test('of 256 leaves have one partial tile on level 1', () => {
    expect(partialTiles(256).map(tilePath)).toEqual(['tile/1/000.p/1']);
    expect(partialTile('entries', 256)).toBeNull();
    expect(partialTile('entries', 257)).toEqual({ level: 'entries', index: 1, width: 1 });
  });

  test('are as wide as their place in the tree says', () => {
    expect([at(0, 272), at(0, 273), at(0, 274), at('entries', 273), at(1, 0), at(1, 1), at(2, 0), at(3, 0)]).toEqual([
      256, 112, 0, 112, 256, 17, 1, 0,
    ]);
  });

  test('of the empty tree are none', () => expect([tileLevels(0), partialTiles(0)]).toEqual([[], []]));
});
