/** The demo's model server: aimock, speaking the OpenAI API with the cadence of a real one, and what passed through it. */

import { subscribe } from 'node:diagnostics_channel';
import { IncomingMessage, ServerResponse } from 'node:http';
import { LLMock } from '@copilotkit/aimock';

/** A call that reached the model server, as it was seen there. */
export interface ModelCall {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** What it wrote, with milliseconds of `performance.now()`. */
  readonly writes: { readonly at: number; readonly text: string }[];
}

/** A running model server. */
export interface Model {
  /** Its origin. */
  readonly url: string;
  /** Every call for an answer that reached it, in order. */
  readonly calls: readonly ModelCall[];
  close(): Promise<void>;
}

/** Split so that scanners of source code do not take these for real; they are made up. */
const GITHUB_TOKEN = ['ghp', '16C7e42F292c6912E7710c838347Ae178B4a'].join('_');

/** What the model says when it is asked about Maria, and the three parts of it that nobody should see. */
export const SECRETS = ['maria.lindqvist@example.com', '4111 1111 1111 1111', GITHUB_TOKEN] as const;
const ABOUT_MARIA =
  `Maria Lindqvist is your contact. Write to ${SECRETS[0]}, charge her card ${SECRETS[1]}, ` +
  `and push with the token ${SECRETS[2]} until Friday.`;

/** 40 tokens a second, the first after 150 ms, none quite on the beat. */
const CADENCE = { ttft: 150, tps: 40, jitter: 0.3 };
const CHARACTERS_PER_CHUNK = 6;

/** Starts the model server on a free port. */
export async function startModel(): Promise<Model> {
  const mock = new LLMock({ port: 0, host: '127.0.0.1' });
  const how = { chunkSize: CHARACTERS_PER_CHUNK, streamingProfile: CADENCE };
  mock.onMessage(/Maria/, { content: ABOUT_MARIA }, how);
  mock.onMessage(/novel/, { content: 'It was a dark and stormy night; the build was green.' }, how);
  mock.on({}, { content: 'A gateway stands between callers and models, and lets only the right calls pass.' }, how);
  const url = await mock.start();
  const calls: ModelCall[] = [];
  tap(new URL(url).port, calls);
  return { url, calls, close: () => mock.stop() };
}

/** Notes every POST that arrives at `port` of this process, and what is written in answer, as it happens. */
function tap(port: string, calls: ModelCall[]): void {
  subscribe('http.server.request.start', (message) => {
    const exchange = exchangeOf(message);
    if (exchange === null) return;
    const [request, response] = exchange;
    if (String(request.socket.localPort) !== port || request.method !== 'POST') return;
    const writes: ModelCall['writes'] = [];
    calls.push({ headers: request.headers, writes });
    const write = response.write.bind(response);
    response.write = (chunk: Buffer | string, ...rest: []) => {
      writes.push({ at: performance.now(), text: chunk.toString() });
      return write(chunk, ...rest);
    };
  });
}

/** Returns what Node publishes on its channel for servers: the request and its response. */
function exchangeOf(message: unknown): readonly [IncomingMessage, ServerResponse] | null {
  if (typeof message !== 'object' || message === null || !('request' in message) || !('response' in message))
    return null;
  const { request, response } = message;
  return request instanceof IncomingMessage && response instanceof ServerResponse ? [request, response] : null;
}
