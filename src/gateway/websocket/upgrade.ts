/** HTTP/1.1 requests that ask for a WebSocket: they go the way of any call, and their connection is opened at its end. */

import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Http1Request, Http1Response } from '../http/http1.ts';

/** How a WebSocket to a caller is opened. */
export interface SocketOptions {
  /** The subprotocol that was agreed on; empty for none. */
  readonly protocol: string;
  /** Bytes of one message. */
  readonly longest: number;
  /** Field lines of the 101 beside those of the handshake: name, value. */
  readonly fields: readonly string[];
}

/** The answer to a request for a WebSocket: a refusal like any other, or the open connection. */
export class UpgradeResponse extends Http1Response {
  readonly #socket: Socket;
  readonly #head: Buffer;

  /** `head` is what came behind the request already. */
  constructor(req: Http1Request, socket: Socket, head: Buffer) {
    super(req);
    this.#socket = socket;
    this.#head = head;
    // whoever speaks over the connection later hears of its errors itself
    socket.on('error', () => {});
    this.shouldKeepAlive = false;
    this.assignSocket(socket);
    this.once('finish', () => socket.destroySoon());
  }

  /** Returns the open connection, null when the caller has left. Call it once, and write nothing else. */
  openSocket({ protocol, longest, fields }: SocketOptions): WebSocket | null {
    if (this.#socket.destroyed) return null;
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: longest,
      handleProtocols: () => (protocol === '' ? false : protocol),
    });
    server.on('headers', (lines) => {
      for (let at = 0; at < fields.length; at += 2) lines.push(`${fields[at]}: ${fields[at + 1]}`);
    });
    let opened: WebSocket | null = null;
    // nothing in it waits: the head was checked before (http/head.ts)
    server.handleUpgrade(this.req, this.#socket, this.#head, (socket) => (opened = socket));
    return opened;
  }
}
