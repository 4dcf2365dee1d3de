/** HTTP/1.1: node's server with tight limits, and what an answer needs beyond node's own. */

import { IncomingMessage, type ServerOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Config } from '../../config.ts';
import { REASONS, type Reason } from '../../reasons.ts';
import { BREAK_OFF_MS, type CallRequest, type CallResponse } from './exchange.ts';
import type { Gate } from '../gate.ts';
import { problemDocument, refusalFor } from '../refusal.ts';
import { UNIX_PEER } from './source.ts';

/** Field lines of a head, the same bound for both versions of HTTP. */
export const MAX_FIELDS = 200;

/** Returns the options of a server for HTTP/1.1. */
export function http1Options(limits: Config['limits']): ServerOptions<typeof Http1Request, typeof Http1Response> {
  return {
    IncomingMessage: Http1Request,
    ServerResponse: Http1Response,
    maxHeaderSize: limits.headers,
    headersTimeout: limits.head_timeout,
    // bodies have their own clock, which begins after identify; a default here would abort long uploads
    requestTimeout: 0,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: limits.keep_alive,
    noDelay: true,
    insecureHTTPParser: false,
    // any other upgrade is refused by its head
    shouldUpgradeCallback: ({ method, headers }) => method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket',
    requireHostHeader: false,
  };
}

/** One HTTP/1.1 request. */
export class Http1Request extends IncomingMessage implements CallRequest {
  malformed = false;
  upgraded = false;

  /** A short body comes with its head: taking it so needs no listeners and no clock. */
  takeWhole(): Buffer | null {
    if (!this.complete || this.readableFlowing !== null) return null;
    const pieces: Buffer[] = [];
    // node hands out what came in pieces piece by piece
    if (this.readableLength > 0) for (let piece = this.read(); piece !== null; piece = this.read()) pieces.push(piece);
    const [first] = pieces;
    if (first === undefined) return null;
    return pieces.length === 1 ? first : Buffer.concat(pieces);
  }

  /** Tells the reader of the body that it cannot be read on. */
  breakBody(): void {
    this.malformed = true;
    this.emit('malformed');
  }
}

/** The answer to one HTTP/1.1 request. */
export class Http1Response extends ServerResponse<Http1Request> implements CallResponse {
  get restUnread(): boolean {
    const { complete, headers } = this.req;
    return !complete && (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0);
  }

  writeInterim(status: number, fields: readonly string[]): void {
    if (!this.headersSent && !this.destroyed) this.writeInformation(status, fields);
  }

  dropRest(): readonly string[] {
    lingerOnClose(this.req);
    return ['Connection', 'close'];
  }

  breakOff(): void {
    const { socket } = this;
    if (socket === null) return void this.destroy();
    // node writes a head and what is written with it on the next tick; ended before, the socket loses both
    process.nextTick(() => socket.destroySoon());
    setTimeout(() => socket.destroy(), BREAK_OFF_MS).unref();
  }
}

/** The most that is thrown away, unlooked at, so that a refused sender can read why. */
const LINGER_BYTES = 1024 ** 2;
const LINGER_MS = 2_000;

/**
 * Lets a refused sender read the refusal: closing a socket with unread bytes makes the kernel send RST, which can
 * discard what was written. So the sending side ends, what still comes is dropped, and both bounds end it.
 */
function lingerOnClose(req: Http1Request): void {
  const { socket } = req;
  socket.destroySoon = () => {
    socket.end();
    let left = LINGER_BYTES;
    // on the request, not on the socket, which node's parser reads by itself; who paused it would not see the sender go
    req.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) socket.destroy();
    });
    req.resume();
    socket.resume();
    socket.once('end', () => socket.destroy());
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  };
}

/** Ends what node could not read on: the body of a call, the head of a request, or bytes behind a whole request. */
export function refuseUnparsed(gate: Gate, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const answer = answerUnderWay(socket);
  // a sender who ended in the middle of a body has left
  if (answer !== null && error.code === 'HPE_INVALID_EOF_STATE') return void socket.destroy();
  if (answer === null) return refuseConnection(gate, socket, unparsedReason(error.code ?? ''));
  // the call it belongs to ends with its own reason, on record
  if (!answer.req.complete) return answer.req.breakBody();
  // RFC 9112 §9.6: what follows a request that closes is ignored
  if (error.code === 'HPE_CLOSED_CONNECTION') return;
  // an answer now would be taken for the one to the call under way
  socket.destroy();
}

/** Requests that may wait on one connection for the answer ahead of them. */
const PIPELINED = 8;
const waiting = new WeakMap<Socket, number>();

/**
 * Calls `go` when it is this request's turn: one call at a time on a connection (RFC 9112 §9.3.2), so that nothing
 * behind a request that is refused for its framing is ever taken for another. Costs a comparison when nothing waits.
 */
export function inTurn(req: Http1Request, res: Http1Response, go: () => void): void {
  const { socket } = req;
  // what comes behind a refusal that ended the connection is thrown away
  if (socket.writableEnded) return;
  if (res.socket !== null) return go();
  const ahead = waiting.get(socket) ?? 0;
  if (ahead >= PIPELINED) return void socket.destroy();
  waiting.set(socket, ahead + 1);
  res.once('socket', () => {
    waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
    go();
  });
}

/** Node keeps the answer that a connection is to carry next here, and tells nobody; counting ourselves costs each call. */
export function answerUnderWay(socket: Socket): Http1Response | null {
  const answer: unknown = Reflect.get(socket, '_httpMessage');
  return answer instanceof Http1Response ? answer : null;
}

/** Refuses a connection on which no request can be told apart: counted like any stranger's, answered, and ended. */
export function refuseConnection(gate: Gate, socket: Socket, reason: Reason): void {
  gate.recorder.refused(socket.remoteAddress ?? UNIX_PEER, reason);
  gate.watcher.refused(reason);
  const body = JSON.stringify(problemDocument(refusalFor(reason), null));
  socket.end(
    `HTTP/1.1 ${REASONS[reason].status} Refused\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  // who is told to go and stays would keep the connection: node waits until the peer ends its side
  socket.once('end', () => socket.destroy()).resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}

function unparsedReason(code: string): Reason {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers-too-large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'head-timeout';
  return 'bad-request';
}
