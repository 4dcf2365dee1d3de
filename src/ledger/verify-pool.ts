/** Checks bundles on several threads, ahead of who verifies: reading, decoding and hashing take most of the time. */

import { type BundleCheck, checkBundle, type CheckedBundle } from './check-bundle.ts';
import { readDirectory } from './directory.ts';
import type { Leaf, LeafCommon, ReadLeaf } from './leaf.ts';
import type { Problem } from './report.ts';
import { TILE_WIDTH } from './tile.ts';
import { Checker, entryBeside } from './verify-threads.ts';

/** What a worker is asked for: `count` full bundles from `first` on. */
export interface RunOrder {
  readonly first: number;
  readonly count: number;
}

/** A bundle on its way between threads. Leaves cross as one JSON text: parsed natively, they cost less than copied. */
export interface PackedBundle {
  /** Null when the bundle cannot be read. */
  readonly leaves: { readonly text: string; readonly kinds: readonly ReadLeaf['kind'][] } | null;
  readonly hashes: Uint8Array | null;
  readonly problems: readonly Problem[];
}

const RUN = 16;

const orNull = (leaf: ReadLeaf | null): unknown => leaf?.leaf ?? null;

/** Returns a bundle for another thread. */
export const pack = ({ leaves, hashes, problems }: CheckedBundle): PackedBundle => ({
  leaves:
    leaves === null
      ? null
      : { text: JSON.stringify(leaves.map(orNull)), kinds: leaves.map((leaf) => leaf?.kind ?? 'known') },
  hashes,
  problems,
});

function unpack({ leaves, hashes, problems }: PackedBundle): CheckedBundle {
  if (leaves === null) return { leaves: null, hashes, problems };
  const values: readonly unknown[] = JSON.parse(leaves.text);
  return { leaves: values.map((value, at) => leafOf(value, leaves.kinds[at])), hashes, problems };
}

function leafOf(value: unknown, kind: ReadLeaf['kind'] | undefined): ReadLeaf | null {
  if (kind === 'unknown' && isUnknown(value)) return { kind, leaf: value, type: value.type };
  return isKnown(value) ? { kind: 'known', leaf: value } : null;
}

// the worker's decodeLeaf has said so of exactly these members
const isKnown = (value: unknown): value is Leaf => value !== null;
const isUnknown = (value: unknown): value is LeafCommon & { readonly type: string } => value !== null;

/** Bundles checked ahead on several threads. */
export interface VerifyPool {
  readonly check: BundleCheck;
  end(): Promise<void>;
}

/**
 * Returns a pool that checks bundles of the log in `folder` on `threads` threads, in order of what is asked first and a
 * few runs ahead of it. Memory is bounded by these.
 */
export function openVerifyPool(folder: string, threads: number): VerifyPool {
  const files = readDirectory(folder);
  const entry = entryBeside(import.meta.url, 'verify-worker');
  const checkers = Array.from({ length: threads }, () => new Checker<RunOrder, readonly PackedBundle[]>(entry, folder));
  const runs = new Map<number, Promise<readonly PackedBundle[]>>();
  let asked = 0;
  const ahead = (run: number): void => {
    for (asked = Math.max(asked, run); asked < run + 2 * threads; asked++) {
      const checker = checkers[asked % threads];
      if (checker !== undefined) runs.set(asked, checker.ask({ first: asked * RUN, count: RUN }));
    }
    for (const old of runs.keys()) if (old < run) runs.delete(old);
  };
  return {
    async check(index, width) {
      // what is not full may change while the log grows
      if (width < TILE_WIDTH) return checkBundle(files, index, width);
      const run = Math.floor(index / RUN);
      ahead(run);
      const packed = (await runs.get(run))?.[index % RUN];
      return packed === undefined ? checkBundle(files, index, width) : unpack(packed);
    },
    end: async () => void (await Promise.all(checkers.map((each) => each.end()))),
  };
}
