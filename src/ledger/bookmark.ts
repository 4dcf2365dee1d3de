/**
 * Bookmarks: how far one verifier has read a log, and what it needs to go on from there (docs/adr/0033-bookmarks.md). A
 * bookmark belongs to the verifier's own machine: whoever can write it can have leaves passed over.
 */

import { sha256 } from './crypto.ts';
import { HASH_BYTES } from './hash.ts';
import { Malformed } from './malformed.ts';
import type { Finding, ReadEarlier, Witnessed } from './report.ts';
import { decodeBase64, encodeUtf8 } from './text.ts';
import { partialTiles, TILE_WIDTH } from './tile.ts';
import type { ClockState } from './verify-clock.ts';
import type { HistoryPosition } from './verify-history.ts';
import type { LeavesState } from './verify-leaves.ts';
import type { StampsState } from './verify-stamps.ts';

/** The largest checkpoint that a verifier has found to be over the leaves. */
export interface MarkedCheckpoint {
  readonly size: number;
  /** Base64. */
  readonly root: string;
}

/** What a verifier found in the first leaves of a log, in which nothing was wrong. */
export interface Bookmark {
  readonly origin: string;
  /** The keys of the log with the smallest size of a checkpoint that is theirs, oldest first. */
  readonly keys: readonly (readonly [string, number])[];
  /** Whose cosignatures and time-stamps were looked at: a run that is given others begins anew. */
  readonly witnesses: readonly string[];
  readonly authorities: readonly string[];
  /** Leaves; a multiple of 256, so that a bundle is read by one run. */
  readonly size: number;
  /** Which runs have read them, oldest first. */
  readonly read: readonly ReadEarlier[];
  /** May be over more leaves than `size`: the log must extend it all the same. */
  readonly checkpoint: MarkedCheckpoint;
  /** The tiles of hashes that are not full in a tree of `size`, lowest level first, in base64: the tree goes on from them. */
  readonly edge: readonly string[];
  readonly history: HistoryPosition;
  readonly leaves: LeavesState;
  readonly clock: ClockState;
  readonly stamps: StampsState;
  readonly witnessed: readonly Witnessed[];
  readonly findings: readonly Finding[];
  readonly findingCount: number;
}

const HEAD = 'sallyport verify bookmark 1';
/** More runs than this are told of as one. */
const MOST_READ = 32;

/** Returns runs with another behind them, the oldest put together where they are many. */
export const withRead = (runs: readonly ReadEarlier[], last: ReadEarlier): readonly ReadEarlier[] => {
  const all = [...runs, last];
  const [first, second, ...rest] = all;
  if (all.length <= MOST_READ || first === undefined || second === undefined) return all;
  return [{ ...second, began: first.began }, ...rest];
};

/** Returns the text of a bookmark, behind its own hash: a torn or mixed-up file is none. */
export const encodeBookmark = (bookmark: Bookmark): string => {
  const text = JSON.stringify(bookmark);
  return `${HEAD}\n${sha256(encodeUtf8(text)).toHex()}\n${text}\n`;
};

type Is = (value: unknown) => boolean;
const isText: Is = (value) => typeof value === 'string';
const isCount: Is = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isListOf =
  (item: Is): Is =>
  (value) =>
    Array.isArray(value) && value.every(item);
const isTuple =
  (...items: readonly Is[]): Is =>
  (value) =>
    Array.isArray(value) && value.length === items.length && items.every((is, at) => is(value[at]));
const isShape =
  (members: Readonly<Record<string, Is>>): Is =>
  (value) => {
    if (typeof value !== 'object' || value === null) return false;
    const own: Readonly<Record<string, unknown>> = { ...value };
    return Object.entries(members).every(([name, is]) => is(own[name]));
  };

const isPairs = isListOf(isTuple(isText, isCount));
const isBookmarkShape = isShape({
  origin: isText,
  keys: isPairs,
  witnesses: isListOf(isText),
  authorities: isListOf(isText),
  size: isCount,
  read: isListOf(isShape({ leaves: isCount, began: isCount, ended: isCount, where: isText })),
  checkpoint: isShape({ size: isCount, root: isText }),
  edge: isListOf(isText),
  history: isShape({ notes: isCount, chain: isText }),
  leaves: isShape({ next: isPairs, open: isPairs, held: isPairs }),
  clock: isShape({
    latest: isCount,
    latestLeaf: Number.isSafeInteger,
    seenAt: isCount,
    seenBy: isText,
    isBack: (value) => typeof value === 'boolean',
  }),
  stamps: isShape({
    seen: isListOf(isTuple(isCount, isText, isCount)),
    stamped: isListOf(isShape({ by: isText, size: isCount, at: isCount })),
  }),
  witnessed: isListOf(isShape({ name: isText, size: isCount, at: isCount })),
  findings: isListOf(isShape({ kind: isText, where: isText, message: isText })),
  findingCount: isCount,
});

// every member was looked at
const isBookmark = (value: unknown): value is Bookmark => isBookmarkShape(value);

/** Returns the hashes of the edge. Throws Malformed when they are not those of a tree of this size. */
export const edgeOf = ({ size, edge }: Pick<Bookmark, 'size' | 'edge'>): readonly Uint8Array[] => {
  const tiles = edge.map(decodeBase64);
  const fits = partialTiles(size).map(({ width }) => width * HASH_BYTES);
  if (size % TILE_WIDTH !== 0 || fits.join() !== tiles.map(({ length }) => length).join()) {
    throw new Malformed('a bookmark whose hashes are not those of its size');
  }
  return tiles;
};

/** Returns the bookmark of a text. Throws Malformed when it is not exactly what `encodeBookmark` wrote. */
export const parseBookmark = (text: string): Bookmark => {
  const [head, hash, json = '', ...rest] = text.split('\n');
  if (head !== HEAD || rest.join() !== '') throw new Malformed('not a bookmark of this version');
  if (sha256(encodeUtf8(json)).toHex() !== hash) throw new Malformed('a bookmark that is not what was written');
  const value: unknown = JSON.parse(json);
  if (!isBookmark(value)) throw new Malformed('a bookmark without all that belongs to one');
  edgeOf(value);
  return value;
};
