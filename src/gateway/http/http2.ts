/** HTTP/2: sessions with limits of their own (docs/adr/0013-one-port.md), and their streams as calls. */

import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { Config } from '../../config.ts';
import { MAX_FIELDS } from './http1.ts';
import { ResetBudget } from './reset-budget.ts';
import { UNIX_PEER } from './source.ts';

/** A stream whose head has arrived. */
export interface Http2Arrival {
  readonly stream: ServerHttp2Stream;
  /** The head as node hands it over, pseudo-header fields included. */
  readonly rawHeaders: readonly string[];
  readonly contentType: string;
  readonly peer: string;
}

/** Takes over connections that speak HTTP/2. */
export interface Http2Front {
  take(socket: Socket): void;
  /** Tells every peer to open no more streams (GOAWAY); sessions end with their last one. */
  close(): void;
  /** Ends every session at once. */
  destroy(): void;
}

/** What may be open at once on one connection; a caller with more work opens another. */
const STREAMS = 100;
/** Bytes a peer may send ahead of our reading, per stream. */
const WINDOW = 256 * 1024;

/** Resets of any kind for each that our own limit lets pass. */
const BACKSTOP = 20;

/** Every number that decides how much work one connection can make; none is left to a library's default. */
const options = (limits: Config['limits']): ServerOptions => ({
  settings: {
    enablePush: false,
    headerTableSize: 4096,
    initialWindowSize: WINDOW,
    maxConcurrentStreams: STREAMS,
    maxFrameSize: 16_384,
    maxHeaderListSize: limits.headers,
    enableConnectProtocol: false,
  },
  maxDeflateDynamicTableSize: 4096,
  // a head within its size can still be many tiny lines
  maxHeaderListPairs: MAX_FIELDS,
  maxSendHeaderBlockLength: 256 * 1024,
  // MB of one session, frames that wait to leave included: beyond it new streams are refused
  maxSessionMemory: 32,
  maxSettings: 32,
  maxOutstandingPings: 2,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  // nghttp2 counts streams that were answered, too: far above what ours lets pass (reset-budget.ts), in case it fails
  streamResetBurst: BACKSTOP * limits.resets,
  streamResetRate: BACKSTOP * limits.resets,
  strictFieldWhitespaceValidation: true,
});

/** Returns the front for HTTP/2 connections; `onStream` takes each stream. */
export function http2Front(limits: Config['limits'], onStream: (arrival: Http2Arrival) => void): Http2Front {
  const server = createServer(options(limits));
  const sessions = new Map<ServerHttp2Session, () => void>();
  let taking: Socket | null = null;
  server.on('session', (session) => {
    sessions.set(session, tend(session, taking, limits, onStream));
    session.once('close', () => sessions.delete(session));
  });
  // errors of one session end that session; node tells them here as well
  server.on('sessionError', () => {});
  return {
    take(socket) {
      // the listener is node's HTTP server, whose sockets stay open when their peer has ended: with HTTP/2 nobody does that
      socket.allowHalfOpen = false;
      taking = socket;
      server.emit('connection', socket);
      taking = null;
    },
    close: () => sessions.forEach((close) => close()),
    destroy: () => sessions.forEach((_close, session) => session.destroy()),
  };
}

/**
 * Hands on the streams of a session and ends it when it is idle: pings do not keep it alive, calls do. Returns what ends
 * it with its last stream. Node waits for a peer to close its side, and reads nothing any more behind its GOAWAY: a peer
 * who says that and stays, or is gone without a word, would hold the connection for good.
 */
function tend(
  session: ServerHttp2Session,
  socket: Socket | null,
  limits: Config['limits'],
  onStream: (arrival: Http2Arrival) => void,
): () => void {
  const peer = session.socket.remoteAddress ?? UNIX_PEER;
  const budget = new ResetBudget(limits.resets);
  const open = new Set<ServerHttp2Stream>();
  let called = false;
  const letGo = (): void => {
    setTimeout(() => {
      // closed for both sides, but not for node while something is unread
      for (const stream of open) if (stream.closed) stream.destroy();
    }, GOAWAY_MS).unref();
    // the end of an answer may still wait for its caller
    const patience = called ? Math.max(GOAWAY_MS, limits.stall_timeout) : GOAWAY_MS;
    setTimeout(() => {
      if (open.size > 0) return;
      session.destroy();
      socket?.destroy();
    }, patience).unref();
  };
  const close = (): void => {
    session.close();
    if (open.size === 0) letGo();
  };
  let timer = setTimeout(close, limits.head_timeout).unref();
  session.on('error', () => session.destroy());
  session.on('goaway', letGo);
  session.once('close', () => clearTimeout(timer));
  session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
    clearTimeout(timer);
    called = true;
    open.add(stream);
    stream.on('error', () => {});
    stream.once('close', () => {
      open.delete(stream);
      if (stream.headersSent) budget.answered();
      else if (!session.destroyed && !budget.reset(performance.now()))
        session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
      if (open.size > 0) return;
      if (session.closed) letGo();
      else timer = setTimeout(close, limits.keep_alive).unref();
    });
    onStream({ stream, rawHeaders: raw, contentType: headers['content-type'] ?? '', peer });
  });
  return close;
}

/** How long a peer has to close its side of a session that is over, ms. */
const GOAWAY_MS = 1_000;

/** Ends a stream whose peer broke the protocol. */
export const refuseStream = (stream: ServerHttp2Stream): void => stream.close(constants.NGHTTP2_PROTOCOL_ERROR);
