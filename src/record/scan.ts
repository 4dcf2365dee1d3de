/** Reads frames out of journal files, in order, with one buffer. */

import { readSync } from 'node:fs';
import { type Frame, MAX_FRAME, readFrame } from './frame.ts';

/** Where a scan stopped: at its end, before a frame that is cut off there, or before bytes that are no frame. */
export interface Scanned {
  /** Offset behind the last whole frame. */
  readonly end: number;
  readonly stopped: 'end' | 'cut' | 'torn';
}

/** Hears of a frame, which begins at `offset` of the file. The frame's bytes are only good until it returns. */
export type OnFrame = (frame: Frame, offset: number) => void;

const BUFFER = 4 * MAX_FRAME;

/** Scans journals. One at a time: frames are views of its buffer. */
export class FrameScanner {
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER);

  /** Tells the whole frames of an open file between two offsets, the first of which is where a frame begins. */
  scan(fd: number, from: number, to: number, onFrame: OnFrame): Scanned {
    let at = from;
    while (at < to) {
      const bytes = this.#read(fd, at, to);
      const { used, stopped } = tellFrames(bytes, at, onFrame);
      at += used;
      if (stopped === 'torn') return { end: at, stopped };
      // a frame that the buffer cuts is whole in the next one; without a single one, the file ends in it
      if (stopped === 'cut' && used === 0) return { end: at, stopped };
      if (bytes.length === 0) return { end: at, stopped: 'cut' };
    }
    return { end: at, stopped: 'end' };
  }

  #read(fd: number, at: number, to: number): Buffer {
    const wanted = Math.min(BUFFER, to - at);
    let got = 0;
    while (got < wanted) {
      const read = readSync(fd, this.#buffer, got, wanted - got, at + got);
      if (read === 0) break;
      got += read;
    }
    return this.#buffer.subarray(0, got);
  }
}

function tellFrames(bytes: Buffer, offset: number, onFrame: OnFrame): { used: number; stopped: Scanned['stopped'] } {
  let used = 0;
  while (used < bytes.length) {
    const frame = readFrame(bytes, used);
    if (typeof frame === 'string') return { used, stopped: frame };
    onFrame(frame, offset + used);
    used = frame.end;
  }
  return { used, stopped: 'end' };
}
