/**
 * gRPC's framing (PROTOCOL-HTTP2.md "Length-Prefixed-Message"): a flag byte, four bytes of length, the message. A frame
 * leaves as the very bytes that came; decoding is only to look.
 */

import { Failure, type Reason } from '../../reasons.ts';
import { Pieces } from '../framing/pieces.ts';

/** Flag and length. */
const PREFIX = 5;
/** The longest message that the official implementations take: INT32_MAX. */
export const LONGEST_MESSAGE = 2 ** 31 - 1;

/** One message of a stream. */
export interface GrpcFrame {
  /** Prefix and message as they came. */
  readonly bytes: Buffer;
  /** The message was compressed with the stream's `grpc-encoding`. */
  readonly compressed: boolean;
}

/** Returns the message of a frame, still compressed if it was. */
export const messageOf = ({ bytes }: GrpcFrame): Buffer => bytes.subarray(PREFIX);

/** Returns the frame of an uncompressed message. */
export function frameOf(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(PREFIX + message.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, PREFIX);
  return bytes;
}

/** What a stream of frames is cut by. */
export interface FrameLimits {
  /** The longest message, in bytes. */
  readonly longest: number;
  /** What ends the call when a message is longer. */
  readonly tooLong: Reason;
  /** What ends the call when the bytes are no frames. */
  readonly malformed: Reason;
}

/** Cuts a stream of bytes into frames, however they arrive. Holds at most one unfinished frame. */
export class FrameSplitter {
  private readonly limits: FrameLimits;
  private readonly pieces = new Pieces();
  /** Bytes of the frame under way; 0 until its prefix is whole. */
  private wanted = 0;

  constructor(limits: FrameLimits) {
    this.limits = limits;
  }

  /** Bytes held of a frame that is not whole yet. */
  get held(): number {
    return this.pieces.length;
  }

  /**
   * Returns the frames that are whole now; views of `chunk` where they lie within it. Throws Failure `tooLong` as soon
   * as the length is known, and `malformed` for a flag that is neither 0 nor 1.
   */
  push(chunk: Buffer): readonly GrpcFrame[] {
    const frames: GrpcFrame[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.pieces.length === 0 && chunk.length - at >= PREFIX) {
        const end = at + this.lengthAt(chunk, at);
        if (end <= chunk.length) {
          frames.push(frame(chunk.subarray(at, end)));
          at = end;
          continue;
        }
      }
      at = this.gather(chunk, at, frames);
    }
    return frames;
  }

  /** Says that the stream is over. Throws Failure `malformed` when it ended within a frame. */
  end(): void {
    if (this.pieces.length > 0)
      throw new Failure(this.limits.malformed, 'expected the stream to end behind a whole message');
  }

  /** Takes what belongs to the frame under way; returns where the next one begins. */
  private gather(chunk: Buffer, from: number, frames: GrpcFrame[]): number {
    const target = this.wanted === 0 ? PREFIX : this.wanted;
    const end = Math.min(chunk.length, from + target - this.pieces.length);
    this.pieces.add(chunk.subarray(from, end));
    if (this.pieces.length < target) return end;
    if (this.wanted === 0) {
      const prefix = this.pieces.take();
      this.wanted = this.lengthAt(prefix, 0);
      this.pieces.add(prefix);
      if (this.wanted > PREFIX) return end;
    }
    frames.push(frame(this.pieces.take()));
    this.wanted = 0;
    return end;
  }

  /** Returns the length of the frame whose prefix stands at `at`. */
  private lengthAt(bytes: Buffer, at: number): number {
    const flag = bytes[at] ?? 0;
    if (flag > 1) throw new Failure(this.limits.malformed, `expected a compressed-flag of 0 or 1, found ${flag}`);
    const length = bytes.readUInt32BE(at + 1);
    if (length > this.limits.longest)
      throw new Failure(this.limits.tooLong, `expected a message of at most ${this.limits.longest} bytes`, {
        detail: `A message may take at most ${this.limits.longest} bytes.`,
      });
    return PREFIX + length;
  }
}

const frame = (bytes: Buffer): GrpcFrame => ({ bytes, compressed: bytes[0] === 1 });
