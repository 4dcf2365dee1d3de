/** Listens for callers: one port for every version of HTTP, with tight limits, and a drain that lets calls under way end. */

import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createProbe, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket, TlsOptions } from 'node:tls';
import type { Config } from '../../config.ts';
import { type ActiveCalls, createArrivals } from './arrive.ts';
import { lookAtFirstBytes } from './front-door.ts';
import type { TlsMaterial } from '../../config/tls-material.ts';
import type { Gate } from '../gate.ts';
import { IdleConnections } from './idle-connections.ts';
import {
  answerUnderWay,
  http1Options,
  type Http1Request,
  type Http1Response,
  inTurn,
  MAX_FIELDS,
  refuseConnection,
  refuseUnparsed,
} from './http1.ts';
import { http2Front } from './http2.ts';
import { UpgradeResponse } from '../websocket/upgrade.ts';
import { UNIX_PEER } from './source.ts';
import { freeSocketPath } from './unix-socket.ts';

/** Where to listen. */
export interface ListenOptions {
  readonly at: TcpPlace | UnixPlace;
  /** The service that the listener is bound to; empty for none. */
  readonly service: string;
  /** Null for plain text. */
  readonly tls: ListenerKeys | null;
}

/** An address that callers reach by the network. */
interface TcpPlace {
  readonly kind: 'tcp';
  readonly host: string;
  readonly port: number;
  /** Several workers share the port (SO_REUSEPORT). */
  readonly shared: boolean;
}

/** A socket in the file system: whoever may write to it may connect. */
interface UnixPlace {
  readonly kind: 'unix';
  readonly path: string;
}

/** What a listener proves itself with. With `ca`, callers must present a certificate of theirs. */
export type ListenerKeys = TlsMaterial;

/** A listener that is open. */
export interface Listener {
  /** 0 for a Unix socket. */
  readonly port: number;
  /** Takes other keys for connections from now on; those that are open go on. Only where the listener has some. */
  renew(keys: ListenerKeys): void;
  /** Stops taking connections; resolves when all calls have ended, at the latest after `deadline` ms. */
  drain(deadline: number): Promise<void>;
}

/** Resolves to an open listener. Rejects when the address cannot be bound. */
export async function listen(
  gate: Gate,
  config: Config,
  active: ActiveCalls,
  options: ListenOptions,
): Promise<Listener> {
  const { limits } = config;
  const arrivals = createArrivals(gate, config, active, options.service);
  const { server, renew } = createServer(limits, options.tls);
  const idle = idleConnections(limits);
  const onRequest = (req: Http1Request, res: Http1Response): void =>
    inTurn(req, res, () => arrivals.request(req, res, req.socket.remoteAddress ?? UNIX_PEER));
  server.on('request', onRequest);
  // the answer to an expectation waits for identify (handle writes it)
  server.on('checkContinue', onRequest);
  server.on('checkExpectation', onRequest);
  server.on('upgrade', (req: Http1Request, socket: Socket, head: Buffer) => {
    req.upgraded = true;
    idle.forget(socket);
    arrivals.request(req, new UpgradeResponse(req, socket, head), socket.remoteAddress ?? UNIX_PEER);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuseUnparsed(gate, error, socket));
  server.on('connect', (_req: Http1Request, socket: Duplex) => refuseTunnel(gate, socket));
  server.on('drop', () => countRefusal(gate, '', 'overloaded'));

  const http2 = http2Front(limits, arrivals.stream);
  const sockets = new Set<Socket>();
  const place: Place = { gate, limits, server, sockets, idle, http2: (socket) => http2.take(socket) };
  if (options.tls === null) openPlain(place);
  else openSecure(place);

  const port = await bind(server, options.at);
  const sweep = setInterval(() => idle.sweep(performance.now()), SWEEP_MS).unref();
  return {
    port,
    renew,
    async drain(deadline) {
      http2.close();
      await drain(server, deadline, () => {
        http2.destroy();
        for (const socket of sockets) socket.destroy();
      });
      clearInterval(sweep);
    },
  };
}

/** Rejects when any process listens at the address already, one that would share it (SO_REUSEPORT) too. */
export async function refuseTaken(host: string, port: number): Promise<void> {
  const probe = createProbe();
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen({ host, port }, resolve));
  await new Promise((resolve) => probe.close(resolve));
}

/** Resolves to the port; 0 for a Unix socket. */
async function bind(server: HttpServer, at: ListenOptions['at']): Promise<number> {
  if (at.kind === 'unix') await freeSocketPath(at.path);
  const where = at.kind === 'unix' ? { path: at.path } : { host: at.host, port: at.port, reusePort: at.shared };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...where, backlog: 1024 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const bound = server.address();
  return bound === null || typeof bound === 'string' ? 0 : bound.port;
}

