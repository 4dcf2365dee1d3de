/** Bytes that arrive in pieces and are wanted whole. */

const SMALLEST = 4096;

/** A buffer that grows by doubling, so that a body in single bytes costs no more than its size. */
export class Gather {
  private bytes: Buffer = Buffer.alloc(0);
  private used = 0;

  /** How many bytes are gathered. */
  get length(): number {
    return this.used;
  }

  /** Adds a copy of the bytes. */
  add(chunk: Uint8Array): void {
    const wanted = this.used + chunk.length;
    if (wanted > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(SMALLEST, wanted, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, this.used);
      this.bytes = grown;
    }
    this.bytes.set(chunk, this.used);
    this.used = wanted;
  }

  /** Returns everything gathered and begins anew; the caller owns the bytes. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.used);
    this.bytes = Buffer.alloc(0);
    this.used = 0;
    return taken;
  }
}
