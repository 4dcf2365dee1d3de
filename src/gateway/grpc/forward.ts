/** Sends a gRPC call upstream, message by message, and hands what comes back, as it comes, to its answer. One attempt. */

import { type ClientHttp2Stream, constants } from 'node:http2';
import { statusOfReset } from '../../protocol/grpc/status.ts';
import { Failure } from '../../reasons.ts';
import type { GrpcAnswer } from './answer.ts';
import type { GrpcUpstream } from './upstream.ts';
import { UpstreamError, upstreamFailure } from '../upstream-failure.ts';

/** The caller's half of a call, on its way upstream. */
export interface GrpcOutgoing {
  /** Resolves when the next message may be sent; at once where the server has no need of more. */
  write(frame: Buffer): Promise<void>;
  /** The caller has no more messages. */
  end(): void;
}

/** Starts the call upstream. Never throws: what goes wrong reaches `answer.fail`. */
export function forwardGrpc(upstream: GrpcUpstream, head: readonly string[], answer: GrpcAnswer): GrpcOutgoing {
  try {
    return new Relay(upstream.sessions.request(head, false).stream, answer);
  } catch (cause) {
    answer.fail(new Failure('internal', 'the call could not be written for the upstream', { cause }));
    return { write: () => Promise.resolve(), end: () => {} };
  }
}

/** What clients make of an HTTP status that no gRPC server sends (http-grpc-status-mapping.md). */
const HTTP_STATUS: ReadonlyMap<number, number> = new Map([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [502, 14],
  [503, 14],
  [504, 14],
]);
const UNKNOWN = 2;
const INTERNAL = 13;

class Relay implements GrpcOutgoing {
  readonly #stream: ClientHttp2Stream;
  readonly #answer: GrpcAnswer;
  #trailers: readonly string[] | null = null;
  #error: Error | null = null;
  #headed = false;
  /** The answer is complete, or nobody waits for it. */
  #over = false;

  constructor(stream: ClientHttp2Stream, answer: GrpcAnswer) {
    this.#answer = answer;
    this.#stream = stream;
    stream.on('response', (headers, flags, raw: string[]) => this.#onHead(Number(headers[':status']), flags, raw));
    stream.on('trailers', (_headers, _flags, raw: string[]) => {
      this.#trailers = raw;
    });
    stream.on('data', (chunk: Buffer) => {
      if (!this.#over) answer.data(chunk);
    });
    stream.on('end', () => this.#onEnd());
    stream.on('error', (error: Error) => {
      this.#error = error;
    });
    stream.on('close', () => this.#onClose());
    answer.flow({
      pause: () => stream.pause(),
      resume: () => stream.resume(),
      abort: () => this.#abort(),
    });
  }

  write(frame: Buffer): Promise<void> {
    const stream = this.#stream;
    // the server may answer before it has read everything, and is not asked to read the rest
    if (this.#over || !stream.writable || stream.write(frame)) return Promise.resolve();
    return new Promise((resolve) => {
      const go = (): void => {
        stream.off('drain', go).off('close', go);
        resolve();
      };
      stream.on('drain', go).on('close', go);
    });
  }

  end(): void {
    if (this.#stream.writable) this.#stream.end();
  }

  #onHead(status: number, flags: number, raw: readonly string[]): void {
    if (this.#over) return;
    this.#headed = true;
    if (status !== 200 || !/^application\/grpc(?:$|[+; ])/i.test(valueOf(raw, 'content-type'))) {
      this.#abort();
      const failure = new Failure('upstream-failed', `the upstream answered with HTTP status ${status} and no gRPC`);
      return this.#answer.fail(failure, { code: HTTP_STATUS.get(status) ?? UNKNOWN });
    }
    const ended = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    if (ended) this.#over = true;
    this.#answer.head(raw, ended);
  }

  #onEnd(): void {
    if (this.#over || this.#trailers === null) return;
    this.#over = true;
    this.#answer.end(this.#trailers);
    // what the server has not read by now it does not want
    if (this.#stream.writable) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #onClose(): void {
    if (this.#over) return;
    this.#over = true;
    const { rstCode } = this.#stream;
    const error = this.#error ?? new UpstreamError('BROKE_OFF', `the stream was reset (${rstCode})`);
    const failure = upstreamFailure(error, this.#headed);
    if (failure.reason === 'upstream-unreachable') return this.#answer.fail(failure);
    // an answer without trailers is none (PROTOCOL-HTTP2.md "Responses")
    const code = rstCode === constants.NGHTTP2_NO_ERROR ? INTERNAL : statusOfReset(rstCode ?? 0);
    this.#answer.fail(failure, { code });
  }

  #abort(): void {
    this.#over = true;
    this.#stream.close(constants.NGHTTP2_CANCEL);
    // node keeps a stream, and its session, for as long as it holds something to read
    this.#stream.resume();
  }
}

function valueOf(raw: readonly string[], name: string): string {
  const at = raw.indexOf(name);
  return at === -1 ? '' : (raw[at + 1] ?? '');
}
