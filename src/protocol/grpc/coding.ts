/** Message compression of gRPC (`grpc-encoding`): messages are decompressed to look, and forwarded as they came. */

import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { Failure, type Reason } from '../../reasons.ts';

type Decompress = (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;

/** The codings that can be looked into. gRPC's `deflate` is the zlib format (compression.md). */
const CODINGS: ReadonlyMap<string, Decompress> = new Map([
  ['gzip', promisify<Uint8Array, { maxOutputLength: number }, Buffer>(gunzip)],
  ['deflate', promisify<Uint8Array, { maxOutputLength: number }, Buffer>(inflate)],
]);

/** What a compressed message is read within. */
export interface CodingLimits {
  /** The longest message after decompression: beyond it lies a bomb. */
  readonly longest: number;
  readonly tooLong: Reason;
  readonly unreadable: Reason;
}

/** Returns true for a `grpc-encoding` whose messages can be looked into. */
export const isReadableCoding = (coding: string): boolean =>
  coding === '' || coding === 'identity' || CODINGS.has(coding);

/** Resolves to the message. Rejects with Failure `tooLong` or `unreadable`. */
export async function decompress(message: Uint8Array, coding: string, limits: CodingLimits): Promise<Buffer> {
  const read = CODINGS.get(coding);
  if (read === undefined)
    throw new Failure(limits.unreadable, 'expected a compressed message to name gzip or deflate', {
      detail: 'Compress messages with gzip or deflate, or not at all.',
    });
  try {
    return await read(message, { maxOutputLength: limits.longest });
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new Failure(limits.tooLong, `expected a message of at most ${limits.longest} bytes once decompressed`, {
        cause,
        detail: `A message may take at most ${limits.longest} bytes once decompressed.`,
      });
    throw new Failure(limits.unreadable, 'a message is not compressed as its stream says', { cause });
  }
}

/** Returns what of an `accept-encoding` of gRPC can be looked into: `identity` at least. */
export const readableCodings = (accepted: string): string => {
  const kept = accepted
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => CODINGS.has(coding));
  return ['identity', ...new Set(kept)].join(',');
};
