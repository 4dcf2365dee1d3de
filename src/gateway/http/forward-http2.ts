/** Sends a call to an upstream that speaks HTTP/2, and translates its stream into the sink's events. */

import { constants, type ClientHttp2Stream, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2';
import { Failure } from '../../reasons.ts';
import type { AnswerSink } from '../forward.ts';
import { UpstreamError, upstreamFailure } from '../upstream-failure.ts';
import type { Http2Sessions, OpenedStream } from './upstream-http2.ts';

/** How to get there, and how long to wait. Milliseconds. */
export interface Http2Way {
  readonly sessions: Http2Sessions;
  readonly scheme: 'http' | 'https';
  readonly answerTimeout: number;
  readonly idleTimeout: number;
}

/** What goes upstream; `fields` begin with Host, as requestFields makes them. */
export interface Http2Outgoing {
  readonly method: string;
  readonly path: string;
  readonly fields: readonly string[];
  readonly body: Buffer | null;
}

/** Starts the call upstream. Throws when the head may not be written; what goes wrong later reaches `sink.fail`. */
export function forwardHttp2(way: Http2Way, outgoing: Http2Outgoing, sink: AnswerSink): void {
  const [, authority = '', ...fields] = outgoing.fields;
  const head = [':method', outgoing.method, ':scheme', way.scheme, ':authority', authority, ':path', outgoing.path];
  // RFC 9113 §8.2: names are lower-case
  for (let at = 0; at < fields.length; at += 2) head.push((fields[at] ?? '').toLowerCase(), fields[at + 1] ?? '');
  const opened = way.sessions.request(head, outgoing.body === null);
  new Arrival(way, opened, sink).follow();
  if (outgoing.body !== null) opened.stream.end(outgoing.body);
}

class Arrival {
  readonly #way: Http2Way;
  readonly #opened: OpenedStream;
  readonly #stream: ClientHttp2Stream;
  readonly #sink: AnswerSink;
  readonly #timer: NodeJS.Timeout;
  #idle: NodeJS.Timeout | null = null;
  #headed = false;
  #whole = false;
  #over = false;
  #trailers: readonly string[] = [];

  constructor(way: Http2Way, opened: OpenedStream, sink: AnswerSink) {
    this.#way = way;
    this.#opened = opened;
    this.#stream = opened.stream;
    this.#sink = sink;
    this.#timer = setTimeout(() => this.#silent('no head of an answer came in time'), way.answerTimeout);
  }

  follow(): void {
    const stream = this.#stream;
    noteEnd(stream, () => {
      this.#whole = true;
    });
    stream
      .on('headers', this.#onInterim)
      .on('response', this.#onHead)
      .on('data', this.#onData)
      .on('trailers', (_headers, _flags, raw: string[]) => {
        this.#trailers = raw;
      })
      .on('end', this.#onEnd)
      .on('error', (error) => this.#fail(error))
      .on('close', () => this.#fail(new UpstreamError('BROKE_OFF', `the stream was reset (${stream.rstCode})`)));
    this.#sink.flow({
      pause: () => {
        this.#stopIdle();
        stream.pause();
      },
      resume: () => {
        this.#startIdle();
        stream.resume();
      },
      abort: () => {
        this.#finish();
        stream.close(constants.NGHTTP2_CANCEL);
        // node keeps a stream, and its session, for as long as it holds something to read
        stream.resume();
      },
    });
  }

  /** Node keeps `100 Continue` apart; 101 is none of HTTP/2 (RFC 9113 §8.6). */
  readonly #onInterim = (
    headers: IncomingHttpHeaders & IncomingHttpStatusHeader,
    _flags: number,
    raw: readonly string[],
  ): void => {
    const status = Number(headers[':status']);
    if (this.#over || status <= 101 || status >= 200) return;
    this.#sink.interim(status, raw.slice(2));
  };

  readonly #onHead = (
    headers: IncomingHttpHeaders & IncomingHttpStatusHeader,
    _flags: number,
    raw: readonly string[],
  ): void => {
    if (this.#over) return;
    clearTimeout(this.#timer);
    this.#headed = true;
    this.#startIdle();
    // the status is the one pseudo-header field of an answer, and stands first (RFC 9113 §8.3.2)
    this.#sink.head(Number(headers[':status']), '', raw.slice(2));
  };

  readonly #onData = (chunk: Buffer): void => {
    if (this.#over) return;
    this.#idle?.refresh();
    this.#sink.data(chunk);
  };

  readonly #onEnd = (): void => {
    if (this.#over || !this.#whole || !this.#headed) return;
    this.#finish();
    this.#sink.end(this.#trailers);
  };

  #startIdle(): void {
    if (this.#over || !this.#headed) return;
    this.#idle ??= setTimeout(() => this.#silent('the answer went silent'), this.#way.idleTimeout);
  }

  #stopIdle(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
  }

  #silent(message: string): void {
    // whether the connection is dead or the model slow cannot be told: later calls take another
    this.#opened.retire();
    this.#fail(new UpstreamError('ANSWER_TIMEOUT', message));
  }

  #fail(error: Error): void {
    if (this.#over) return;
    this.#finish();
    this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#sink.fail(error instanceof Failure ? error : upstreamFailure(error, this.#headed));
  }

  #finish(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#stopIdle();
  }
}

/**
 * Calls `ended` when END_STREAM arrives. Node ends the readable side of a stream that was reset without an error
 * (NO_ERROR, CANCEL), too; only the order tells: END_STREAM comes while the stream is not closed yet. The event `end`
 * comes later than both when the reader is paused.
 */
function noteEnd(stream: ClientHttp2Stream, ended: () => void): void {
  const push = stream.push.bind(stream);
  stream.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
    if (chunk === null && !stream.closed && !stream.destroyed) ended();
    return push(chunk, encoding);
  };
}
