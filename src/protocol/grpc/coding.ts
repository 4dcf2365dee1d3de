/** Message compression of gRPC (`grpc-encoding`): messages are decompressed to look, and forwarded as they came. */

import { createGunzip, createInflate, type Gunzip, type Inflate } from 'node:zlib';
import { Failure, type Reason } from '../../reasons.ts';

/** The codings that can be looked into. gRPC's `deflate` is the zlib format (compression.md). */
const CODINGS: ReadonlyMap<string, (options: { chunkSize: number }) => Gunzip | Inflate> = new Map([
  ['gzip', createGunzip],
  ['deflate', createInflate],
]);

/** Bytes that are made at a time, and counted. */
const AT_A_TIME = { chunkSize: 64 * 1024 };

/** Memory that messages of many callers share. */
export interface Memory {
  /** Returns false when `bytes` more would be too many; nothing is taken then. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

/** What a compressed message is read within. */
export interface CodingLimits {
  /** The longest message after decompression: beyond it lies a bomb. */
  readonly longest: number;
  readonly tooLong: Reason;
  readonly unreadable: Reason;
  /** What the message is taken from as it grows; who gets it gives its length back. Missing where it is nobody else's. */
  readonly memory?: Memory;
}

/** Returns true for a `grpc-encoding` whose messages can be looked into. */
export const isReadableCoding = (coding: string): boolean =>
  coding === '' || coding === 'identity' || CODINGS.has(coding);

/** Resolves to the message. Rejects with Failure `tooLong`, `unreadable`, or `overloaded` when there is no memory for it. */
export async function decompress(message: Uint8Array, coding: string, limits: CodingLimits): Promise<Buffer> {
  const create = CODINGS.get(coding);
  if (create === undefined)
    throw new Failure(limits.unreadable, 'expected a compressed message to name gzip or deflate', {
      detail: 'Compress messages with gzip or deflate, or not at all.',
    });
  const { longest, memory } = limits;
  const stream = create(AT_A_TIME);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    stream.end(message);
    for await (const chunk of chunksOf(stream)) {
      if (size + chunk.length > longest) throw tooLong(limits);
      if (memory?.take(chunk.length) === false)
        throw new Failure('overloaded', 'decompressed messages of callers fill their memory budget');
      size += chunk.length;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, size);
  } catch (cause) {
    memory?.give(size);
    if (cause instanceof Failure) throw cause;
    throw new Failure(limits.unreadable, 'a message is not compressed as its stream says', { cause });
  }
}

const chunksOf = (stream: Gunzip | Inflate): AsyncIterable<Buffer> => stream;

const tooLong = ({ longest, tooLong: reason }: CodingLimits): Failure =>
  new Failure(reason, `expected a message of at most ${longest} bytes once decompressed`, {
    detail: `A message may take at most ${longest} bytes once decompressed.`,
  });

/** Returns what of an `accept-encoding` of gRPC can be looked into: `identity` at least. */
export const readableCodings = (accepted: string): string => {
  const kept = accepted
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => CODINGS.has(coding));
  return ['identity', ...new Set(kept)].join(',');
};
