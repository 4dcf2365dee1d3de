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
/** Bytes that may go through a CRC in one search: who writes false lengths makes it end early, not go on for long. */
const MOST_CHECKED = 64 * 1024 * 1024;

/** Looks at a place between two offsets of an open file at which no whole frame stands. Reads to `to` at most. */
export function lookBehind(fd: number, at: number, to: number): Damage {
  const buffer = Buffer.allocUnsafeSlow(WINDOW);
  const frame = readDamagedFrame(read(fd, buffer, at, to), 0);
  if (frame !== null) {
    const next = at + frame.end;
    const copy = { ...frame, sid: Buffer.from(frame.sid), bytes: Buffer.from(frame.bytes) };
    if (next === to || typeof readFrame(read(fd, buffer, next, to), 0) !== 'string') return { frame: copy, next };
  }
  return search(fd, buffer, at + 1, to);
}

function search(fd: number, buffer: Buffer, from: number, to: number): Damage {
  let checked = 0;
  for (let at = from; at < to; ) {
    const bytes = read(fd, buffer, at, to);
    const isLast = at + bytes.length >= to;
    // a frame that begins behind this may not be whole in the window
    const end = isLast ? bytes.length : bytes.length - MAX_FRAME;
    for (let index = 0; index < end; index++) {
      const frame = readDamagedFrame(bytes, index);
      if (frame === null) continue;
      checked += frame.bytes.length;
      if (checked > MOST_CHECKED) return NOTHING;
      if (typeof readFrame(bytes, index) !== 'string') return { frame: null, next: at + index };
    }
    if (isLast || end <= 0) return NOTHING;
    at += end;
  }
  return NOTHING;
}

function read(fd: number, buffer: Buffer, at: number, to: number): Buffer {
  const wanted = Math.min(WINDOW, to - at);
  let got = 0;
  while (got < wanted) {
    const bytes = readSync(fd, buffer, got, wanted - got, at + got);
    if (bytes === 0) break;
    got += bytes;
  }
  return buffer.subarray(0, got);
}
