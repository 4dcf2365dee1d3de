/** Where a journal was damaged: what stands there, and where whole frames go on, so that one problem is not told as many. */

import { readSync } from 'node:fs';
import { type Frame, MAX_FRAME, readDamagedFrame, readFrame } from './frame.ts';

/** What a look behind a damaged place found. */
export interface Damage {
  /** The frame that stands there in all but its CRC; null where not even its length can be believed. */
  readonly frame: Frame | null;
  /** Offset of the next whole frame, or of the end when the damaged frame is the last one; null where none was found. */
  readonly next: number | null;
}

const NOTHING: Damage = { frame: null, next: null };
const WINDOW = 4 * MAX_FRAME;
/** Bytes that may go through a CRC in one journal: who writes false lengths makes it end early, not go on for long. */
const MOST_CHECKED = 64 * 1024 * 1024;
/** So many damaged places of one journal are looked behind: each costs a read of a window. */
export const MOST_LOOKS = 256;

/** Looks behind the damaged places of one journal, at a cost that its bytes do not decide. */
export class DamageSearch {
  readonly #fd: number;
  readonly #to: number;
  #buffer: Buffer | null = null;
  #checked = 0;
  #looks = 0;

  /** Reads the open file up to `to`. */
  constructor(fd: number, to: number) {
    this.#fd = fd;
    this.#to = to;
  }

  /** Looks at a place at which no whole frame stands. Finds nothing once it has looked for as long as it may. */
  look(at: number): Damage {
    if (++this.#looks > MOST_LOOKS) return NOTHING;
    const frame = readDamagedFrame(this.#read(at), 0);
    if (frame !== null) {
      const next = at + frame.end;
      const copy = { ...frame, sid: Buffer.from(frame.sid), bytes: Buffer.from(frame.bytes) };
      if (next === this.#to || typeof readFrame(this.#read(next), 0) !== 'string') return { frame: copy, next };
    }
    return this.#search(at + 1);
  }

  #search(from: number): Damage {
    for (let at = from; at < this.#to; ) {
      const bytes = this.#read(at);
      const isLast = at + bytes.length >= this.#to;
      // a frame that begins behind this may not be whole in the window
      const end = isLast ? bytes.length : bytes.length - MAX_FRAME;
      for (let index = 0; index < end; index++) {
        const frame = readDamagedFrame(bytes, index);
        if (frame === null) continue;
        this.#checked += frame.bytes.length;
        if (this.#checked > MOST_CHECKED) return NOTHING;
        if (typeof readFrame(bytes, index) !== 'string') return { frame: null, next: at + index };
      }
      if (isLast || end <= 0) return NOTHING;
      at += end;
    }
    return NOTHING;
  }

  #read(at: number): Buffer {
    this.#buffer ??= Buffer.allocUnsafeSlow(WINDOW);
    const wanted = Math.min(WINDOW, this.#to - at);
    let got = 0;
    while (got < wanted) {
      const bytes = readSync(this.#fd, this.#buffer, got, wanted - got, at + got);
      if (bytes === 0) break;
      got += bytes;
    }
    return this.#buffer.subarray(0, got);
  }
}
