/** Questions of the gateway's own to a model server: small documents, bounded in size and time. */

import { type ClientHttp2Stream, constants } from 'node:http2';
import type { CanonicalRequest } from '../call.ts';
import { FrameSplitter, frameOf, messageOf } from '../protocol/grpc/grpc.ts';
import { readJson } from '../protocol/json/json.ts';
import { type AnswerSink, type Flow, forward } from './forward.ts';
import { grpcRequestFields } from './grpc/fields.ts';
import type { GrpcUpstream } from './grpc/upstream.ts';
import type { Upstream } from './upstream.ts';

/** The longest answer, in bytes. */
const LONGEST = 4 * 1024 ** 2;

/** Takes one whole answer. */
class Whole implements AnswerSink {
  readonly #answer = Promise.withResolvers<Buffer>();
  readonly #timer: NodeJS.Timeout;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #flow: Flow | null = null;

  constructor(timeout: number) {
    this.#timer = setTimeout(() => this.fail(new Error('no answer in time')), timeout);
  }

  get answer(): Promise<Buffer> {
    return this.#answer.promise;
  }

  flow(control: Flow): void {
    this.#flow = control;
  }

  interim(): void {}

  head(status: number): void {
    if (status !== 200) this.fail(new Error(`expected status 200, found ${status}`));
  }

  data(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > LONGEST) this.fail(new Error(`expected at most ${LONGEST} bytes`));
    else this.#chunks.push(chunk);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#answer.resolve(Buffer.concat(this.#chunks));
  }

  fail(failure: Error): void {
    clearTimeout(this.#timer);
    this.#chunks = [];
    this.#flow?.abort();
    this.#answer.reject(failure);
  }
}

/** Resolves to the JSON document at a path of the model server's, within `timeout` ms. Rejects for anything but status 200. */
export async function askJson(
  upstream: Upstream,
  from: CanonicalRequest,
  path: string,
  timeout: number,
): Promise<unknown> {
  const whole = new Whole(timeout);
  const request = { ...from, method: 'GET', path, query: '', rawHeaders: ['Accept', 'application/json'] };
  forward(upstream, { request, body: null, fields: [], identity: true }, whole);
  return readJson(await whole.answer, 'upstream-failed').value;
}

/** Resolves to the one answer of a unary method, within `timeout` ms. Rejects when there is none. */
export function askUnary(upstream: GrpcUpstream, path: string, message: Buffer, timeout: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const splitter = new FrameSplitter({ longest: LONGEST, tooLong: 'upstream-failed', malformed: 'upstream-failed' });
  const fields = ['Host', '', 'content-type', 'application/grpc'];
  const head = grpcRequestFields(fields, upstream, { path, reads: true, timeout: null });
  let stream: ClientHttp2Stream;
  try {
    ({ stream } = upstream.sessions.request(head, false));
  } catch (cause) {
    return Promise.reject(cause instanceof Error ? cause : new Error('the question could not be sent'));
  }
  const timer = setTimeout(() => reject(new Error('no answer in time')), timeout);
  stream
    .on('data', (chunk: Buffer) => {
      try {
        for (const frame of splitter.push(chunk)) {
          if (frame.compressed) throw new Error('expected an uncompressed answer');
          resolve(messageOf(frame));
        }
      } catch (cause) {
        reject(cause instanceof Error ? cause : new Error('the answer cannot be read'));
      }
    })
    .on('error', reject)
    .on('close', () => reject(new Error('the stream ended without an answer')))
    .end(frameOf(message));
  return promise.finally(() => {
    clearTimeout(timer);
    stream.close(constants.NGHTTP2_CANCEL);
  });
}
