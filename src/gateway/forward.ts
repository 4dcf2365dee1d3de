/** Sends the inspected bytes upstream and hands what comes back, as it comes, to a sink. One attempt; nothing is retried. */

import type { Dispatcher } from 'undici';
import type { CanonicalRequest } from '../call.ts';
import { Failure } from '../reasons.ts';
import { fieldValue, replaceFields, requestFields } from './http/fields.ts';
import { forwardHttp2 } from './http/forward-http2.ts';
import { upstreamFailure } from './upstream-failure.ts';
import type { Upstream } from './upstream.ts';

/** Takes one answer as it arrives. */
export interface AnswerSink {
  /** A head ahead of that of the answer (RFC 9110 §15.2), neither 100 nor 101. Not called after `head`. */
  interim(status: number, rawHeaders: readonly string[]): void;
  /** The head of the answer. Called once. */
  head(status: number, statusText: string, rawHeaders: readonly string[]): void;
  data(chunk: Buffer): void;
  /** The answer ended as it should. Called at most once, and not after `fail`. */
  end(rawTrailers: readonly string[]): void;
  /** The answer will not end as it should. Called at most once, and not after `end`. */
  fail(failure: Failure): void;
  /** Tells whom to hold and to let go when the caller reads slower than the upstream writes. */
  flow(control: Flow): void;
}

/** The reins of one upstream answer. */
export interface Flow {
  pause(): void;
  resume(): void;
  /** Ends the upstream call; the sink hears nothing more. */
  abort(): void;
}

/** What goes upstream. */
export interface Outgoing {
  readonly request: CanonicalRequest;
  /** Null for a request without a body. */
  readonly body: Buffer | null;
  /** Field lines that stand in place of the caller's lines with these names: name, value, name, value. */
  readonly fields: readonly string[];
  /** Ask for an uncoded answer, because it will be read. */
  readonly identity: boolean;
}

/** Starts the call upstream. Never throws: what goes wrong reaches `sink.fail`. */
export function forward(upstream: Upstream, outgoing: Outgoing, sink: AnswerSink): void {
  const { request, body } = outgoing;
  const { method } = request;
  const mounted = upstream.mount + request.path;
  const path = request.query === '' ? mounted : `${mounted}?${request.query}`;
  try {
    const headers = requestFields(
      replaceFields(request.rawHeaders, outgoing.fields),
      upstream.fields,
      body === null ? null : body.length,
      outgoing.identity,
    );
    if (upstream.signing !== null) headers.push(...signature(upstream, outgoing, mounted, headers));
    if (upstream.http2 !== null) forwardHttp2(upstream.http2, { method, path, fields: headers, body }, sink);
    else upstream.pool.dispatch({ method, path, headers, body }, new Arrival(sink));
  } catch (cause) {
    sink.fail(new Failure('internal', 'the request could not be written for the upstream', { cause }));
  }
}

/** Returns the field lines that sign what is sent. */
function signature({ signing, fields }: Upstream, { request, body }: Outgoing, path: string, sent: string[]): string[] {
  const { method, query } = request;
  const signable = { method, path, query, host: fields.host, contentType: fieldValue(sent, 'content-type'), body };
  return signing?.sign(signable) ?? [];
}

/** Translates undici's events into the sink's. */
class Arrival implements Dispatcher.DispatchHandler {
  readonly #sink: AnswerSink;
  #headed = false;
  #over = false;

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#sink.flow({
      pause: () => controller.pause(),
      resume: () => controller.resume(),
      abort: () => {
        this.#over = true;
        controller.abort(ABORTED);
      },
    });
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    statusText?: string,
  ): void {
    if (this.#over) return;
    if (status < 200) return this.#sink.interim(status, rawStrings(controller.rawHeaders));
    this.#headed = true;
    this.#sink.head(status, statusText ?? '', rawStrings(controller.rawHeaders));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#over) this.#sink.data(chunk);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink.end(rawStrings(controller.rawTrailers));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink.fail(upstreamFailure(error, this.#headed));
  }
}

const ABORTED = new Error('the gateway ended the upstream call');

/** HTTP/1 field lines are octets; latin1 keeps each of them (RFC 9110 §5.5). */
function rawStrings(raw: unknown): readonly string[] {
  if (!Array.isArray(raw)) return [];
  return raw.map((item: Buffer | string) => (typeof item === 'string' ? item : item.toString('latin1')));
}
