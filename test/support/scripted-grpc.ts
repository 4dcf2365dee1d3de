/** A gRPC server that a test scripts frame by frame: what no well-behaved server does. */

import { once } from 'node:events';
import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { frameOf } from '../../src/protocol/grpc/grpc.ts';

/** What the server does with one call. */
export type Script = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** The server. */
export interface ScriptedServer {
  readonly port: number;
  /** HTTP/2 connections so far, those that have ended too. */
  readonly sessions: ServerHttp2Session[];
  /** Error codes that calls were reset with by the other side, in order; 0 for calls that ended by themselves. */
  readonly resets: number[];
  /** What the next calls meet. */
  next(script: Script): void;
  close(): Promise<void>;
}

/** Sends the head of an answer. */
export const head = (stream: ServerHttp2Stream): void =>
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });

/** Sends trailers once the body has ended. */
export const trailers = (stream: ServerHttp2Stream, fields: Readonly<Record<string, string>>): void => {
  stream.on('wantTrailers', () => stream.sendTrailers(fields));
  stream.end();
};

/** Answers with one empty message and OK. */
export const fine: Script = (stream) => {
  head(stream);
  stream.write(frameOf(new Uint8Array(0)));
  trailers(stream, { 'grpc-status': '0' });
};

/** Starts the server on a free port of 127.0.0.1. */
export async function startScripted(): Promise<ScriptedServer> {
  let script: Script = fine;
  const sessions: ServerHttp2Session[] = [];
  const resets: number[] = [];
  const server: Http2Server = createServer();
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {});
    stream.on('close', () => resets.push(stream.rstCode ?? 0));
    script(stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    sessions,
    resets,
    next(other) {
      script = other;
    },
    async close() {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
