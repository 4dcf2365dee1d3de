/** Servers that speak several protocols on one port: each operation is read by the codec of its own protocol. */

import type { About } from './about.ts';
import type { Codec, Operation, Refusal } from './codec.ts';
import type { Asked, Content, Piece } from './content.ts';

const SPOKEN = Symbol('spoken');

/** An operation with the codec that knows it. */
interface SpokenOperation extends Operation {
  readonly [SPOKEN]: Codec;
}

const spoken = (operation: Operation, codec: Codec): SpokenOperation => ({ ...operation, [SPOKEN]: codec });

const isSpoken = (operation: Operation): operation is SpokenOperation => SPOKEN in operation;

/** Operations inside a body are of the body's protocol. */
const contentOf = (content: Content, codec: Codec): Content => ({
  ...content,
  asked: content.asked.map((asked): Asked => ({ ...asked, operation: spoken(asked.operation, codec) })),
  pieces: content.pieces.map(
    (piece): Piece => (piece.kind === 'json' ? { ...piece, operation: spoken(piece.operation, codec) } : piece),
  ),
});

/**
 * Returns the codec of a server that speaks the protocols of these codecs. Where two of them have an operation at one
 * method and path, the first has it; refusals of unknown operations are the first one's too.
 */
export const combine = (protocol: string, about: About, codecs: readonly [Codec, ...Codec[]]): Codec => {
  const [first] = codecs;
  const of = (operation: Operation | null | undefined): Codec =>
    operation !== null && operation !== undefined && isSpoken(operation) ? operation[SPOKEN] : first;
  return {
    protocol,
    about,
    operation(method, path) {
      for (const codec of codecs) {
        const found = codec.operation(method, path);
        if (found !== null) return spoken(found, codec);
      }
      return null;
    },
    request: (operation, value) => of(operation).request(operation, value),
    content(operation, body) {
      const codec = of(operation);
      const content = codec.content?.(operation, body) ?? null;
      return content === null ? null : contentOf(content, codec);
    },
    ...(codecs.some(({ nonFinite }) => nonFinite === true) ? { nonFinite: true } : {}),
    answerContent(operation, rawHeaders) {
      const codec = of(operation);
      const read = codec.answerContent?.(operation, rawHeaders) ?? null;
      return read === null ? null : (bytes) => contentOf(read(bytes), codec);
    },
    usage: (operation, value) => of(operation).usage(operation, value),
    kind: (operation, path, text, document) => of(operation).kind(operation, path, text, document),
    leaks: (operation, path) => of(operation).leaks(operation, path),
    ...(codecs.some((codec) => codec.signature !== undefined)
      ? { signature: (operation, path) => of(operation).signature?.(operation, path) ?? null }
      : {}),
    framings: (operation) => of(operation).framings(operation),
    counts: (operation) => of(operation).counts(operation),
    media: (operation) => of(operation).media?.(operation) === true,
    stream: (operation) => of(operation).stream(operation),
    metadata: (operation, path) => of(operation).metadata?.(operation, path) ?? null,
    toolCalls: (operation) => of(operation).toolCalls?.(operation) ?? null,
    // Messages are operations that no path names: they are read by the first codec, so only it may have them.
    socket: (operation) => (of(operation) === first ? (first.socket?.(operation) ?? null) : null),
    refusalType: (operation) => of(operation).refusalType(operation),
    refusal: (refusal: Refusal, operation) => of(operation).refusal(refusal, operation),
    streamFailure: (refusal: Refusal, operation) => of(operation).streamFailure(refusal, operation),
  };
};
