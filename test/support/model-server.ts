/**
 * A scripted model server for tests: it does exactly what a script says, byte for byte and pause for pause, and keeps
 * every request as it arrived. What it can say in the protocols' words stands in model-answers.ts.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { standardAnswer } from './model-answers.ts';

/** One thing that the server does while it answers, in order. */
export type Step =
  /** One write of body bytes; text is UTF-8. */
  | { readonly send: Buffer | string }
  /** A pause of so many milliseconds. */
  | { readonly wait: number }
  /** A pause until the test says go on. */
  | { readonly until: Promise<unknown> }
  /** The connection is destroyed: the answer ends in the middle. */
  | { readonly cut: true };

/** An answer, as the server will write it. */
export interface Answer {
  readonly status: number;
  /** Field lines as they go out: name, value, name, value. Without Content-Length the body is chunked. */
  readonly headers: readonly string[];
  readonly steps: readonly Step[];
  /** Trailer field lines: name, value, … */
  readonly trailers?: readonly string[];
  /** `raw`: the steps are everything that goes on the connection, status line included; for answers that are wrong. */
  readonly framing?: 'http' | 'raw';
}

/** A request as it arrived. */
export interface SeenRequest {
  readonly method: string;
  /** The request target as it came. */
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly rawTrailers: readonly string[];
  readonly body: Buffer;
  /** Milliseconds of `performance.now()` when the head had arrived. */
  readonly arrivedAt: number;
  /** `open` while the answer is under way; `aborted` when the client left before its end. */
  readonly state: 'open' | 'answered' | 'aborted';
  /** Milliseconds of `performance.now()` when the answer ended or the client left; null while open. */
  readonly endedAt: number | null;
  /** Returns the body as JSON; throws when it is none. */
  json(): unknown;
  /** Returns the value of the only field line with this name, compared without case; undefined when there is none. */
  header(name: string): string | undefined;
}

/** Decides how one request is answered. */
export type Script = (request: SeenRequest) => Answer | Promise<Answer>;

/** A running model server. */
export interface ModelServer {
  /** Origin, for example `http://127.0.0.1:41234`. */
  readonly url: string;
  /** Every request whose body arrived whole or whose client left, in the order of arrival. */
  readonly requests: readonly SeenRequest[];
  /** Answers the next requests with these, one each; after them the usual script goes on. */
  next(...answers: readonly (Answer | Script)[]): void;
  /** Answers every request by this script from now on. */
  always(script: Script): void;
  /** Resolves with the request of this index (from 0) once it is in `requests`. */
  seen(index: number): Promise<SeenRequest>;
  /** Resolves when the request is no longer open. */
  ended(request: SeenRequest): Promise<void>;
  /** Ends open answers and stops listening. */
  close(): Promise<void>;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Returns a model server on a free port of 127.0.0.1; it answers as model-answers.ts does until told otherwise. */
export async function startModelServer(script: Script = standardAnswer): Promise<ModelServer> {
  const requests: SeenRequest[] = [];
  const queue: (Answer | Script)[] = [];
  const changed = new EventTarget();
  const tell = (): void => void changed.dispatchEvent(new Event('change'));
  let usual = script;

  const when = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await once(changed, 'change');
  };

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await receive(incoming, response, tell);
    requests.push(request);
    tell();
    if (request.state !== 'open') return;
    const next = queue.shift() ?? usual;
    await perform(typeof next === 'function' ? await next(request) : next, response);
  };

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  // Tests decide about pauses, so the server's own time-outs stay out of the way.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address');

  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    next: (...answers) => void queue.push(...answers),
    always(other) {
      usual = other;
    },
    async seen(index) {
      await when(() => requests.length > index);
      return requests[index]!;
    },
    ended: (request) => when(() => request.state !== 'open'),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Reads a request whole and watches how it ends. */
async function receive(incoming: IncomingMessage, response: ServerResponse, tell: () => void): Promise<SeenRequest> {
  const chunks: Buffer[] = [];
  const request: Mutable<SeenRequest> = {
    method: incoming.method ?? '',
    target: incoming.url ?? '',
    rawHeaders: incoming.rawHeaders,
    rawTrailers: [],
    body: Buffer.alloc(0),
    arrivedAt: performance.now(),
    state: 'open',
    endedAt: null,
    json: () => JSON.parse(request.body.toString()) as unknown,
    header: (name) => headerOf(incoming.rawHeaders, name),
  };
  const end = (state: 'answered' | 'aborted'): void => {
    if (request.state !== 'open') return;
    request.state = state;
    request.endedAt = performance.now();
    tell();
  };
  response.on('finish', () => end('answered'));
  response.on('close', () => end(response.writableFinished ? 'answered' : 'aborted'));
  response.on('error', () => end('aborted'));
  try {
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(incoming, 'end');
  } catch {
    end('aborted');
  }
  request.body = Buffer.concat(chunks);
  request.rawTrailers = incoming.rawTrailers;
  return request;
}

function headerOf(rawHeaders: readonly string[], name: string): string | undefined {
  const values = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name.toLowerCase());
  if (values.length > 1) throw new Error(`${values.length} field lines are named ${name}; read rawHeaders`);
  return values[0];
}

/** Writes an answer step by step; stops quietly when the client has left. */
async function perform(answer: Answer, response: ServerResponse): Promise<void> {
  const { socket } = response;
  if (socket === null) return;
  socket.setNoDelay(true);
  const raw = answer.framing === 'raw';
  if (!raw) {
    // Node adds a Date where the script wrote none.
    response.sendDate = headerOf(answer.headers, 'date') === undefined;
    response.writeHead(answer.status, [...answer.headers, ...announced(answer)]);
    response.flushHeaders();
  }
  for (const step of answer.steps) {
    if (response.destroyed || socket.destroyed) return;
    if ('cut' in step) return void socket.destroy();
    if ('wait' in step) await sleep(step.wait);
    if ('until' in step) await step.until;
    if ('send' in step) (raw ? socket : response).write(step.send);
  }
  if (raw) return void socket.end();
  if (answer.trailers !== undefined) response.addTrailers(pairs(answer.trailers));
  response.end();
}

/** Node sends trailers only when `Trailer` announces them (RFC 9110 §6.6.2). */
const announced = ({ trailers = [] }: Answer): readonly string[] =>
  trailers.length === 0 ? [] : ['Trailer', trailers.filter((_, i) => i % 2 === 0).join(', ')];

const pairs = (fields: readonly string[]): [string, string][] =>
  fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1] ?? '']] : []));
