/** Listens for callers: node's HTTP server with tight limits, and a drain that lets calls under way end. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createProbe, type Socket } from 'node:net';
import type { Config } from '../config.ts';
import { REASONS, type Reason } from '../reasons.ts';
import type { Gate } from './gate.ts';
import { handle } from './handle.ts';
import { problemDocument, refusalFor } from './refusal.ts';
import { refuseStranger } from './refuse.ts';
import { trustedProxies } from './source.ts';
import { answerWellKnown } from './well-known.ts';

/** Where to listen. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** Several workers share the port (SO_REUSEPORT). */
  readonly shared: boolean;
  /** The service that the listener is bound to; empty for none. */
  readonly service: string;
}

/** A listener that is open. */
export interface Listener {
  readonly port: number;
  /** Stops taking connections; resolves when all calls have ended, at the latest after `deadline` ms. */
  drain(deadline: number): Promise<void>;
}

/** The calls that are under way on this worker, over all its listeners. */
export interface ActiveCalls {
  count: number;
}

/** Resolves to an open listener. Rejects when the address cannot be bound. */
export async function listen(
  gate: Gate,
  config: Config,
  active: ActiveCalls,
  options: ListenOptions,
): Promise<Listener> {
  const { limits } = config;
  const proxies = trustedProxies(config.trusted_proxies);
  const server = createServer({
    maxHeaderSize: limits.headers,
    headersTimeout: limits.head_timeout,
    // bodies have their own clock, which begins after identify; a default here would abort long uploads
    requestTimeout: 0,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: limits.keep_alive,
    noDelay: true,
    insecureHTTPParser: false,
    requireHostHeader: false,
  });
  server.maxConnections = limits.connections;
  server.maxHeadersCount = 200;

  const onRequest = (req: IncomingMessage, res: ServerResponse): void => {
    const peer = req.socket.remoteAddress ?? '';
    if (options.service === '' && answerWellKnown(gate.epoch(), req, res)) return;
    if (gate.draining()) return refuseStranger(gate, req, res, peer, { reason: 'draining' });
    if (active.count >= limits.calls) return refuseStranger(gate, req, res, peer, { reason: 'overloaded' });
    gate.watcher.active(++active.count);
    res.once('close', () => gate.watcher.active(--active.count));
    handle(gate, req, res, { listener: options.service, peer, proxies }).catch((err: unknown) => {
      gate.log.error({ err }, 'a request failed unexpectedly');
      res.destroy();
    });
  };
  server.on('request', onRequest);
  // the answer to an expectation waits for identify (handle writes it)
  server.on('checkContinue', onRequest);
  server.on('checkExpectation', onRequest);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuseUnparsed(gate, error, socket));

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port, reusePort: options.shared, backlog: 1024 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('expected a TCP address to listen on');
  return { port: bound.port, drain: (deadline) => drain(server, deadline) };
}

/** Rejects when any process listens at the address already, one that would share it (SO_REUSEPORT) too. */
export async function refuseTaken(host: string, port: number): Promise<void> {
  const probe = createProbe();
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen({ host, port }, resolve));
  await new Promise((resolve) => probe.close(resolve));
}

function drain(server: Server, deadline: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), deadline);
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    server.close(() => {
      clearTimeout(timer);
      clearInterval(sweep);
      resolve();
    });
  });
}

/** Answers bytes that are no HTTP request: there is no request object to answer, only a socket. */
function refuseUnparsed(gate: Gate, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) return void socket.destroy();
  const reason = unparsedReason(error.code ?? '');
  gate.recorder.refused(socket.remoteAddress ?? '', reason);
  gate.watcher.refused(reason);
  const body = JSON.stringify(problemDocument(refusalFor(reason), null));
  socket.end(
    `HTTP/1.1 ${REASONS[reason].status} Refused\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function unparsedReason(code: string): Reason {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers-too-large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'body-timeout';
  return 'bad-request';
}
