/** The hash of a whole journal: SHA-256 of its head and then of the hashes of its frames, in order. */

import { createHash, hash } from 'node:crypto';
import type { Frame } from './frame.ts';

/** Digests wait until this many characters of them are there: one call into the hash for many frames. */
const WAITING = 16 * 1024;

/** The hash of a journal as its frames come by. The length and CRC of a frame follow from its bytes. */
export class JournalHash {
  readonly #hash = createHash('sha256');
  #waiting = '';

  /** `head` is everything in front of the first frame; empty for a file that has not even that. */
  constructor(head: Uint8Array) {
    this.#hash.update(head);
  }

  /** Adds the next frame and returns its own hash in hex: what leaves call `ct`. */
  add(frame: Frame): string {
    return this.addHash(hash('sha256', frame.bytes, 'hex'));
  }

  /** Adds the hash of the next frame, and returns it. */
  addHash(ct: string): string {
    this.#waiting += ct;
    if (this.#waiting.length >= WAITING) this.#flush();
    return ct;
  }

  /** Returns the hash in hex. Nothing may be added after it. */
  digest(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #flush(): void {
    this.#hash.update(this.#waiting, 'hex');
    this.#waiting = '';
  }
}