type HttpServer = Server<typeof Http1Request, typeof Http1Response>;

/** What connections of one listener come to. */
interface Place {
  readonly gate: Gate;
  readonly limits: Config['limits'];
  readonly server: HttpServer;
  /** Every open connection. */
  readonly sockets: Set<Socket>;
  readonly idle: IdleConnections;
  readonly http2: (socket: Socket) => void;
}

/** How often idle connections are looked for, ms. */
const SWEEP_MS = 1_000;

/** A head may begin in the last moment, and node's own clocks come first. */
const idleConnections = ({ head_timeout: head, keep_alive: keep }: Config['limits']): IdleConnections =>
  new IdleConnections(
    { fresh: head + SWEEP_MS, kept: keep + head + SWEEP_MS },
    (socket) => answerUnderWay(socket) !== null,
  );

/** Connections beyond the limit that are still told why; those beyond are dropped. */
const TOLD = 256;

function openPlain({ gate, limits, server, sockets, idle, http2 }: Place): void {
  const http1 = watched(idle, takeConnections(server, 'connection'));
  const silent = (socket: Socket): void => refuseConnection(gate, socket, 'head-timeout');
  const doors = { http1, http2, silent, timeout: limits.head_timeout };
  server.maxConnections = limits.connections + TOLD;
  server.on('connection', (socket: Socket) => {
    if (sockets.size >= limits.connections) return refuseFull(gate, socket);
    keep(sockets, socket);
    lookAtFirstBytes(socket, doors);
  });
}

function openSecure({ gate, limits, server, sockets, idle, http2 }: Place): void {
  const http1 = watched(idle, takeConnections(server, 'secureConnection'));
  server.maxConnections = limits.connections;
  server.on('connection', (socket: Socket) => keep(sockets, socket));
  server.on('secureConnection', (socket: TLSSocket) => (socket.alpnProtocol === 'h2' ? http2(socket) : http1(socket)));
  server.on('tlsClientError', (_error: Error, socket: TLSSocket) => {
    countRefusal(gate, socket.remoteAddress ?? UNIX_PEER, 'bad-request');
    socket.destroy();
  });
}

const watched =
  (idle: IdleConnections, give: (socket: Socket) => void) =>
  (socket: Socket): void => {
    idle.watch(socket, performance.now());
    give(socket);
  };

function keep(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
}

function countRefusal(gate: Gate, source: string, reason: 'bad-request' | 'overloaded'): void {
  gate.recorder.refused(source, reason);
  gate.watcher.refused(reason);
}

function createServer(
  limits: Config['limits'],
  keys: ListenerKeys | null,
): Pick<Listener, 'renew'> & { server: HttpServer } {
  if (keys === null) {
    const server = createHttpServer(http1Options(limits));
    server.maxHeadersCount = MAX_FIELDS;
    return { server, renew: () => {} };
  }
  const server = createHttpsServer({ ...http1Options(limits), ...tlsOptions(limits, keys) });
  server.maxHeadersCount = MAX_FIELDS;
  return { server, renew: (next) => server.setSecureContext(tlsOptions(limits, next)) };
}

/** RFC 9113 §9.2: TLS 1.2 at least, and the version of HTTP by ALPN. */
const tlsOptions = (limits: Config['limits'], keys: ListenerKeys): TlsOptions => ({
  ...keys,
  ALPNProtocols: ['h2', 'http/1.1'],
  minVersion: 'TLSv1.2',
  handshakeTimeout: limits.head_timeout,
  ...(keys.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true }),
});

/**
 * Takes the connections away from node's HTTP server and returns what gives it one. The server keeps what it does
 * besides: listening, the clock over heads, closing.
 */
function takeConnections(server: HttpServer, event: 'connection' | 'secureConnection'): (socket: Socket) => void {
  const [give, ...others] = server.listeners(event);
  if (give === undefined || others.length > 0) throw new Error(`expected node to listen to ${event} once`);
  server.removeAllListeners(event);
  return (socket) => {
    give.call(server, socket);
  };
}

/** CONNECT asks for a tunnel, and node gives it a socket instead of an answer. */
function refuseTunnel(gate: Gate, socket: Duplex): void {
  if (!(socket instanceof Socket)) return void socket.destroy();
  socket.on('error', () => {});
  refuseConnection(gate, socket, 'bad-request');
}

/** Tells one caller too many why, without reading a byte. */
function refuseFull(gate: Gate, socket: Socket): void {
  socket.on('error', () => {});
  refuseConnection(gate, socket, 'overloaded');
}

function drain(server: HttpServer, deadline: number, destroy: () => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(destroy, deadline);
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    server.close(() => {
      clearTimeout(timer);
      clearInterval(sweep);
      resolve();
    });
  });
}
