/** The commitment to the frames of a session behind its opening: each hash up to 64 of them, one over all beyond. */

import { createHash, type Hash } from 'node:crypto';

const MOST = 64;

/** What a leaf says of a session's frames behind the opening. */
export interface Committed {
  /** How many frames, and how many bytes they have. */
  readonly frames: number;
  readonly total: number;
  /** SHA-256 of each frame, hex; or of all their hashes one after the other where there are more than 64. */
  readonly cts?: readonly string[];
  readonly ctr?: string;
}

/** Gathers the hashes of one session's frames. */
export class FrameHashes {
  #frames = 0;
  #total = 0;
  #each: string[] = [];
  #rolled: Hash | null = null;

  /** Adds the next frame: its hash in hex and its length. */
  add(hash: string, bytes: number): void {
    this.#frames++;
    this.#total += bytes;
    if (this.#rolled === null && this.#frames <= MOST) {
      this.#each.push(hash);
      return;
    }
    this.#rolled ??= createHash('sha256').update(this.#each.splice(0).join(''), 'hex');
    this.#rolled.update(hash, 'hex');
  }

  /** Returns the commitment. Nothing may be added after it. */
  commit(): Committed {
    const counts = { frames: this.#frames, total: this.#total };
    return this.#rolled === null ? { ...counts, cts: this.#each } : { ...counts, ctr: this.#rolled.digest('hex') };
  }

  /** Returns true when `other` commits to exactly these frames. Nothing may be added after it. */
  isCommittedBy(other: Committed): boolean {
    const { frames, total, cts, ctr } = this.commit();
    if (frames !== other.frames || total !== other.total || ctr !== other.ctr) return false;
    return cts?.join() === other.cts?.join();
  }
}
