/** Events on their way into a frame: encoded as they come, in one buffer that grows as far as a frame may. */

import { type EventCode, eventOverhead, MAX_EVENT_OVERHEAD, writeEventHead } from './event.ts';
import { MAX_PLAINTEXT } from './frame.ts';

/** A frame of gathered events is written when it would grow beyond this. */
export const GATHER_BYTES = 64 * 1024;

/** Small buffers that sessions gather in, used again and again: a fresh one for each costs a third of a call in GC. */
export class BufferShelf {
  readonly #free: Buffer[] = [];

  /** Returns a buffer of `SMALL_BYTES`. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(SMALL_BYTES);
  }

  /** Takes back a buffer that nobody uses any more; one that has grown is let go. */
  put(buffer: Buffer): void {
    if (buffer.length === SMALL_BYTES && this.#free.length < MAX_FREE) this.#free.push(buffer);
  }
}

const SMALL_BYTES = 2 * 1024;
const MAX_FREE = 1024;

/** The events of one session that are in no frame yet. */
export class Gathering {
  #bytes: Buffer;
  #length = 0;

  /** `bytes` is where the first events go. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Where events gather now; the caller may use it again once it has let go of this. */
  get buffer(): Buffer {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Returns the gathered events and forgets them; a view that holds until the next event is added. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }

  /** Adds a text event; returns false when it does not fit beside the gathered ones, which must be taken first. */
  addText(micros: number, code: EventCode, text: string): boolean {
    const size = Buffer.byteLength(text);
    const needed = this.#length + eventOverhead(micros, size) + size;
    if (needed > GATHER_BYTES && this.#length > 0) return false;
    if (needed > MAX_PLAINTEXT) throw new RangeError(`an event of ${size} bytes does not fit into a frame`);
    this.#grow(needed);
    const at = writeEventHead(this.#bytes, this.#length, micros, code, size);
    this.#bytes.write(text, at);
    this.#length = at + size;
    return true;
  }

  /**
   * Adds as much of `bytes` from `from` on as fits, as one event, and returns where the rest begins. When that is short
   * of the end, the gathered events must be taken first.
   */
  addBytes(micros: number, code: EventCode, bytes: Buffer, from: number): number {
    const room = GATHER_BYTES - MAX_EVENT_OVERHEAD - this.#length;
    const size = Math.min(room, bytes.length - from);
    if (size <= 0) return from;
    this.#grow(this.#length + MAX_EVENT_OVERHEAD + size);
    const at = writeEventHead(this.#bytes, this.#length, micros, code, size);
    bytes.copy(this.#bytes, at, from, from + size);
    this.#length = at + size;
    return from + size;
  }

  #grow(needed: number): void {
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.min(MAX_PLAINTEXT, Math.max(needed, 2 * this.#bytes.length)));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
