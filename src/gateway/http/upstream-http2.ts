/** HTTP/2 connections to one upstream: a few sessions, and streams on the one that has room. Nothing is retried. */

import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { UpstreamAddress } from '../../address.ts';
import { UpstreamError } from '../upstream-failure.ts';
import type { UpstreamTls } from '../upstream-tls.ts';

/** How sessions are opened. */
export interface SessionOptions {
  readonly address: UpstreamAddress;
  /** The most sessions at once. */
  readonly connections: number;
  /** Milliseconds. */
  readonly connectTimeout: number;
  readonly lookup: LookupFunction;
  readonly tls: UpstreamTls;
}

/** A stream that was opened, and how to tell that its connection answers no more. */
export interface OpenedStream {
  readonly stream: ClientHttp2Stream;
  /** No further stream goes the same way; those that are open end as they will. */
  retire(): void;
}

/** What an upstream may have open on one session before it says how much (RFC 9113 §6.5.2 advises 100). */
const STREAMS = 100;
/** Bytes an upstream may send ahead of our reading, per stream; what a caller that does not read costs us. */
const WINDOW = 256 * 1024;
/** Bytes an upstream may send ahead over all streams of a session: callers that do not read must not stop the others. */
const SESSION_WINDOW = 32 * 1024 ** 2;
/** Milliseconds without a stream after which a session is closed. */
const IDLE = 30_000;
/** Milliseconds for the last frames of a session to leave. */
const LAST_WORDS = 100;
/** How a peer that is gone is found while a stream is silent, ms; gRPC servers end sessions that ping within five minutes (gRFC A8). */
const KEEP_ALIVE = 30_000;
const PING = 5 * 60_000 + 10_000;
const PING_TIMEOUT = 20_000;

interface Session {
  readonly http2: ClientHttp2Session;
  readonly socket: Socket;
  open: number;
  idle: NodeJS.Timeout | undefined;
  ping: NodeJS.Timeout | undefined;
}

/** The sessions to one upstream. */
export class Http2Sessions {
  readonly #options: SessionOptions;
  /** Those that take streams. */
  readonly #ready = new Set<Session>();
  readonly #all = new Set<Session>();

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Opens a stream with this head: name, value, …, pseudo-header fields first. Throws when the head may not be written. */
  request(head: readonly string[], endStream: boolean): OpenedStream {
    const session = this.#pick();
    const stream = session.http2.request([...head], { endStream });
    clearTimeout(session.idle);
    session.open++;
    session.ping ??= setInterval(() => ping(session.http2), PING).unref();
    stream.once('close', () => {
      if (--session.open > 0) return;
      clearInterval(session.ping);
      session.ping = undefined;
      if (this.#ready.has(session)) session.idle = setTimeout(() => this.#retire(session), IDLE).unref();
      else end(session);
    });
    return { stream, retire: () => this.#retire(session) };
  }

  /** Resolves when the streams that are open have ended. */
  async close(): Promise<void> {
    const ends = [...this.#all].map(({ http2 }) => new Promise<void>((resolve) => http2.once('close', resolve)));
    for (const session of this.#ready) this.#retire(session);
    await Promise.all(ends);
  }

  #pick(): Session {
    let least: Session | null = null;
    for (const session of this.#ready) {
      if (session.open < (session.http2.remoteSettings.maxConcurrentStreams ?? STREAMS)) return session;
      if (least === null || session.open < least.open) least = session;
    }
    // beyond what the peer takes at once, streams wait their turn within node
    if (least !== null && this.#ready.size >= this.#options.connections) return least;
    return this.#open();
  }

  #open(): Session {
    const { address, connectTimeout } = this.#options;
    const socket = dial(this.#options);
    const http2 = connectHttp2(address.origin, {
      createConnection: () => socket,
      peerMaxConcurrentStreams: STREAMS,
      maxSessionMemory: 64,
      maxHeaderListPairs: 1_000,
      maxSendHeaderBlockLength: 256 * 1024,
      maxSettings: 32,
      maxOutstandingPings: 2,
      maxReservedRemoteStreams: 0,
      maxDeflateDynamicTableSize: 4096,
      settings: {
        enablePush: false,
        headerTableSize: 4096,
        initialWindowSize: WINDOW,
        maxConcurrentStreams: 0,
        maxHeaderListSize: 64 * 1024,
      },
    });
    const session: Session = { http2, socket, open: 0, idle: undefined, ping: undefined };
    this.#ready.add(session);
    this.#all.add(session);
    const timer = setTimeout(
      () => http2.destroy(new UpstreamError('CONNECT_TIMEOUT', 'the connection did not open in time')),
      connectTimeout,
    );
    http2.once('connect', () => {
      clearTimeout(timer);
      http2.setLocalWindowSize(SESSION_WINDOW);
      socket.setKeepAlive(true, KEEP_ALIVE);
    });
    http2.on('goaway', () => this.#retire(session));
    // streams hear of it themselves
    http2.on('error', () => this.#retire(session));
    http2.once('close', () => {
      clearTimeout(timer);
      clearTimeout(session.idle);
      clearInterval(session.ping);
      this.#ready.delete(session);
      this.#all.delete(session);
    });
    return session;
  }

  #retire(session: Session): void {
    clearTimeout(session.idle);
    this.#ready.delete(session);
    if (!session.http2.destroyed) session.http2.close();
    end(session);
  }
}

/** Ends a session that is closed and has no streams: node would wait until its peer ends the connection too. */
function end({ socket, open }: Session): void {
  if (open === 0) setTimeout(() => socket.destroy(), LAST_WORDS).unref();
}

/** Ends a session whose peer does not answer any more. */
function ping(http2: ClientHttp2Session): void {
  if (http2.connecting || http2.destroyed) return;
  const timer = setTimeout(() => http2.destroy(new UpstreamError('BROKE_OFF', 'no answer to a ping')), PING_TIMEOUT);
  http2.ping(() => clearTimeout(timer));
}

function dial({ address, lookup, tls }: SessionOptions): Socket {
  if (address.socketPath !== null) return connectTcp({ path: address.socketPath });
  const { hostname: host, port } = address;
  if (!address.secure) return connectTcp({ host, port, lookup, noDelay: true });
  const socket = connectTls({
    host,
    port,
    lookup,
    servername: address.servername,
    ...tls,
    ALPNProtocols: ['h2'],
    minVersion: 'TLSv1.2',
  });
  socket.setNoDelay(true);
  socket.once('secureConnect', () => {
    if (socket.alpnProtocol !== 'h2') socket.destroy(new UpstreamError('NO_HTTP2', 'the upstream speaks no HTTP/2'));
  });
  return socket;
}
