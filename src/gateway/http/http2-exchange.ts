/** One HTTP/2 stream as the exchange that the stations of a call see. */

import { constants, type ServerHttp2Stream } from 'node:http2';
import { Failure } from '../../reasons.ts';
import { dropRest } from './drop-rest.ts';
import { BREAK_OFF_MS, type CallRequest, type CallResponse } from './exchange.ts';
import type { IncomingHead } from './head.ts';

/** The request side of a stream. */
export class Http2Request implements CallRequest {
  readonly #stream: ServerHttp2Stream;
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
  readonly unframed: boolean;
  /** nghttp2 resets such a stream. */
  readonly malformed = false;

  constructor(stream: ServerHttp2Stream, head: IncomingHead) {
    this.#stream = stream;
    this.method = head.method ?? '';
    this.url = head.url ?? '';
    this.httpVersion = head.httpVersion;
    this.rawHeaders = head.rawHeaders;
    this.unframed = head.unframed ?? false;
  }

  /** Node ends the readable side of a stream that was reset, too: only what was not aborted came whole. */
  get complete(): boolean {
    const stream = this.#stream;
    return stream.endAfterHeaders || (stream.readableEnded && !stream.aborted);
  }

  get destroyed(): boolean {
    return this.#stream.destroyed || this.#stream.aborted;
  }

  pause(): void {
    this.#stream.pause();
  }

  on(event: string, listener: (chunk: Buffer) => void): this {
    this.#stream.on(event, listener);
    return this;
  }

  off(event: string, listener: (chunk: Buffer) => void): this {
    this.#stream.off(event, listener);
    return this;
  }
}

/** The answer side of a stream. */
export class Http2Response implements CallResponse {
  readonly #stream: ServerHttp2Stream;
  readonly req: Http2Request;
  sendDate = true;
  #trailers: Record<string, string[]> = {};
  #bodiless = false;
  #broken = false;

  constructor(stream: ServerHttp2Stream, req: Http2Request) {
    this.#stream = stream;
    this.req = req;
    // An answer that broke off never gets here with its end: END_STREAM leaves only with the trailers, even empty ones.
    stream.on('wantTrailers', () => {
      if (!this.#broken) stream.sendTrailers(this.#trailers);
    });
  }

  get headersSent(): boolean {
    return this.#stream.headersSent;
  }

  get destroyed(): boolean {
    return this.#stream.destroyed || this.#stream.aborted;
  }

  get writableFinished(): boolean {
    return this.#stream.writableFinished && !this.#stream.aborted && !this.#broken;
  }

  get writableNeedDrain(): boolean {
    return this.#stream.writableNeedDrain;
  }

  get restUnread(): boolean {
    return !this.req.complete;
  }

  writeContinue(): void {
    this.#stream.additionalHeaders({ ':status': 100 });
  }

  writeInterim(status: number, fields: readonly string[]): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed || stream.headersSent) return;
    // node takes no list here; a name that comes more than once keeps every value
    const lines: Record<string, string[]> = {};
    for (let at = 0; at < fields.length; at += 2)
      (lines[(fields[at] ?? '').toLowerCase()] ??= []).push(fields[at + 1] ?? '');
    try {
      stream.additionalHeaders({ ...lines, ':status': status });
    } catch (cause) {
      throw new Failure('upstream-failed', 'an interim head cannot be written as HTTP/2', { cause });
    }
  }

  writeHead(status: number, text: string | string[], fields?: string[]): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    this.#bodiless = this.req.method === 'HEAD' || status === 204 || status === 304;
    // HTTP/2 has no status text (RFC 9113 §8.3.2)
    const list = typeof text === 'string' ? (fields ?? []) : text;
    try {
      stream.respond([':status', String(status), ...list], {
        waitForTrailers: !this.#bodiless,
        endStream: this.#bodiless,
        // @ts-expect-error: node reads it, its types lack it
        sendDate: this.sendDate,
      });
    } catch (cause) {
      throw new Failure('upstream-failed', 'the head of the answer cannot be written as HTTP/2', { cause });
    }
  }

  /** The head has left with `writeHead`. */
  flushHeaders(): void {}

  write(bytes: Buffer): boolean {
    return this.#bodiless || this.#stream.write(bytes);
  }

  addTrailers(fields: readonly [string, string][]): void {
    for (const [name, value] of fields) (this.#trailers[name.toLowerCase()] ??= []).push(value);
  }

  end(body?: Buffer | (() => void), sent?: () => void): void {
    const done = typeof body === 'function' ? body : sent;
    const bytes = typeof body === 'function' ? undefined : body;
    const stream = this.#stream;
    if (this.#bodiless) {
      if (done !== undefined) queueMicrotask(done);
      return;
    }
    if (done !== undefined) stream.once('finish', done);
    if (bytes === undefined) stream.end();
    else stream.end(bytes);
  }

  destroy(): void {
    this.#broken = true;
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  on(event: 'close' | 'drain', listener: () => void): this {
    this.#stream.on(event, listener);
    return this;
  }

  once(event: 'close' | 'drain', listener: () => void): this {
    this.#stream.once(event, listener);
    return this;
  }

  off(event: 'close' | 'drain', listener: () => void): this {
    this.#stream.off(event, listener);
    return this;
  }

  /** RFC 9113 §8.1: NO_ERROR asks the sender to stop, behind a whole answer. */
  dropRest(): readonly string[] {
    const stream = this.#stream;
    stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
    dropRest(stream);
    return [];
  }

  breakOff(): void {
    this.#broken = true;
    const stream = this.#stream;
    const cut = (): void => {
      if (!stream.destroyed) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    };
    if (stream.writableLength === 0) return cut();
    const timer = setTimeout(cut, BREAK_OFF_MS).unref();
    stream.write(NOTHING, () => {
      clearTimeout(timer);
      cut();
    });
  }
}

const NOTHING = Buffer.alloc(0);
