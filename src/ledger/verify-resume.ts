/** Going on from a bookmark, and making the next one as the verification comes along. */

import { type Bookmark, edgeOf, type MarkedCheckpoint, withRead } from './bookmark.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Witness } from './cosignature.ts';
import { EMPTY_ROOT } from './hash.ts';
import { Malformed } from './malformed.ts';
import type { NoteVerifier } from './note-key.ts';
import type { Found } from './report.ts';
import { TILE_WIDTH } from './tile.ts';
import type { TileBytes } from './tile-builder.ts';
import type { Authority } from './timestamp.ts';
import type { ClockChecks } from './verify-clock.ts';
import { HISTORY_START, type HistoryWalk, type Trust } from './verify-history.ts';
import type { LeafChecks } from './verify-leaves.ts';
import type { StampChecks } from './verify-stamps.ts';
import type { TreeEdge } from './verify-tree.ts';

/** Where a verification goes on, and where it says how far it came. */
export interface Resume {
  /** Where an earlier run of the same verifier came to; null to begin at the first leaf. */
  readonly bookmark: Bookmark | null;
  /**
   * Is handed a bookmark from time to time and at the end, as long as nothing is wrong. Kept on the verifier's own
   * machine it is worth what its own report was.
   */
  readonly keep: (bookmark: Bookmark) => void | Promise<void>;
  /** How the log is named in the bookmark: where it was read. */
  readonly where: string;
  /** Ms since the epoch. */
  readonly now: () => number;
  /** After how many leaves a bookmark is made, a multiple of 256; 65,536 when it is not given. */
  readonly every?: number;
}

const EVERY = 2 ** 16;

/** What of the options of a verification must be as it was. */
export interface Expected {
  readonly keys: readonly NoteVerifier[];
  readonly origin: string;
  readonly witnesses: readonly Witness[];
  readonly authorities: readonly Authority[];
}

const namesOf = ({ witnesses, authorities }: Expected) => ({
  witnesses: witnesses.map(({ name, keyId }) => `${name}+${keyId.toString(16)}`).toSorted(),
  authorities: authorities.map(({ name }) => name).toSorted(),
});

/** Throws Malformed when a bookmark is of another log, or was made by looking at other things. */
export const refuseOther = (bookmark: Bookmark, expected: Expected): void => {
  const { witnesses, authorities } = namesOf(expected);
  if (bookmark.origin !== expected.origin) {
    throw new Malformed(
      `a bookmark of the log ${JSON.stringify(bookmark.origin)}, not ${JSON.stringify(expected.origin)}`,
    );
  }
  if (!bookmark.keys.some(([vkey]) => expected.keys.some((key) => key.vkey === vkey))) {
    throw new Malformed('a bookmark of a log that none of these keys has signed');
  }
  if (bookmark.witnesses.join() !== witnesses.join() || bookmark.authorities.join() !== authorities.join()) {
    throw new Malformed('a bookmark that was made with other witnesses or authorities');
  }
};

/** Returns the tree to go on from. Throws Malformed. */
export const treeOf = (bookmark: Bookmark): TreeEdge => ({ size: bookmark.size, edge: edgeOf(bookmark) });

/** What a bookmark is made of, as it stands at each moment. */
export interface Standing {
  readonly trust: Trust;
  readonly history: HistoryWalk;
  readonly leaves: LeafChecks;
  readonly clock: ClockChecks;
  readonly stamps: StampChecks;
  readonly found: Found;
}

/** Makes bookmarks of a verification under way. */
export class Marker {
  readonly #resume: Resume;
  readonly #standing: Standing;
  readonly #names: ReturnType<typeof namesOf>;
  readonly #began: number;
  /** Where the last full bundle of the log ends. */
  readonly #lastFull: number;
  #checkpoint: MarkedCheckpoint;
  #latest: Bookmark;

  /** Over a log of `size` leaves. */
  constructor(resume: Resume, expected: Expected, size: number, standing: Standing) {
    this.#resume = resume;
    this.#standing = standing;
    this.#names = namesOf(expected);
    this.#began = resume.now();
    this.#lastFull = size - (size % TILE_WIDTH);
    this.#checkpoint = resume.bookmark?.checkpoint ?? { size: 0, root: EMPTY_ROOT.toBase64() };
    this.#latest = resume.bookmark ?? { ...this.#make(0, []), read: [], history: HISTORY_START };
  }

  /** Takes a checkpoint whose root is that of the leaves. */
  matched({ size, root }: Checkpoint): void {
    if (size >= this.#checkpoint.size) this.#checkpoint = { size, root: root.toBase64() };
  }

  /** Takes note of how far the leaves were verified: `size` of them. */
  passed(size: number, edge: () => readonly TileBytes[]): void | Promise<void> {
    const isDue = size % (this.#resume.every ?? EVERY) === 0;
    if (this.#standing.found.problemCount > 0 || (!isDue && size !== this.#lastFull)) return;
    this.#latest = this.#make(size, edge());
    if (isDue) return this.#resume.keep(this.#latest);
  }

  /** Keeps the last bookmark when everything was looked at and nothing is wrong. */
  async end(): Promise<void> {
    if (this.#standing.found.problemCount > 0) return;
    await this.#resume.keep({ ...this.#latest, checkpoint: this.#checkpoint });
  }

  #make(size: number, edge: readonly TileBytes[]): Bookmark {
    const { trust, history, leaves, clock, stamps, found } = this.#standing;
    const { where, bookmark, now } = this.#resume;
    return {
      origin: trust.origin,
      keys: trust.keys.list,
      ...this.#names,
      size,
      read: withRead(bookmark?.read ?? [], { leaves: size, began: this.#began, ended: now(), where }),
      checkpoint: this.#checkpoint,
      edge: edge.map(({ bytes }) => bytes.toBase64()),
      history: history.position(size),
      leaves: leaves.state,
      clock: clock.state,
      stamps: stamps.state,
      witnessed: [...history.witnessed.values()],
      findings: [...found.findings],
      findingCount: found.findingCount,
    };
  }
}
