/** Bytes that arrive in pieces, kept as they came where they are large, and are wanted whole. */

/** A piece below this size costs more to keep than to copy: an object of some 400 bytes for each, whatever is in it. */
const SMALL = 4096;
const TOGETHER = 16 * 1024;

/**
 * Pieces that are joined once. Small ones are copied together as they come: a body in chunks of one byte would take
 * hundreds of times its size.
 */
export class Pieces {
  private kept: Buffer[] = [];
  private size = 0;
  /** Small pieces, copied together; made when there is a second piece. */
  private together: Buffer | null = null;
  private used = 0;

  /** How many bytes are kept. */
  get length(): number {
    return this.size;
  }

  add(piece: Buffer): void {
    const isFirst = this.size === 0;
    this.size += piece.length;
    if (isFirst || piece.length >= SMALL) {
      this.close();
      this.kept.push(piece);
      return;
    }
    this.together ??= Buffer.allocUnsafeSlow(TOGETHER);
    const fits = piece.copy(this.together, this.used);
    this.used += fits;
    if (this.used < TOGETHER) return;
    this.kept.push(this.together);
    this.together = Buffer.allocUnsafeSlow(TOGETHER);
    this.used = piece.copy(this.together, 0, fits);
  }

  /** Returns everything and begins anew; without a copy where it came in one piece. */
  take(): Buffer {
    this.close();
    const [first] = this.kept;
    const all = this.kept.length === 1 && first !== undefined ? first : Buffer.concat(this.kept, this.size);
    this.kept = [];
    this.size = 0;
    this.together = null;
    return all;
  }

  /** What is kept together so far stands ahead of what comes. */
  private close(): void {
    if (this.used === 0 || this.together === null) return;
    this.kept.push(Buffer.from(this.together.subarray(0, this.used)));
    this.used = 0;
  }
}
